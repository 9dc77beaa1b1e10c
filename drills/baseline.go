package drills

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/record"
)

// baseline asks everything once, then waits until the business is green.
func (d *drill) baseline(ctx context.Context) error {
	when := d.firstAsked()
	if err := d.checks.ask(ctx, when, func(c CheckPlan) bool {
		return c.Spec.Layer != record.LayerBusiness && !restarts(c)
	}); err != nil {
		return err
	}
	if err := d.checks.ask(ctx, when, restarts); err != nil { // last: what they restart is down for a moment
		return err
	}
	if d.plan.Scenario.Flow == nil && d.plan.Scenario.Trigger == record.TriggerNone {
		if err := d.checks.ask(ctx, when, func(c CheckPlan) bool { return c.Spec.Layer == record.LayerBusiness && !restarts(c) }); err != nil {
			return err
		}
	}
	if d.plan.Scenario.Flow != nil {
		if err := d.baselineBusiness(ctx); err != nil {
			return err
		}
	}
	return d.operator.rememberKernels(ctx)
}

func (d *drill) baselineBusiness(ctx context.Context) error {
	if err := d.business.start(ctx); err != nil {
		return err
	}
	stable := d.plan.Scenario.Baseline.StableFor.Std()
	within := baselineWithin + 2*d.business.pulse.pace.Timeout // green lasts from one good iteration to the next
	from := d.elapsed()
	if err := d.business.waitGreen(ctx, stable, within, 0); err != nil {
		if errors.Is(err, errNotGreen) {
			if err := d.business.askAlone(ctx, d.overdue(within+stable, from)); err != nil {
				return err
			}
			return &stopError{why: fmt.Sprintf("the baseline never was green for %s", stable)}
		}
		return err
	}
	if err := d.business.bearsCompany(ctx); err != nil {
		return err
	}
	err := d.checks.ask(ctx, d.firstAsked(), func(c CheckPlan) bool { return c.Spec.Layer == record.LayerBusiness })
	d.business.pulse.mu.Lock()
	defer d.business.pulse.mu.Unlock()
	d.business.pulse.checks.Learnt()
	return err
}

// firstAsked is how the answers before anything is done are called: in a check run they are the only ones.
func (d *drill) firstAsked() record.When {
	if d.plan.Scenario.Trigger == record.TriggerNone {
		return record.Once
	}
	return record.Before
}

// baselineWithin is how long a freshly restored business may take to become green.
const baselineWithin = time.Minute

var errNotGreen = errors.New("not green in time")
