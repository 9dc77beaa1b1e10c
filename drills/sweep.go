package drills

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// SweepRequest says where to look for dead drills.
type SweepRequest struct {
	Home   string
	Kit    Kit
	Log    *slog.Logger
	DryRun bool
	Kept   bool // also what was kept for looking, before its deadline
	All    bool // look at every drill of the home, not only at those that are not known to be clean
}

// Swept is one dead drill and what became of it.
type Swept struct {
	Drill   string                `json:"drill"`
	Why     string                `json:"why"` // it counts as dead
	DryRun  bool                  `json:"dry_run,omitempty"`
	Entries []string              `json:"entries,omitempty"` // "container NAME", of its ledger or found by label
	Left    []record.CleanupEvent `json:"left,omitempty"`
	Removed int                   `json:"removed"`        // how many of them are gone
	Busy    bool                  `json:"busy,omitempty"` // its reaper is at work: nothing was done here
}

// What happened, in words.
func (s Swept) What() string {
	switch {
	case s.Busy:
		return s.Why + "; its reaper is cleaning up"
	case s.DryRun:
		return fmt.Sprintf("%s; would remove %v", s.Why, s.Entries)
	case len(s.Left) > 0:
		return fmt.Sprintf("%s; removed %d things, %d could not be removed", s.Why, s.Removed, len(s.Left))
	}
	return fmt.Sprintf("%s; removed %d things", s.Why, s.Removed)
}

// List gives the folders of all drills of a home, oldest first.
func List(home string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(home, "drills"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the drills: %w", err)
	}
	var dirs []string
	for _, e := range entries { // sorted by name, and names are time-sortable
		if _, err := os.Stat(filepath.Join(home, "drills", e.Name(), journalName)); e.IsDir() && err == nil {
			dirs = append(dirs, filepath.Join(home, "drills", e.Name()))
		}
	}
	return dirs, nil
}

// Ended tells whether a drill's ledger has nothing left to undo and its owner is gone or done.
func Ended(dir string) bool {
	r, _, err := Judge(dir)
	if err != nil || r.Status == record.RunCompleted {
		return true
	}
	scope, err := ledger.LoadScope(dir)
	return err != nil || scope.Owner.Alive() == ledger.Dead
}

// Running tells whether the process that drills, or cleans up after its drill, is alive.
func Running(dir string) bool {
	scope, err := ledger.LoadScope(dir)
	return err == nil && scope.Owner.Alive() == ledger.Alive
}

// SweepAll cleans up after the dead: first the drills of this home by their
// ledgers, then whatever else carries the label of a drill that is dead.
func SweepAll(ctx context.Context, r SweepRequest) ([]Swept, error) {
	dirs, learnt, err := unprovedDrills(r.Home, r.All)
	if err != nil {
		return nil, err
	}
	var swept []Swept
	var errs []error
	for _, dir := range dirs {
		s, err := sweepDrill(ctx, r, dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", filepath.Base(dir), err))
		}
		if s != nil {
			swept = append(swept, *s)
		}
	}
	if !r.DryRun {
		errs = append(errs, learnt())
	}
	if r.Kit.Strays != nil {
		strays, err := r.Kit.Strays(ctx, r.DryRun)
		errs = append(errs, err)
		swept = append(swept, strays...)
	}
	return swept, errors.Join(errs...)
}

// sweepDrill returns nil for a drill that is clean or alive.
func sweepDrill(ctx context.Context, r SweepRequest, dir string) (*Swept, error) {
	if isMarked(dir) { // whoever marked it could not take it out any more
		return nil, proved(dir)
	}
	rest, err := unfinished(dir)
	if errors.Is(err, fs.ErrNotExist) { // no ledger: nothing was ever begun
		return nil, nil
	}
	if err == nil && !rest {
		markFound(dir)
	}
	if err != nil || !rest {
		return nil, err
	}
	scope, err := ledger.LoadScope(dir)
	if err != nil {
		return nil, err
	}
	dead, why := scope.Abandoned(time.Now())
	if !dead || !r.Kept && Kept(dir) {
		return nil, nil
	}
	open, err := openEntries(dir)
	if err != nil {
		return nil, err
	}
	s := &Swept{Drill: filepath.Base(dir), Why: why, Entries: open, DryRun: r.DryRun}
	if r.DryRun {
		return s, nil
	}
	s.Left, err = Reap(ctx, ReapRequest{Home: r.Home, Drill: s.Drill, Kit: r.Kit, Why: unsealed(dir, why)})
	if errors.Is(err, record.ErrLocked) {
		s.Busy, s.Entries, err = true, nil, nil
	}
	if still, e := openEntries(dir); e == nil && !s.Busy { // what could not be done stays open in the ledger
		s.Removed = max(0, len(open)-len(still))
	}
	return s, err
}

// openEntries are the entries of a drill's ledger that are not undone yet, as "what name".
func openEntries(dir string) ([]string, error) {
	entries, err := ledger.Load(dir)
	if err != nil {
		return nil, err
	}
	var open []string
	for _, e := range entries {
		if e.State == ledger.Intended || e.State == ledger.Failed {
			open = append(open, e.What+" "+e.Name)
		}
	}
	return open, nil
}

// unsealed is why as the reason of an abort, or nothing for a drill that ended in an orderly way.
func unsealed(dir, why string) string {
	if r, _, err := Judge(dir); err == nil && r.Status != record.RunCrashed {
		return ""
	}
	return why
}

// Kept tells whether somebody asked for a drill's instances to stay, and the
// deadline until which they do is not over.
func Kept(dir string) bool {
	scope, err := ledger.LoadScope(dir)
	if err != nil || !time.Now().Before(scope.Deadline) {
		return false
	}
	r, _, err := Judge(dir)
	return err == nil && len(r.Cleanup.Kept) > 0
}
