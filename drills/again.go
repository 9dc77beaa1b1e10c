package drills

import (
	"context"
	"errors"
	"slices"
	"time"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// How a fault is asked after a rollback. What was healed a moment ago may still be starting, and a busy host is slow to
// ask: neither the first yes nor the first silence is the answer.
const (
	againEach     = 15 * time.Second // one question
	remainsAfter  = 10 * time.Second // of nothing but yes
	unaskedAfter  = 30 * time.Second // of nothing but silence
	againWithin   = 2 * time.Minute  // where it is now one, now the other
	againPause    = time.Second
	whyDestroyed  = "its instance was destroyed"
	removedByThis = "rollback" // of the scenario's removed_by
)

// askAll asks every fault that has bitten, after a rollback or the decision that there is none, and before the checks,
// by the observer that confirmed it: a business may be green, and all checks passed, while the next reboot or the next
// session meets the fault again.
func (x *faults) askAll(ctx context.Context) error {
	if !x.decided {
		return nil
	}
	x.decided = false
	var remain []FaultPlan
	for _, f := range x.bitten {
		e := record.FaultEvent{Kind: f.Spec.Kind, On: f.Spec.On, Index: f.Index, After: x.incident,
			Expected: x.rolled && x.removes(x.incident, f)}
		from := x.elapsed()
		var err error
		if e.State, err = x.askAgain(ctx, f); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			e.Note = x.hide(err.Error())
		}
		e.At = record.Moment{Early: from, Late: x.elapsed()}
		if err := x.Append(record.KindFault, x.subjectOf(f), e); err != nil {
			return err
		}
		if e.State != record.FaultRemoved {
			remain = append(remain, f)
		}
	}
	x.bitten = remain
	return nil
}

// removes tells whether the rollback of an incident is taken to remove a fault: it destroys its instance, boots it anew or
// reverts it, or the scenario says so.
func (x *faults) removes(incident int, f FaultPlan) bool {
	return f.Incident == incident && f.Spec.RemovedBy == removedByThis ||
		slices.ContainsFunc(x.plan.Scenario.Incidents[incident-1].Rollback, func(st scenarios.Step) bool {
			t := st.Traits()
			return t.Fresh && t.On == f.Spec.On
		})
}

// askAgain returns what became of a fault, and what was seen instead or stood in the way.
func (x *faults) askAgain(ctx context.Context, f FaultPlan) (record.FaultState, error) {
	began := x.elapsed()
	yes, silent := began, began // the beginnings of nothing but yes, and of nothing but silence
	for {
		m, err := x.room.Machine(f.Spec.On)
		if err != nil { // the last rollback left none of that name
			return record.FaultRemoved, errors.New(whyDestroyed)
		}
		each, cancel := context.WithTimeout(ctx, againEach)
		err = fault.Lasts(each, f.Fault, fault.Target{Machine: m})
		cancel()
		now := x.elapsed()
		if err != nil {
			yes = now
		} else {
			silent = now
		}
		switch {
		case errors.Is(err, instance.ErrNotInForce):
			return record.FaultRemoved, err
		case err == nil && now-yes >= remainsAfter:
			return record.FaultRemains, nil
		case err != nil && (now-silent >= unaskedAfter || now-began >= againWithin):
			return record.FaultUnasked, err
		}
		if err := instance.Pause(ctx, againPause); err != nil {
			return record.FaultUnasked, err
		}
	}
}
