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
	"lifeboat/drills/record"
)

// breakIt arms and injects the faults of an incident, each undo written down first. When one
// of them fails, those before it stay in the ledger and are healed with the clean-up.
func (d *drill) breakIt(ctx context.Context, i int, during string) error {
	for _, f := range d.plan.Faults[i] {
		if f.Spec.During != during {
			continue
		}
		if err := d.inject(ctx, f); err != nil {
			return errors.Join(err, d.faultEvent(f, record.FaultFailed, err.Error()))
		}
	}
	return nil
}

func (d *drill) inject(ctx context.Context, f FaultPlan) error {
	if t, ok := f.Fault.(throttler); ok {
		d.throttles.set(f, t.BytesPerSecond())
		return d.faultEvent(f, record.FaultInjected, fmt.Sprintf("%d bytes/s", t.BytesPerSecond()))
	}
	m, err := d.room.Machine(f.Spec.On)
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
	if _, err := d.ledger.Intend(ledger.Entry{What: "fault", Name: f.Spec.Kind + " on " + f.Spec.On, Undo: undo,
		Fix: "lifeboat sweep", Subject: d.subjectOf(f),
		Fault: &ledger.Fault{Kind: f.Spec.Kind, On: f.Spec.On, Index: f.Index}}); err != nil {
		return fmt.Errorf("write the undo of fault %s: %w", f.Spec.Kind, err)
	}
	if err := d.faultEvent(f, record.FaultPrepared, ""); err != nil {
		return err
	}
	if err := d.trigger.armOnFault(f); err != nil {
		return err
	}
	from := d.elapsed()
	if err := f.Fault.Inject(ctx, target); err != nil {
		return fmt.Errorf("inject fault %s on %s: %w", f.Spec.Kind, f.Spec.On, err)
	}
	if err := d.faultEventAt(f, record.FaultInjected, record.Moment{Early: from, Late: d.elapsed()}, ""); err != nil {
		return err
	}
	return d.confirm(ctx, f, target, from)
}

// confirm asks until the fault is seen to bite; one that does not is a fact, not an error.
func (d *drill) confirm(ctx context.Context, f FaultPlan, target fault.Target, from time.Duration) error {
	end := d.elapsed() + effectiveWithin
	for {
		asked := d.elapsed()
		seen := f.Fault.Effective(ctx, target)
		if seen == nil || errors.Is(seen, fault.ErrSilent) { // which is asked again once the business is red
			if seen != nil {
				d.silent = append(d.silent, f)
			}
			d.bitten = append(d.bitten, f)
			return d.faultEventAt(f, record.FaultEffective, record.Moment{Early: from, Late: d.elapsed()}, "")
		}
		if d.elapsed() > end {
			return d.faultEvent(f, record.FaultNoEffect, seen.Error())
		}
		from = asked
		if err := instance.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// reconfirm asks once more for the faults that were taken for effective because their machine was silent: one that
// came up was never broken, and what turned the business red was its reboot.
func (d *drill) reconfirm(ctx context.Context, known func(context.Context, FaultPlan, instance.Machine) error) {
	d.silent = slices.DeleteFunc(d.silent, func(f FaultPlan) bool {
		m, err := d.room.Machine(f.Spec.On)
		if err != nil {
			return true
		}
		if err = known(ctx, f, m); errors.Is(err, fault.ErrCameUp) {
			if e := d.faultEvent(f, record.FaultNoEffect, err.Error()); e != nil {
				d.log.Error("write the journal", "kind", record.KindFault, "error", e)
			}
		}
		return !errors.Is(err, fault.ErrSilent)
	})
}

func askFault(ctx context.Context, f FaultPlan, m instance.Machine) error {
	return f.Fault.Effective(ctx, fault.Target{Machine: m})
}

// outwait asks a fault until its machine has answered, shows why it never will, or had twice the time of its last boot.
func (d *drill) outwait(ctx context.Context, f FaultPlan, m instance.Machine) error {
	took := d.room.Took(m.Name())
	if took == 0 {
		took = bootUnknown
	}
	for end := d.elapsed() + 2*took; ; {
		err := askFault(ctx, f, m)
		if !errors.Is(err, fault.ErrSilent) || d.elapsed() > end {
			return err
		}
		if got, ok := d.shows.ask(ctx, m); ok && got.Fatal {
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
