package drills

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"lifeboat/drills/record"
)

// throttler is what a fault offers that slows a backup down instead of breaking a machine.
type throttler interface{ BytesPerSecond() int64 }

// throttle is such a fault while it is in force: until the rollback whose restores it slows down has ended, or its
// incident has.
type throttle struct {
	FaultPlan
	rate int64         // bytes per second
	last record.Moment // the latest restore that it slowed down; zero: none yet
}

// throttles are those in force, by their backups.
type throttles struct {
	*books
	mu sync.Mutex
	by map[string]*throttle
}

// set puts a fault in force.
func (ts *throttles) set(f FaultPlan, rate int64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.by[f.Spec.On] = &throttle{FaultPlan: f, rate: rate}
}

// rate of a backup in bytes per second: a fault's, or else the scenario's own.
func (ts *throttles) rate(bp *BackupPlan) int64 {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.by[bp.Name]; t != nil {
		return t.rate
	}
	return int64(bp.Spec.Throttle)
}

// slowed says that a slow restore took effect: it ran, at this rate.
func (ts *throttles) slowed(backup string, fact record.Restored) error {
	ts.mu.Lock()
	t := ts.by[backup]
	if t == nil {
		ts.mu.Unlock()
		return nil
	}
	t.last = record.Moment{Early: fact.Started, Late: fact.Ended}
	ts.mu.Unlock()
	note := fmt.Sprintf("%d bytes/s", fact.Throttle) // of a backup that is read where it lies, later and lazily
	if seconds := (fact.Ended - fact.Started).Seconds(); fact.Bytes > 0 && seconds > 0 {
		note = fmt.Sprintf("%.0f bytes/s", float64(fact.Bytes)/seconds)
	}
	return ts.faultEventAt(t.FaultPlan, record.FaultEffective, t.last, note)
}

// end ends every throttle, and writes down that it ended with the last restore that it slowed down.
func (ts *throttles) end() error {
	ts.mu.Lock()
	ended := ts.by
	ts.by = map[string]*throttle{}
	ts.mu.Unlock()
	var errs []error
	for _, backup := range slices.Sorted(maps.Keys(ended)) {
		t, at := ended[backup], ts.now()
		if t.last != (record.Moment{}) {
			at = record.At(t.last.Late)
		}
		errs = append(errs, ts.faultEventAt(t.FaultPlan, record.FaultEnded, at, ""))
	}
	return errors.Join(errs...)
}
