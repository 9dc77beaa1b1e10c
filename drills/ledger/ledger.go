// Package ledger writes down what will be created or broken, and how to undo
// it, before it is done, so that anybody can undo it after a crash.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/record"
)

// Labels carried by everything that lifeboat creates on an engine.
const (
	LabelDrill    = "lifeboat.drill"
	LabelOwner    = "lifeboat.owner"
	LabelDeadline = "lifeboat.deadline" // RFC 3339, UTC: the hard maximum
	LabelInstance = "lifeboat.instance"
	LabelHome     = "lifeboat.home" // the drill's folder: where its ledger and journal are
)

// ErrGone is returned by an Undoer when the thing is not there (any more).
// Gone is clean, but it is not the same as undone.
var ErrGone = errors.New("not there")

// ErrInUse is returned by an Undoer whose thing is still used by a container. It is tried again once one is gone.
var ErrInUse = errors.New("in use")

// Undo says how something is put right, as data: another process can do it.
type Undo struct {
	Kind string          `json:"kind"` // e.g. docker.container
	Data json.RawMessage `json:"data"`
}

// Entry is one thing that will exist or be broken.
type Entry struct {
	ID   int    `json:"id"`
	What string `json:"what"` // container, network, volume, image, file, process, fault
	Name string `json:"name"` // how to find it again
	Undo Undo   `json:"undo"`
	// Subject is whom it concerns, and in which incident; with What "fault".
	Subject record.Subject `json:"subject,omitzero"`
	Fault   *Fault         `json:"fault,omitempty"`
	Fix     string         `json:"fix"`             // the command that does the same by hand
	State   State          `json:"state"`           // of the last line with this id
	Error   string         `json:"error,omitempty"` // of the last attempt to undo it
	// Since is when the undoing of its ledger began, or earlier where nothing was under way then: what was under way when its owner
	// died is that much older.
	Since time.Time `json:"-"`
}

// Fault says which one an entry undoes.
type Fault struct {
	Kind  string `json:"kind"`
	On    string `json:"on"`
	Index int    `json:"index"` // among those of its incident; 1 is the first
}

// Read decodes how an entry is undone, and refuses what was written for another drill: its data names one, as drill.
func (e Entry) Read(s Scope, how any) error {
	var of struct{ Drill string }
	if err := errors.Join(json.Unmarshal(e.Undo.Data, &of), json.Unmarshal(e.Undo.Data, how)); err != nil {
		return fmt.Errorf("read undo of %s: %w", e.Name, err)
	}
	if of.Drill != s.Drill || of.Drill == "" {
		return fmt.Errorf("undo %s: it belongs to drill %q, not %q: left alone", e.Name, of.Drill, s.Drill)
	}
	return nil
}

// State of an entry.
type State string

// The states: every entry begins as intended.
const (
	Intended State = "intended" // written; the thing may or may not exist
	Undone   State = "undone"
	Gone     State = "gone"
	Failed   State = "failed" // could not be undone yet
)

// Undoer undoes one entry. It is idempotent, returns ErrGone when there was
// nothing to undo, and returns nil only after looking again.
type Undoer func(ctx context.Context, scope Scope, e Entry) error

// Scope is what a ledger speaks for: one drill of one owner.
type Scope struct {
	Drill    string    `json:"drill"`
	Owner    Owner     `json:"owner"`
	Deadline time.Time `json:"deadline"`
	Home     string    `json:"home"` // the drill's own folder
}

// Labels are put on everything of this scope that can carry labels.
func (s Scope) Labels() map[string]string {
	return map[string]string{
		LabelDrill: s.Drill, LabelOwner: s.Owner.String(), LabelDeadline: s.Deadline.UTC().Format(time.RFC3339),
		LabelHome: s.Home,
	}
}
