package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/scenarios"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// faults are those of the scenario, with what is known of them by now.
type faults struct {
	site
	throttles *throttles
	shows     *diagnoses
	trigger   *trigger

	silent  []FaultPlan // of the incident, on machines that have not answered since
	bitten  []FaultPlan // of all incidents, seen to bite and not seen to be gone
	decided bool        // an incident has been decided, and rolled back where that was decided, and no fault was asked since
	rolled  bool        // a rollback of it has begun
}

// injectAll arms and injects the faults of an incident, each undo written down first. When one
// of them fails, those before it stay in the ledger and are healed with the clean-up.
func (x *faults) injectAll(ctx context.Context, i int, during string) error {
	for _, f := range x.plan.Faults[i] {
		if f.Spec.During != during {
			continue
		}
		if err := x.inject(ctx, f); err != nil {
			return errors.Join(err, x.faultEvent(f, record.FaultFailed, err.Error()))
		}
	}
	return nil
}

func (x *faults) inject(ctx context.Context, f FaultPlan) error {
	if t, ok := f.Fault.(throttler); ok {
		x.throttles.set(f, t.BytesPerSecond())
		return x.faultEvent(f, record.FaultInjected, fmt.Sprintf("%d bytes/s", t.BytesPerSecond()))
	}
	m, err := x.room.Machine(f.Spec.On)
	if err != nil {
		return err
	}
	target := fault.Target{Machine: m}
	if err := f.Fault.Available(ctx, target); err != nil {
		return fmt.Errorf("fault %s cannot be injected on %s: %w", f.Spec.Kind, f.Spec.On, err)
	}
	undo, err := f.Fault.Prepare(ctx, target)
	if err != nil {
		return fmt.Errorf("prepare fault %s on %s: %w", f.Spec.Kind, f.Spec.On, err)
	}
	if _, err := x.ledger.Intend(ledger.Entry{What: "fault", Name: f.Spec.Kind + " on " + f.Spec.On, Undo: undo,
		Fix: "lifeboat sweep", Subject: x.subjectOf(f),
		Fault: &ledger.Fault{Kind: f.Spec.Kind, On: f.Spec.On, Index: f.Index}}); err != nil {
		return fmt.Errorf("write the undo of fault %s: %w", f.Spec.Kind, err)
	}
	if err := x.faultEvent(f, record.FaultPrepared, ""); err != nil {
		return err
	}
	if err := x.trigger.armOnFault(f); err != nil {
		return err
	}
	from := x.elapsed()
	if err := f.Fault.Inject(ctx, target); err != nil {
		return fmt.Errorf("inject fault %s on %s: %w", f.Spec.Kind, f.Spec.On, err)
	}
	if err := x.faultEventAt(f, record.FaultInjected, record.Moment{Early: from, Late: x.elapsed()}, ""); err != nil {
		return err
	}
	return x.confirm(ctx, f, target, from)
}

// confirm asks until the fault is seen to bite; one that does not is a fact, not an error.
func (x *faults) confirm(ctx context.Context, f FaultPlan, target fault.Target, from time.Duration) error {
	end := x.elapsed() + effectiveWithin
	for {
		asked := x.elapsed()
		seen := f.Fault.Effective(ctx, target)
		if seen == nil || errors.Is(seen, fault.ErrSilent) { // which is asked again once the business is red
			if seen != nil {
				x.silent = append(x.silent, f)
			}
			x.bitten = append(x.bitten, f)
			return x.faultEventAt(f, record.FaultEffective, record.Moment{Early: from, Late: x.elapsed()}, "")
		}
		if x.elapsed() > end {
			return x.faultEvent(f, record.FaultNoEffect, seen.Error())
		}
		from = asked
		if err := instance.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// reconfirm asks once more for the faults that were taken for effective because their machine was silent: one that
// came up was never broken, and what turned the business red was its reboot.
func (x *faults) reconfirm(ctx context.Context, known func(context.Context, FaultPlan, instance.Machine) error) {
	x.silent = slices.DeleteFunc(x.silent, func(f FaultPlan) bool {
		m, err := x.room.Machine(f.Spec.On)
		if err != nil {
			return true
		}
		if err = known(ctx, f, m); errors.Is(err, fault.ErrCameUp) {
			if e := x.faultEvent(f, record.FaultNoEffect, err.Error()); e != nil {
				x.log.Error("write the journal", "kind", record.KindFault, "error", e)
			}
		}
		return !errors.Is(err, fault.ErrSilent)
	})
}

func askFault(ctx context.Context, f FaultPlan, m instance.Machine) error {
	return f.Fault.Effective(ctx, fault.Target{Machine: m})
}

// outwait asks a fault until its machine has answered, shows why it never will, or had twice the time of its last boot.
func (x *faults) outwait(ctx context.Context, f FaultPlan, m instance.Machine) error {
	took := cmp.Or(x.room.Took(m.Name()), bootUnknown)
	for end := x.elapsed() + 2*took; ; {
		err := askFault(ctx, f, m)
		if !errors.Is(err, fault.ErrSilent) || x.elapsed() > end {
			return err
		}
		if got, ok := x.shows.ask(ctx, m); ok && got.Fatal {
			return err
		}
		if e := instance.Pause(ctx, diagnoseEvery); e != nil {
			return e
		}
	}
}

// bootUnknown stands for the time that a machine takes to boot where the scenario does not say when it is ready.
const bootUnknown = time.Minute

// effectiveWithin is how long a fault may take to bite; the pulse may still see it later.
const effectiveWithin = 10 * time.Second

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
			e.Note = x.Hide(err.Error())
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
