package drills

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// upgrade takes the real steps of the upgrade. Where the upgrade itself is what
// goes wrong, a failed step is the incident and not the end.
func (d *drill) upgrade(ctx context.Context) error {
	if d.plan.Scenario.Trigger == record.TriggerUpgrade {
		d.enter(1)
	}
	if err := d.Append(record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: record.UpgradeStarted}); err != nil {
		return err
	}
	trigger := d.plan.Scenario.Trigger
	if trigger == record.TriggerUpgrade {
		if err := d.trigger.arm(0); err != nil {
			return err
		}
	}
	taken, err := d.upgradeSteps(ctx, d.plan.Scenario.Upgrade)
	err = errors.Join(err, d.Append(record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: record.UpgradeEnded}))
	if err == nil && taken {
		err = d.turnNew(ctx, 1)
	}
	if err != nil || trigger != record.TriggerFault {
		return err
	}
	return d.business.waitSettled(ctx, 1)
}

// upgradeSteps takes steps of an upgrade. One that says stop ends the drill all the same, and so does an error of the
// harness: what it left undone, or did by half, is not what the upgrade does. taken: all of them were.
func (d *drill) upgradeSteps(ctx context.Context, steps []scenarios.Step) (taken bool, err error) {
	err = d.operator.run(ctx, record.PhaseUpgrade, steps)
	switch {
	case ctx.Err() != nil || !isStepsOwn(err):
		return err == nil, err
	case d.plan.Scenario.Trigger == record.TriggerUpgrade:
		return false, nil
	case isFact(err):
		return false, err
	}
	return false, &stopError{why: fmt.Sprintf("a step of the upgrade failed: %s", err)} // which is written down with its step
}

// isStepsOwn tells whether a step failed by what it does, and not because lifeboat, its host or its engine could not take it.
func isStepsOwn(err error) bool {
	if errors.As(err, new(*instance.UnaskedError)) {
		return false
	}
	return errors.As(err, new(*stepFailed)) || errors.As(err, new(*unansweredError)) || errors.As(err, new(*instance.BootError)) || isFact(err)
}

// begin takes the steps that make an incident after the first begin. Where they are what breaks, its rule is armed
// before them; else they are planned downtime, and the business is green again before the fault comes.
func (d *drill) begin(ctx context.Context, i int, in scenarios.Incident) error {
	trigger := d.plan.Scenario.Trigger
	if trigger == record.TriggerOrder || trigger == record.TriggerUpgrade && i == 0 { // the upgrade itself has begun it
		return nil
	}
	if trigger == record.TriggerUpgrade {
		if err := d.trigger.arm(i); err != nil {
			return err
		}
	}
	if len(in.Upgrade) == 0 {
		return nil
	}
	return d.phase(ctx, record.PhaseUpgrade, func(ctx context.Context) error {
		taken, err := d.upgradeSteps(ctx, in.Upgrade)
		if err == nil && taken {
			err = d.turnNew(ctx, i+1)
		}
		if err != nil || trigger == record.TriggerUpgrade {
			return err
		}
		return d.business.waitSettled(ctx, i+1)
	})
}

