package drills

import (
	"context"
	"errors"
	"slices"
	"time"

	"lifeboat/drills/record"
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
	if err := d.faults.askAll(ctx); err != nil {
		return err
	}
	if err := d.checks.ask(ctx, record.After, func(c CheckPlan) bool { return !restarts(c) }); err != nil || !d.back {
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
	if err := d.faults.askAll(ctx); err != nil {
		return err
	}
	return d.checks.ask(ctx, record.After, restarts)
}
