// Package drills is the engine: it turns a scenario into a plan that changes
// nothing, and a plan into a drill that leaves a journal, a record and a
// verdict behind, and nothing else.
//
//	scenario ─▶ plan ─▶ drill ─▶ journal ─▶ record ─▶ verdict ─▶ reports
package drills

import (
	"context"
	"io"
	"log/slog"
	"time"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/pressure"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Kit is every back-end that this build of lifeboat has, by the kind that a
// scenario calls it. It is filled in one place, cmd/lifeboat/kit.go.
type Kit struct {
	Stores    map[string]func(at store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem)
	Rooms     store.Rooms // in which stores run what interprets their content; nil: they run none
	Loaders   map[string]func(s scenarios.Settings) (restore.Loader, []scenarios.Problem)
	Imagers   map[string]func(s scenarios.Settings) (restore.Imager, []scenarios.Problem)
	Instances map[string]instance.Kind
	Faults    map[string]func(s scenarios.Settings) (fault.Fault, []scenarios.Problem)
	Checks    map[string]func(spec scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem)
	Flows     func(c instance.Companion, log *slog.Logger) (verifier.Flows, error)
	K6        func() record.Program // what Flows run; nil: nobody can tell
	Undoers   map[string]ledger.Undoer
	// Boots is how many instances are booted at once in the restore; 0: as many as this host has processors.
	Boots int
	// Host reads how hard the host is pressed; nil: nobody looks. An error says why there is no pressure to read.
	Host func() (pressure.Counters, error)
	// Capacity of the host for instances: free bytes of disk and of memory; zero means unknown.
	Capacity func(ctx context.Context) (disk, memory int64, err error)
	// Space tells what is left where restored code writes, and in the home; asked all through a drill. Nil: nobody can tell.
	Space func(ctx context.Context) ([]Space, error)
	// Remains lists what still carries the drill's label, each as "what name".
	Remains func(ctx context.Context, s ledger.Scope) ([]string, error)
	// Strays removes (or with dryRun only lists) what carries the label of a dead drill that has no ledger here.
	Strays func(ctx context.Context, dryRun bool) ([]Swept, error)
	// Reaper starts the reaper of a drill, before anything is created. Nil only in tests of the engine.
	Reaper func(ctx context.Context, s ledger.Scope) (Reaper, error)
}

// Reaper is the hold on a drill's reaper. If this process dies without a word,
// the reaper cleans up. If the reaper dies, another one is started.
type Reaper interface {
	// Hide tells it which texts it must not write down, should it come to that.
	Hide(secrets []string) error
	// Gaps are the times in which the drill had no reaper, because one had died.
	Gaps() []time.Duration
	// Release tells the reaper that all is clean.
	Release() error
	// Keep tells it to leave everything until the deadline.
	Keep() error
}

// Watch lets somebody look on. Every function may be nil; none may block.
type Watch struct {
	Event    func(e record.Event) // every one, in the journal's order
	Progress func(p Progress)
	Sample   func(i Iteration)
	// Ask is asked for a person's decision; nil: only lifeboat approve can answer.
	Ask func(ctx context.Context, q Question) (Answer, error)
}

// Iteration of the pulse, and whether it counts against the business.
type Iteration struct {
	verifier.Sample
	Bad bool
}

// Progress of one restore.
type Progress struct {
	Backup string
	Bytes  int64 // as stored
	Total  int64
}

// Question to the commander.
type Question struct {
	Drill    string
	Incident int
	Rule     string // what was detected
	Choices  []string
}

// Answer of the commander, or through lifeboat approve.
type Answer struct {
	Outcome string   `json:"outcome"`
	Scope   []string `json:"scope,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	By      string   `json:"by"`
}

// Options of one drill.
type Options struct {
	Home   string             // .lifeboat
	Tool   string             // its version
	Sizes  map[string][]int64 // of the restore points that passed last, by backup
	UpTo   string             // record.UpToRead: read the backups, and restore none
	Retest []string           // findings of the scenario's series that the drill is to try again
	// Planned is the slot that the drill was planned for; nil: nobody said.
	Planned *time.Time
	Program *record.Program // this lifeboat
	Keep    bool            // leave a failed drill's instances until the deadline
	// Turn is waited for before anything is restored, for Patience at most, which the deadline is later by; nil: it is its turn.
	Turn     func(context.Context) error
	Patience time.Duration
	Log      *slog.Logger
	Stderr   io.Writer
	Watch    Watch
	Clock    record.Clock // by which events are timed besides; the zero one is the host's
}
