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

// The drill is the verifier.Target.
var (
	_ verifier.Target = (*drill)(nil)
	_ verifier.Origin = (*drill)(nil)
	_ verifier.Times  = (*drill)(nil)
)

// From implements verifier.Origin.
func (d *drill) From(on string) (verifier.Image, bool) {
	return d.room.Image(d.instanceOf(on))
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

// Flow implements verifier.Target.
func (d *drill) Flow(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	return d.business.run(ctx, r)
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
	booting := d.elapsed()
	if err := m.Start(ctx); err != nil {
		return err
	}
	defer d.business.renew()
	return d.waitReady(ctx, m, d.plan.Scenario.Instances[d.instanceOf(on)].Ready, booting)
}
