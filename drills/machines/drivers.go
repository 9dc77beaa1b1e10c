package machines

import (
	"context"
	"fmt"
	"slices"

	"lifeboat/drills/instance"
)

// Driver of a kind.
func (r *Room) Driver(kind string) instance.Driver { return r.drivers[kind] }

// Grounds are the drivers in whose sandboxes the machines stand: what is asked once of the whole drill is asked of each
// of them, and of none twice.
func (r *Room) Bases() []instance.Driver {
	var all []instance.Driver
	for _, kind := range r.kinds {
		if g := groundOf(r.drivers[kind]); g != nil && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

func groundOf(driver instance.Driver) instance.Driver {
	for {
		g, ok := instance.As[instance.Layered](driver)
		if !ok {
			return driver
		}
		driver = g.Base()
	}
}

// Intact says when the harness itself cut a machine off: what it does not answer proves nothing then.
func (r *Room) Intact(ctx context.Context) error {
	for _, driver := range r.Bases() {
		if g, ok := instance.As[instance.Guard](driver); ok {
			if err := g.Intact(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Companion is who runs programs beside the machines.
func (r *Room) Companion() (instance.Companion, error) {
	for _, driver := range r.Bases() {
		if c, ok := instance.As[instance.Companion](driver); ok {
			return c, nil
		}
	}
	return nil, fmt.Errorf("run a program beside the instances: none of the kinds %v can", r.kinds)
}
