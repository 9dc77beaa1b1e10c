package drills

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// precheck looks for what will be needed late: nothing may be broken when k6 is missing afterwards.
func (d *drill) precheck(context.Context) error {
	if d.plan.Scenario.Flow == nil {
		return nil
	}
	return d.openFlows()
}

// baseline asks everything once, then waits until the business is green.
func (d *drill) baseline(ctx context.Context) error {
	if err := d.askChecks(ctx, "before", func(c CheckPlan) bool {
		return c.Spec.Layer != record.LayerBusiness && !restarts(c)
	}); err != nil {
		return err
	}
	if err := d.askChecks(ctx, "before", restarts); err != nil { // last: what they restart is down for a moment
		return err
	}
	if d.plan.Scenario.Flow == nil {
		return nil
	}
	if err := d.startPulse(ctx); err != nil {
		return err
	}
	stable := d.plan.Scenario.Baseline.StableFor.Std()
	ctx, cancel := context.WithTimeoutCause(ctx, stable+baselineWithin, errNotGreen)
	defer cancel()
	if err := d.pulse.waitGreen(ctx, stable, 0); err != nil {
		if errors.Is(err, errNotGreen) {
			return &stopError{why: "the baseline never was green for " + stable.String()}
		}
		return err
	}
	return d.askChecks(ctx, "before", func(c CheckPlan) bool { return c.Spec.Layer == record.LayerBusiness })
}

// baselineWithin is how long a freshly restored business may take to become green.
const baselineWithin = time.Minute

var errNotGreen = errors.New("not green in time")

// upgrade takes the real steps of the upgrade. Where the upgrade itself is what
// goes wrong, a failed step is the incident and not the end.
func (d *drill) upgrade(ctx context.Context) error {
	if d.plan.Scenario.Trigger == record.TriggerUpgrade {
		d.open(1)
	}
	if err := d.Append(record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "started"}); err != nil {
		return err
	}
	if err := d.armRule(0); err != nil {
		return err
	}
	err := d.runSteps(ctx, record.PhaseUpgrade, d.plan.Scenario.Upgrade)
	if err != nil && ctx.Err() == nil && d.plan.Scenario.Trigger == record.TriggerUpgrade {
		err = nil
	}
	return errors.Join(err, d.Append(record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "ended"}))
}

func (d *drill) open(incident int) {
	d.mu.Lock()
	d.incident = incident
	d.mu.Unlock()
}

// armRule arms the trigger rule of an incident from now on.
func (d *drill) armRule(i int) error {
	in := d.plan.Scenario.Incidents
	if d.pulse == nil || i >= len(in) || in[i].Detect.When == "" {
		return nil
	}
	rule, err := scenarios.ParseRule(in[i].Detect.When)
	if err != nil {
		return fmt.Errorf("detect.when: %w", err)
	}
	d.pulse.expect(rule, rule.String(), d.elapsed())
	return nil
}

// incidents runs every incident to its decision and, where that was decided, through its rollback.
func (d *drill) incidents(ctx context.Context) error {
	for i, in := range d.plan.Scenario.Incidents {
		d.open(i + 1)
		if err := d.runIncident(ctx, i, in); err != nil {
			return err
		}
	}
	return nil
}

func (d *drill) runIncident(ctx context.Context, i int, in scenarios.Incident) error {
	trigger := d.plan.Scenario.Trigger
	if err := d.Append(record.KindIncident, d.subject(""), record.IncidentEvent{Trigger: trigger, At: d.now()}); err != nil {
		return err
	}
	if trigger == record.TriggerFault {
		if err := d.armRule(i); err != nil {
			return err
		}
	}
	if len(d.plan.Faults[i]) > 0 {
		if err := d.phase(ctx, record.PhaseFault, func(ctx context.Context) error {
			return d.breakIt(ctx, i, record.PhaseFault)
		}); err != nil {
			return err
		}
	}
	detected := ""
	if trigger != record.TriggerOrder {
		if err := d.phase(ctx, record.PhaseDetect, func(ctx context.Context) (err error) {
			detected, err = d.detect(ctx, in)
			return err
		}); err != nil {
			return err
		}
	}
	rollsBack := false
	if err := d.phase(ctx, record.PhaseDecide, func(ctx context.Context) error {
		decision, err := d.decide(ctx, in, detected)
		if err != nil {
			return err
		}
		rollsBack = decision.RollsBack()
		return d.Append(record.KindDecided, d.subject(""), decision)
	}); err != nil || !rollsBack {
		return err
	}
	return d.phase(ctx, record.PhaseRollback, func(ctx context.Context) error { return d.rollback(ctx, i, in) })
}

// detect waits for the trigger rule and asks the service checks while it is broken.
func (d *drill) detect(ctx context.Context, in scenarios.Incident) (string, error) {
	fired, err := d.waitDetected(ctx, in)
	if err != nil {
		return "", err
	}
	if err := d.Append(record.KindDetected, d.subject(""), *fired); err != nil {
		return "", err
	}
	err = d.askChecks(ctx, "broken", func(c CheckPlan) bool { return c.Spec.Layer == record.LayerService && !restarts(c) })
	return fired.Rule + " (" + fired.Seen + ")", err
}

func (d *drill) waitDetected(ctx context.Context, in scenarios.Incident) (*record.Detected, error) {
	if d.pulse == nil {
		return nil, errors.New("detect: there is no pulse to detect anything with")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, in.Detect.Within.Std(), errNotDetected)
	defer cancel()
	fired, err := d.pulse.waitFired(ctx)
	if errors.Is(err, errNotDetected) {
		return nil, &stopError{why: fmt.Sprintf("the rule %q did not fire within %s", in.Detect.When, in.Detect.Within)}
	}
	return fired, err
}

var errNotDetected = errors.New("not detected in time")

// rollback takes the rollback path; what follows it is the verification.
func (d *drill) rollback(ctx context.Context, i int, in scenarios.Incident) error {
	if err := d.Append(record.KindRollback, d.subject(""), record.RollbackEvent{State: "started"}); err != nil {
		return err
	}
	d.rollbackAt = d.elapsed()
	err := d.breakIt(ctx, i, record.PhaseRollback)
	if err == nil {
		err = d.runSteps(ctx, record.PhaseRollback, in.Rollback)
	}
	end := record.RollbackEvent{State: "done"}
	var failed *stepFailed
	var down *instance.BootError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return err
	case errors.As(err, &failed), errors.As(err, &down), isFact(err):
		end = record.RollbackEvent{State: "failed", Error: d.secrets.hide(err.Error())}
		err = &stopError{why: "the rollback failed: " + end.Error}
	default: // the harness: what the rollback would have done is not known
		return err
	}
	if e := d.Append(record.KindRollback, d.subject(""), end); e != nil {
		return errors.Join(err, e)
	}
	if err != nil || i == len(d.plan.Scenario.Incidents)-1 {
		return err
	}
	return d.waitStable(ctx, d.plan.Scenario.StableFor.Std()) // the next incident begins from a working business
}
