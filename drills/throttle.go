package drills

import (
	"errors"
	"fmt"
	"maps"
	"slices"

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

// throttle of a backup in bytes per second: a fault's, or else the scenario's own.
func (d *drill) throttle(bp *BackupPlan) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.throttles[bp.Name]; t != nil {
		return t.rate
	}
	return int64(bp.Spec.Throttle)
}

// throttled says that a slow restore took effect: it ran, at this rate.
func (d *drill) throttled(backup string, fact record.Restored) error {
	d.mu.Lock()
	t := d.throttles[backup]
	if t == nil {
		d.mu.Unlock()
		return nil
	}
	t.last = record.Moment{Early: fact.Started, Late: fact.Ended}
	d.mu.Unlock()
	note := fmt.Sprintf("%d bytes/s", fact.Throttle) // of a backup that is read where it lies, later and lazily
	if seconds := (fact.Ended - fact.Started).Seconds(); fact.Bytes > 0 && seconds > 0 {
		note = fmt.Sprintf("%.0f bytes/s", float64(fact.Bytes)/seconds)
	}
	return d.faultEventAt(t.FaultPlan, record.FaultEffective, t.last, note)
}

// endThrottles ends every throttle, and writes down that it ended with the last restore that it slowed down.
func (d *drill) endThrottles() error {
	d.mu.Lock()
	ended := d.throttles
	d.throttles = map[string]*throttle{}
	d.mu.Unlock()
	var errs []error
	for _, backup := range slices.Sorted(maps.Keys(ended)) {
		t, at := ended[backup], d.now()
		if t.last != (record.Moment{}) {
			at = record.At(t.last.Late)
		}
		errs = append(errs, d.faultEventAt(t.FaultPlan, record.FaultEnded, at, ""))
	}
	return errors.Join(errs...)
}
