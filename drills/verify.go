package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// verify asks every check after the rollback, or the decision that there is none, lowest layer first, and waits until the
// business has stayed green for as long as the scenario says.
func (d *drill) verify(ctx context.Context) error {
	if err := d.room.Intact(ctx); err != nil {
		return err
	}
	if err := d.askRestarting(ctx); err != nil {
		return err
	}
	// The business is waited for before it is asked, so that a check does not fail on a service
	// that is still starting; a business that does not come back is asked all the same.
	stable, within := d.plan.Scenario.StableFor.Std(), d.plan.Scenario.Verify.Within.Std()
	err := d.business.waitStable(ctx, stable, within)
	if err != nil && !errors.Is(err, errNotGreen) {
		return err
	}
	d.back = err == nil
	if err := d.room.Intact(ctx); err != nil {
		return err
	}
	if err := d.askFaults(ctx); err != nil {
		return err
	}
	if err := d.askChecks(ctx, record.After, func(c CheckPlan) bool { return !restarts(c) }); err != nil || !d.back {
		return err
	}
	// The checks themselves may have slowed the business down for a moment: it must be seen to last again.
	err = d.business.waitStable(ctx, stable, settleWithin)
	if d.back = err == nil; errors.Is(err, errNotGreen) {
		return nil
	}
	return err
}

// settleWithin is how long a business may take to recover from the checks.
const settleWithin = time.Minute

// restarts tells whether a check restarts what it asks.
func restarts(c CheckPlan) bool {
	r, ok := c.Check.(interface{ Restarts() bool })
	return ok && r.Restarts()
}

// askRestarting asks the checks that restart something before the window of stable green
// begins: the business is down while they do.
func (d *drill) askRestarting(ctx context.Context) error {
	if !slices.ContainsFunc(d.plan.Checks, restarts) {
		return nil
	}
	if err := d.business.waitStable(ctx, time.Second, d.plan.Scenario.Verify.Within.Std()); err != nil && !errors.Is(err, errNotGreen) {
		return err
	}
	if err := d.askFaults(ctx); err != nil {
		return err
	}
	return d.askChecks(ctx, record.After, restarts)
}

// askChecks asks the chosen checks, lowest layer first, and writes every answer down.
func (d *drill) askChecks(ctx context.Context, when record.When, chosen func(CheckPlan) bool) error {
	for _, layer := range record.Layers() {
		for _, c := range d.plan.Checks {
			if c.Spec.Layer != layer || !chosen(c) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r, err := d.askWhen(ctx, c, when)
			if ctx.Err() != nil {
				return context.Cause(ctx) // an answer cut off by the abort says nothing
			}
			if err != nil {
				return err
			}
			if err := d.Append(record.KindCheck, d.subject(""), r); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTimeout bounds one check.
const checkTimeout = 10 * time.Minute

func (d *drill) askWhen(ctx context.Context, c CheckPlan, when record.When) (record.CheckResult, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r := record.CheckResult{Name: c.Spec.Name, Layer: c.Spec.Layer, When: when, Started: d.elapsed()}
	before := d.before[c.Spec.Name]
	if when == record.Before {
		before = nil
	}
	var facts verifier.Facts
	var a verifier.Answer
	for asked := true; asked; { // again where no answer came in time and the host explains that
		var err error
		facts, err = d.observe(ctx, c.Check)
		r.Ended, r.Overdue = d.elapsed(), nil
		if err != nil {
			r.Status, r.Message = record.CheckCrashed, d.hide(err.Error())
			return r, nil
		}
		a = verifier.Judge(c.Check, when, before, facts)
		if asked = a.Late > 0; asked {
			o := d.overdue(a.Late, r.Started)
			r.Overdue, asked = &o, !d.host.over(o)
		}
	}
	if when == record.Before {
		d.before[c.Spec.Name] = facts
	}
	with, ok := c.Check.(verifier.Comparer)
	r.Compared = ok && with.Compares() && len(before) > 0
	r.Status, r.Message = a.Status, d.hide(a.Message)
	var err error
	if r.Facts, r.FactsDigest, err = d.keepFacts(d.hide(d.secrets.hideJSON(string(facts)))); err != nil {
		return r, err
	}
	if a.Said != nil && a.Said.Is(a.Message) {
		r.Said = a.Said
	}
	for _, line := range a.Diff {
		r.Diff = append(r.Diff, d.hide(line))
	}
	if r.Status == record.CheckFailed {
		if err := d.room.Intact(ctx); err != nil {
			r.Status, r.Message, r.Said = record.CheckCrashed, d.hide(err.Error()), nil
			return r, nil
		}
		r.Backup = d.backupOf(c)
	}
	return r, nil
}

// observe turns a panic of a check into an error: a check that crashes is unknown, never passed.
func (d *drill) observe(ctx context.Context, c verifier.Check) (facts verifier.Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the check crashed: %v", p)
		}
	}()
	return c.Observe(ctx, d)
}

// instanceOf is the instance that a check calls by its name or by one of its aliases.
func (d *drill) instanceOf(name string) string {
	for in, spec := range d.plan.Scenario.Instances {
		if slices.Contains(spec.Aliases, name) {
			return in
		}
	}
	return name
}

// asked finds the machine that a check asks. One that was not booted again is the
// rollback's doing, and so an answer.
func (d *drill) asked(on string) (instance.Machine, error) {
	m, err := d.room.Machine(d.instanceOf(on))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verifier.ErrDown, err)
	}
	return m, nil
}

// backupOf names the backup of the instance that a failed check looked at.
func (d *drill) backupOf(c CheckPlan) string {
	on, ok := c.Check.(interface{ On() string })
	if !ok {
		return ""
	}
	spec := d.plan.Scenario.Instances[d.instanceOf(on.On())]
	return spec.Boot + spec.Load
}
