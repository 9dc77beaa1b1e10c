package drills

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// precheck runs every flow once where nothing answers: a negative control. One that passes there would pass whatever
// became of the business, and nothing that was restored and broken afterwards would prove anything.
func (d *drill) precheck(ctx context.Context) error {
	var c control
	if f := d.plan.Scenario.Flow; f != nil {
		r, err := d.Flow(ctx, verifier.FlowRequest{Script: f.Script, Iterations: 1, Offline: true})
		if err != nil {
			return fmt.Errorf("run the flow where nothing answers: %w", err)
		}
		c.note(filepath.Base(f.Script), r.Good > 0, r.Iterations == 0)
	}
	for _, p := range d.plan.Checks {
		controlled, ok := p.Check.(verifier.Controlled)
		if !ok {
			continue
		}
		a, err := controlled.Control(ctx, d)
		if err != nil {
			return fmt.Errorf("ask check %s where nothing answers: %w", p.Spec.Name, err)
		}
		c.note(p.Spec.Name, a.Status == record.CheckPassed, a.Status == record.CheckCrashed)
	}
	return d.controlled(c)
}

// control is the outcome of a negative control: names of flows and checks.
type control struct{ failed, passed, unasked []string }

func (c *control) note(name string, passed, unasked bool) {
	switch {
	case passed:
		c.passed = append(c.passed, name)
	case unasked:
		c.unasked = append(c.unasked, name)
	default:
		c.failed = append(c.failed, name)
	}
}

// runOffline runs a flow once, also when a check has the same one: nothing changes where nothing answers.
func (d *drill) runOffline(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	key := fmt.Sprint(r) // prints maps in the order of their keys
	if seen, ok := d.offline[key]; ok {
		return seen, nil
	}
	result, err := d.flows.Run(ctx, r)
	if err == nil {
		d.offline[key] = result
	}
	return result, err
}

// controlled writes the outcome of the negative control down, and stops when something passed it.
func (d *drill) controlled(c control) error {
	for _, o := range []struct {
		id    string
		flows []string
	}{{"flow.controlled", c.failed}, {"flow.uncontrolled", c.unasked}, {"flow.blind", c.passed}} {
		if len(o.flows) == 0 {
			continue
		}
		seen := record.Observation{ID: o.id, Args: map[string]string{"flows": strings.Join(o.flows, ", ")}}
		if err := d.Append(record.KindObservation, record.Subject{}, seen); err != nil {
			return err
		}
	}
	if len(c.passed) > 0 {
		return &stopError{why: strings.Join(c.passed, ", ") + ": passes where nothing answers"}
	}
	return nil
}
