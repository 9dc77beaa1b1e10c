package drills

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/verifier"
)

// target is what checks ask: the machines that stand now, by the names that the scenario gives them.
type target struct {
	site
	reached  *reached
	boots    *boots
	business *business
	trees    *trees
}

var (
	_ verifier.Target = (*target)(nil)
	_ verifier.Origin = (*target)(nil)
	_ verifier.Times  = (*target)(nil)

	_ verifier.Standing   = (*target)(nil)
	_ verifier.References = (*target)(nil)
)

// From implements verifier.Origin.
func (t *target) From(on string) (verifier.Image, bool) {
	return t.room.Image(t.plan.instanceOf(on))
}

// Began implements verifier.Times.
func (t *target) Began() time.Time { return t.base }

// Zone implements verifier.Times.
func (t *target) Zone(on string) string {
	spec := t.standing(t.plan.instanceOf(on))
	name := cmp.Or(t.plan.loaded(spec, false), spec.Boot)
	if image, ok := t.From(on); ok && len(spec.Load) == 0 {
		name = image.Backup
	}
	return t.plan.Scenario.Backups[name].TimeZone
}

// Stands implements verifier.Standing.
func (t *target) Stands(ctx context.Context, on string) (instance.State, error) {
	m, err := t.asked(on)
	if err != nil {
		return instance.State{}, err
	}
	return m.State(ctx)
}

// Exec implements verifier.Target.
func (t *target) Exec(ctx context.Context, on string, args []string) (verifier.Output, error) {
	m, err := t.asked(on)
	if err != nil {
		return verifier.Output{}, err
	}
	r, err := m.Exec(ctx, instance.Command{Args: args})
	t.reached.byCheck(m.Name(), t.elapsed(), err)
	if err != nil {
		if state, lost := m.State(ctx); lost == nil && !state.Running {
			err = fmt.Errorf("%w: %w", verifier.ErrDown, err)
		}
	}
	return verifier.Output{Exit: r.Exit, Stdout: r.Stdout, Stderr: r.Stderr}, err
}

// Dial implements verifier.Target.
func (t *target) Dial(ctx context.Context, on string, port int) (net.Conn, error) {
	m, err := t.asked(on)
	if err != nil {
		return nil, err
	}
	c, err := m.Dial(ctx, port)
	t.reached.byCheck(m.Name(), t.elapsed(), err)
	return c, err
}

// Read implements verifier.Target.
func (t *target) Read(ctx context.Context, on, path string) ([]byte, error) {
	m, err := t.asked(on)
	if err != nil {
		return nil, err
	}
	content, err := m.Get(ctx, path)
	t.reached.byCheck(m.Name(), t.elapsed(), err)
	return content, err
}

// Flow implements verifier.Target.
func (t *target) Flow(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	return t.business.run(ctx, r)
}

// Restart implements verifier.Target.
func (t *target) Restart(ctx context.Context, on string) error {
	m, err := t.asked(on)
	if err != nil {
		return err
	}
	if err := m.Stop(ctx); err != nil {
		return err
	}
	booting := t.elapsed()
	if err := m.Start(ctx); err != nil {
		return err
	}
	defer t.business.renew()
	return t.boots.waitReady(ctx, m, t.plan.Scenario.Instances[t.plan.instanceOf(on)].Ready, booting)
}

// asked finds the machine that a check asks. One that was not booted again is the
// rollback's doing, and so an answer.
func (t *target) asked(on string) (instance.Machine, error) {
	m, err := t.room.Machine(t.plan.instanceOf(on))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verifier.ErrDown, err)
	}
	return m, nil
}
