package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/secrets"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Plan is a scenario with everything resolved: which restore points, which
// back-ends, in which order. Making it changes nothing.
type Plan struct {
	Scenario *scenarios.Scenario
	Backups  map[string]*BackupPlan
	Order    []string // instances, those that are needed first
	Faults   [][]FaultPlan
	Checks   []CheckPlan
	Kinds    []string                     // of instances, sorted
	kinds    map[string]instance.Kind     // by their names
	own      map[string]instance.Settings // of each instance
	started  *store.Programs              // by the stores
	Boots    int                          // of the restore, at once
	Refusals []string                     // why this host cannot run it, each a sentence
	Needs    Needs
}

// Needs is what the drill takes from the host, estimated from sizes.
type Needs struct {
	Disk       int64 `json:"disk_bytes"`
	Memory     int64 `json:"memory_bytes"`
	FreeDisk   int64 `json:"free_disk_bytes"`   // 0: unknown
	FreeMemory int64 `json:"free_memory_bytes"` // 0: unknown
}

// BackupPlan is a backup with its restore point.
type BackupPlan struct {
	Name   string
	Spec   scenarios.Backup
	Store  store.Store
	Point  store.Point
	Loader restore.Loader // one of the two
	Imager restore.Imager

	Missing *record.Missing      // there is nothing to restore, which is what the drill will say; nil: there is
	Beside  []record.Observation // what makes it doubtful that Point is the newest
	older   []store.Point        // that come right after it
	undated bool                 // nothing in it says when it was made
	profile besideFile           // what lies beside Point, where a check asks for it
	made    string               // when it was, as its beginning says; "": nobody asked, or it does not say
	lies    int                  // complete restore points in its store
	oldest  time.Time            // of what time the oldest of them is; zero: one does not tell
	listed  time.Time            // when that was
}

// FaultPlan is a fault with its back-end, and which one it is: the same kind may break the same instance twice.
type FaultPlan struct {
	Spec     scenarios.Fault
	Fault    fault.Fault
	Incident int // 1 is the first
	Index    int // among those of its incident; 1 is the first
}

// CheckPlan is a check with its back-end.
type CheckPlan struct {
	Spec  scenarios.CheckSpec
	Check verifier.Check
}

// NewPlan resolves a scenario. The error is scenarios.Problems when the file is
// wrong; what only this host lacks is in Plan.Refusals.
func NewPlan(ctx context.Context, kit Kit, s *scenarios.Scenario) (*Plan, error) {
	p, problems := resolve(kit, s)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, secret := range s.Secrets() { // one that cannot be had is this host's, and no store's
		if _, err := secret.Reveal(); err != nil && !slices.Contains(p.Refusals, err.Error()) {
			p.Refusals = append(p.Refusals, err.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Backups)) {
		if err := p.Backups[name].choose(ctx, time.Now(), s.Objectives["age"].Std()); err != nil {
			p.Refusals = append(p.Refusals, err.Error())
		}
		p.Backups[name].date(ctx)
	}
	p.Boots = cmp.Or(kit.Boots, runtime.NumCPU())
	p.lookForSpace(ctx, kit)
	p.askHost(ctx, kit)
	p.estimate(ctx, kit)
	known := secrets.Of(s)
	for i, why := range p.Refusals { // a store repeats what its server said
		p.Refusals[i] = known.Hide(why)
	}
	for _, b := range p.Backups {
		if b.Missing != nil {
			b.Missing.Store = known.Hide(b.Missing.Store)
		}
	}
	return p, nil
}

// bootOrder sorts the instances so that those that are needed come first. The
// loader has refused cycles, and needs of what is not there.
func bootOrder(s *scenarios.Scenario) []string {
	var order []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if _, known := s.Instances[name]; seen[name] || !known {
			return
		}
		seen[name] = true
		for _, n := range s.Instances[name].Needs {
			visit(n)
		}
		order = append(order, name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Instances)) {
		visit(name)
	}
	return order
}

// RefusedError says that preflight found something that this host cannot do;
// nothing was started and no number was taken.
type RefusedError struct{ Reasons []string }

func (e *RefusedError) Error() string {
	errs := make([]error, len(e.Reasons))
	for i, r := range e.Reasons {
		errs[i] = errors.New(r)
	}
	return fmt.Sprintf("preflight refused: %v", errors.Join(errs...))
}