// incidents runs every incident to its decision and, where that was decided, through its rollback.
func (d *drill) incidents(ctx context.Context) error {
	for i, in := range d.plan.Scenario.Incidents {
		d.enter(i + 1)
		if err := errors.Join(d.runIncident(ctx, i, in), d.faults.throttles.end()); err != nil { // also where nobody rolled back
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
	if err := d.begin(ctx, i, in); err != nil {
		return err
	}
	d.faults.silent = nil
	if len(d.plan.Faults[i]) > 0 {
		if err := d.phase(ctx, record.PhaseFault, func(ctx context.Context) error {
			return d.faults.injectAll(ctx, i, record.PhaseFault)
		}); err != nil {
			return err
		}
	}
	detected := ""
	if trigger != record.TriggerOrder {
		if err := d.phase(ctx, record.PhaseDetect, func(ctx context.Context) (err error) {
			detected, err = d.detect(ctx, i, in)
			return err
		}); err != nil {
			return err
		}
	}
	rollsBack := false
	if err := d.phase(ctx, record.PhaseDecide, func(ctx context.Context) error {
		decision, err := (&commander{d.books, d.opt.Watch.Ask}).decide(ctx, in, detected)
		if err != nil {
			return err
		}
		d.faults.reconfirm(ctx, askFault) // a person may take long
		rollsBack = decision.RollsBack()
		return d.Append(record.KindDecided, d.subject(""), decision)
	}); err != nil {
		return err
	}
	d.faults.decided, d.faults.rolled = true, rollsBack
	if !rollsBack {
		d.business.pulse.asksAgain()
		return nil
	}
	if err := d.phase(ctx, record.PhaseRollback, func(ctx context.Context) error {
		return d.rollback(ctx, i, in)
	}); err != nil || i == len(d.plan.Scenario.Incidents)-1 { // the last one is verified at the end of the drill
		return err
	}
	return d.phase(ctx, record.PhaseVerify, d.verifyBetween)
}

// verifyBetween asks all checks after a rollback that another incident follows, which begins from a working
// business or not at all.
func (d *drill) verifyBetween(ctx context.Context) error {
	if err := d.verify(ctx); err != nil {
		return err
	}
	if !d.back {
		return &stopError{why: "the business is not back; what was to follow was not begun"}
	}
	return nil
}

// detect waits for the trigger rule, asks the service checks while it is broken, and what the machines show.
func (d *drill) detect(ctx context.Context, i int, in scenarios.Incident) (string, error) {
	fired, err := d.trigger.wait(ctx, i, in)
	if err != nil {
		return "", err
	}
	if err := d.Append(record.KindDetected, d.subject(""), *fired); err != nil {
		return "", err
	}
	var shown sync.WaitGroup
	shown.Go(func() {
		d.faults.reconfirm(ctx, d.faults.outwait)
		d.shows.all(ctx)
	})
	err = d.checks.ask(ctx, record.Broken, func(c CheckPlan) bool { return c.Spec.Layer == record.LayerService && !restarts(c) })
	shown.Wait()
	return fired.Rule + " (" + fired.Seen + ")", err
}

// rollback takes the rollback path; what follows it is the verification.
func (d *drill) rollback(ctx context.Context, i int, in scenarios.Incident) error {
	if err := d.business.turnBack(ctx); err != nil {
		return err
	}
	if err := d.Append(record.KindRollback, d.subject(""), record.RollbackEvent{State: record.RollbackStarted}); err != nil {
		return err
	}
	d.business.since = d.elapsed()
	err := d.faults.injectAll(ctx, i, record.PhaseRollback)
	if err == nil {
		err = d.operator.run(ctx, record.PhaseRollback, in.Rollback)
	}
	if err != nil && ctx.Err() == nil {
		if foreign := d.room.Intact(ctx); foreign != nil {
			return fmt.Errorf("%w (%v)", foreign, err)
		}
	}
	if e := d.faults.throttles.end(); e != nil {
		return errors.Join(err, e)
	}
	end := record.RollbackEvent{State: record.RollbackDone}
	var failed *stepFailed
	var down *instance.BootError
	switch {
	case err == nil:
		d.business.pulse.asksAgain()
	case ctx.Err() != nil:
		return err
	case errors.As(err, &failed), errors.As(err, &down), isFact(err):
		end = record.RollbackEvent{State: record.RollbackFailed, Error: d.Hide(err.Error()), Overdue: lateOnly(failed, down)}
		err = &stopError{why: end.Error}
	default: // the harness: what the rollback would have done is not known
		return err
	}
	if e := d.Append(record.KindRollback, d.subject(""), end); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// prepare takes the scenario's steps between restore and baseline: what a real restore needs beside its backups. One that
// fails ends the drill, and its step says why; that is no word on the backups, nor on any way back.
func (d *drill) prepare(ctx context.Context) error {
	err := d.operator.run(ctx, record.PhasePrepare, d.plan.Scenario.Prepare)
	if ctx.Err() == nil && isStepsOwn(err) {
		return &stopError{why: fmt.Sprintf("a step of the preparation failed: %s", err)}
	}
	return err
}
