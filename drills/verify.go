package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/verifier"
)

// verify asks every check after the rollback, or the decision that there is none, lowest layer first, and waits until the
// business has stayed green for as long as the scenario says.
func (d *drill) verify(ctx context.Context) error {
	if err := d.intact(ctx); err != nil {
		return err
	}
	if d.plan.Scenario.Trigger == record.TriggerNone { // what restarts was asked before the pulse began, which would see it
		return d.askChecks(ctx, "after", func(c CheckPlan) bool { return d.pulse == nil || !restarts(c) })
	}
	if err := d.askRestarting(ctx); err != nil {
		return err
	}
	// The business is waited for before it is asked, so that a check does not fail on a service
	// that is still starting; a business that does not come back is asked all the same.
	stable, within := d.plan.Scenario.StableFor.Std(), d.plan.Scenario.Verify.Within.Std()
	err := d.waitStable(ctx, stable, within)
	if err != nil && !errors.Is(err, errNotGreen) {
		return err
	}
	d.back = err == nil
	if err := d.intact(ctx); err != nil {
		return err
	}
	if err := d.askFaults(ctx); err != nil {
		return err
	}
	if err := d.askChecks(ctx, "after", func(c CheckPlan) bool { return !restarts(c) }); err != nil || !d.back {
		return err
	}
	// The checks themselves may have slowed the business down for a moment: it must be seen to last again.
	err = d.waitStable(ctx, stable, settleWithin)
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
	if err := d.waitStable(ctx, time.Second, d.plan.Scenario.Verify.Within.Std()); err != nil && !errors.Is(err, errNotGreen) {
		return err
	}
	if err := d.askFaults(ctx); err != nil {
		return err
	}
	return d.askChecks(ctx, "after", restarts)
}

// waitStable waits until the pulse has been green for that long since the rollback started, and within a
// time beyond that.
func (d *drill) waitStable(ctx context.Context, stable, within time.Duration) error {
	if d.pulse == nil {
		return nil
	}
	return d.waitGreen(ctx, stable, within, d.rollbackAt)
}

