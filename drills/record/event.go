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

// Kind names an event. The comment names the type of its data.
type Kind string

// The kinds of events.
const (
	KindOpened       Kind = "drill.opened"       // Header
	KindPhase        Kind = "phase"              // PhaseEvent
	KindStep         Kind = "step"               // Step
	KindRestorePoint Kind = "restore.point"      // RestorePoint
	KindRestored     Kind = "restore.done"       // Restored
	KindNetwork      Kind = "isolation.network"  // Network
	KindProbe        Kind = "isolation.probe"    // Probe
	KindEgress       Kind = "isolation.egress"   // Egress
	KindReach        Kind = "reach"              // Reach
	KindPulse        Kind = "pulse"              // PulseEvent
	KindUpgrade      Kind = "upgrade"            // UpgradeEvent
	KindFault        Kind = "fault"              // FaultEvent
	KindIncident     Kind = "incident.opened"    // IncidentEvent
	KindDetected     Kind = "incident.detected"  // Detected
	KindDecided      Kind = "incident.decided"   // Decision
	KindRollback     Kind = "incident.rollback"  // RollbackEvent
	KindBooted       Kind = "instance.booted"    // Booted
	KindBootFailed   Kind = "instance.failed"    // BootFailure
	KindDiagnosis    Kind = "instance.diagnosis" // Diagnosis
	KindDiskRead     Kind = "restore.read"       // DiskRead
	KindWaited       Kind = "business.waited"    // Overdue
	KindHostLoad     Kind = "host.load"          // HostLoad
	KindCheck        Kind = "check"              // CheckResult
	KindHarness      Kind = "harness.error"      // HarnessError
	KindObservation  Kind = "observation"        // Observation
	KindNote         Kind = "note"               // Note
	KindAborted      Kind = "drill.aborted"      // Aborted
	KindCleanup      Kind = "cleanup"            // CleanupEvent
	KindRaw          Kind = "raw"                // RawFile
	KindSealed       Kind = "drill.sealed"       // Sealed
	KindTorn         Kind = "torn"               // Torn: a line cut off by a crash, closed by the reaper
)

// Actors that are not people.
const (
	ActorLifeboat = "lifeboat"
	ActorReaper   = "reaper"
)
