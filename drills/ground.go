package drills

import (
	"context"
	"fmt"
	"net"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/store"
)

// grounds are the drivers in whose sandboxes the machines stand: what is asked once of the
// whole drill is asked of each of them, and of none twice.
func (d *drill) grounds() []instance.Driver {
	var all []instance.Driver
	for _, kind := range d.plan.Kinds {
		if g := groundOf(d.drivers[kind]); g != nil && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

func groundOf(driver instance.Driver) instance.Driver {
	for {
		g, ok := instance.As[instance.Grounded](driver)
		if !ok {
			return driver
		}
		driver = g.Ground()
	}
}

// speaksTo are the hosts that the drill itself or what the scenario lets out speaks to, and the networks that guests
// have on their own cards: no machine may have their addresses.
func (p *Plan) speaksTo() []string {
	var all []string
	for _, b := range p.Backups {
		if r, ok := b.Store.(store.Remote); ok {
			all = append(all, r.Hosts()...)
		}
	}
	for _, out := range p.Scenario.Egress.Allow {
		if host, _, err := net.SplitHostPort(out); err == nil {
			all = append(all, host)
		}
	}
	for _, own := range p.own {
		if n, ok := instance.As[instance.Networked](own); ok {
			all = append(all, n.Network().String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// intact says when the harness itself cut a machine off: what it does not answer proves nothing then.
func (d *drill) intact(ctx context.Context) error {
	for _, driver := range d.grounds() {
		if g, ok := instance.As[instance.Guard](driver); ok {
			if err := g.Intact(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// companion is who runs programs beside the machines.
func (d *drill) companion() (instance.Companion, error) {
	for _, driver := range d.grounds() {
		if c, ok := instance.As[instance.Companion](driver); ok {
			return c, nil
		}
	}
	return nil, fmt.Errorf("run a program beside the instances: none of the kinds %v can", d.plan.Kinds)
}