// askChecks asks the chosen checks, lowest layer first, and writes every answer down.
func (d *drill) askChecks(ctx context.Context, when string, chosen func(CheckPlan) bool) error {
	for _, layer := range record.Layers() {
		for _, c := range d.plan.Checks {
			if c.Spec.Layer != layer || !chosen(c) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r := d.askWhen(ctx, c, when)
			if ctx.Err() != nil {
				return context.Cause(ctx) // an answer cut off by the abort says nothing
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

func (d *drill) askWhen(ctx context.Context, c CheckPlan, when string) record.CheckResult {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r := record.CheckResult{Name: c.Spec.Name, Layer: c.Spec.Layer, When: when, Started: d.elapsed()}
	before := d.before[c.Spec.Name]
	if when == "before" {
		before = nil
	}
	var facts verifier.Facts
	var a verifier.Answer
	for asked := true; asked; { // again where no answer came in time and the host explains that
		var err error
		facts, err = d.observe(ctx, c.Check)
		r.Ended, r.Overdue = d.elapsed(), nil
		if err != nil {
			r.Status, r.Message = record.CheckCrashed, d.secrets.hide(err.Error())
			return r
		}
		a = verifier.Judge(c.Check, when, before, facts)
		if asked = a.Late > 0; asked {
			o := d.overdue(a.Late, r.Started)
			r.Overdue, asked = &o, !d.spent(o)
		}
	}
	if when == "before" {
		d.before[c.Spec.Name] = facts
	}
	with, ok := c.Check.(verifier.Comparer)
	r.Compared = ok && with.Compares() && len(before) > 0
	r.Status, r.Message, r.Facts = a.Status, d.secrets.hide(a.Message), d.keepFacts(&r, d.secrets.hide(string(facts)))
	for _, line := range a.Diff {
		r.Diff = append(r.Diff, d.secrets.hide(line))
	}
	if r.Status == record.CheckFailed {
		if err := d.intact(ctx); err != nil {
			r.Status, r.Message = record.CheckCrashed, d.secrets.hide(err.Error())
			return r
		}
		r.Backup = d.backupOf(c)
	}
	return r
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
	m, err := d.machine(d.instanceOf(on))
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

// The drill is the verifier.Target.
var (
	_ verifier.Target = (*drill)(nil)
	_ verifier.Origin = (*drill)(nil)
	_ verifier.Times  = (*drill)(nil)
)

// From implements verifier.Origin.
func (d *drill) From(on string) (verifier.Image, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	image, ok := d.images[d.instanceOf(on)]
	return image, ok
}

// Began implements verifier.Times.
func (d *drill) Began() time.Time { return d.base }

// Zone implements verifier.Times.
func (d *drill) Zone(on string) string {
	spec := d.plan.Scenario.Instances[d.instanceOf(on)]
	name := cmp.Or(spec.Load, spec.Boot)
	if image, ok := d.From(on); ok && spec.Load == "" {
		name = image.Backup
	}
	return d.plan.Scenario.Backups[name].TimeZone
}

// Exec implements verifier.Target.
func (d *drill) Exec(ctx context.Context, on string, args []string) (verifier.Output, error) {
	m, err := d.asked(on)
	if err != nil {
		return verifier.Output{}, err
	}
	r, err := m.Exec(ctx, instance.Command{Args: args})
	d.reached.byCheck(m.Name(), d.elapsed(), err)
	if err != nil {
		if state, lost := m.State(ctx); lost == nil && !state.Running {
			err = fmt.Errorf("%w: %w", verifier.ErrDown, err)
		}
	}
	return verifier.Output{Exit: r.Exit, Stdout: r.Stdout, Stderr: r.Stderr}, err
}

// Dial implements verifier.Target.
func (d *drill) Dial(ctx context.Context, on string, port int) (net.Conn, error) {
	m, err := d.asked(on)
	if err != nil {
		return nil, err
	}
	c, err := m.Dial(ctx, port)
	d.reached.byCheck(m.Name(), d.elapsed(), err)
	return c, err
}

// Read implements verifier.Target.
func (d *drill) Read(ctx context.Context, on, path string) ([]byte, error) {
	m, err := d.asked(on)
	if err != nil {
		return nil, err
	}
	content, err := m.Get(ctx, path)
	d.reached.byCheck(m.Name(), d.elapsed(), err)
	return content, err
}

// Restart implements verifier.Target.
func (d *drill) Restart(ctx context.Context, on string) error {
	m, err := d.asked(on)
	if err != nil {
		return err
	}
	if err := m.Stop(ctx); err != nil {
		return err
	}
	if err := m.Start(ctx); err != nil {
		return err
	}
	return d.waitReady(ctx, m, d.plan.Scenario.Instances[d.instanceOf(on)].Ready)
}

// Flow implements verifier.Target.
func (d *drill) Flow(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	if err := d.openFlows(); err != nil {
		return verifier.FlowResult{}, err
	}
	if f := d.plan.Scenario.Flow; f != nil && r.Env == nil {
		env, err := d.flowEnv(f.Env)
		if err != nil {
			return verifier.FlowResult{}, err
		}
		r.Env = env
	}
	if r.Decoy != decoy.None {
		return d.runControl(ctx, r)
	}
	d.reached.byFlow(r.Script)
	return d.flows.Run(ctx, r)
}

// openFlows finds who can run k6 for this drill, once.
func (d *drill) openFlows() error {
	d.opening.Lock()
	defer d.opening.Unlock()
	if d.flows != nil {
		return nil
	}
	c, err := d.companion()
	if err != nil {
		return err
	}
	d.flows, err = d.kit.Flows(c, d.opt.Log)
	return err
}
