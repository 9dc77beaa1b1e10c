package drills

import (
	"context"
	"maps"
	"slices"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// checkStores has stores checked by tools of their own, where the scenario asks for it, and writes down what those say. It is done before anything is
// timed, and decides nothing: what a tool says of a whole repository is not what was restored of it.
func (d *drill) checkStores(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(d.plan.Backups)) {
		s, ok := d.plan.Backups[name].Store.(store.Checker)
		if !ok {
			continue
		}
		o := record.Observation{ID: "store.checked", Args: map[string]string{"backup": name}}
		switch c, err := s.Check(ctx); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			o.ID, o.Args["why"] = "store.unchecked", err.Error()
		case c == nil:
			continue
		default:
			o.Args["tool"], o.Args["how"] = c.Tool, c.How
			if c.Wrong != "" {
				o.ID, o.Args["said"] = "store.check_failed", c.Wrong
			}
		}
		if err := d.Append(record.KindObservation, record.Subject{}, o); err != nil {
			return err
		}
	}
	return nil
}
