package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
)

// faults are those of the scenario, with what is known of them by now.
type faults struct {
	*books
	plan      *Plan
	room      *machines.Room
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
	took := x.room.Took(m.Name())
	if took == 0 {
		took = bootUnknown
	}
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
