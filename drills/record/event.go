// Package record holds the facts of a drill: the events of its journal, the
// record computed from them, and the type of a verdict. It knows no back-end
// and judges nothing.
package record

import (
	"encoding/json"
	"time"
)

// Version of the journal's and the record's format.
const Version = 1

// Event is one line of the journal: what happened, to whom, when, who did it.
type Event struct {
	Seq     int64           `json:"seq"`
	Elapsed time.Duration   `json:"elapsed_ns"`        // since the drill's base, monotonic
	Wall    time.Time       `json:"wall"`              // for people, with its zone
	BootNS  int64           `json:"boot_ns,omitempty"` // CLOCK_BOOTTIME of the header's boot; 0: not known
	Actor   string          `json:"actor"`             // lifeboat, reaper, or a person's name
	Kind    Kind            `json:"kind"`
	Subject Subject         `json:"subject,omitzero"`
	Data    json.RawMessage `json:"data,omitempty"`
	Prev    string          `json:"prev"` // sha256 of the previous line's bytes as written; empty in the first

	sum string // sha256 of this line's bytes as written; known to the writer and the reader
}

// Subject says what an event is about. Groups of hosts use all of it; a drill
// of single instances only Instance, Generation and Incident.
type Subject struct {
	Instance   string `json:"instance,omitempty"`
	Group      string `json:"group,omitempty"`
	Slot       int    `json:"slot,omitempty"`
	Generation int    `json:"generation,omitempty"` // 1 is the first boot from the backup
	Batch      int    `json:"batch,omitempty"`
	Version    string `json:"version,omitempty"`
	Incident   int    `json:"incident,omitempty"` // 1 is the first
}

// Kind names an event; kinds.go says what the data of each is.
type Kind string

// Actors that are not people.
const (
	ActorLifeboat = "lifeboat"
	ActorReaper   = "reaper"
)
