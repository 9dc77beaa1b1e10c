package drills

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/verifier"
)

// precheck asks every flow, and every check that can be, where decoys stand in the place of the system: negative
// controls. What passes where nothing answers, or where everything answers with an error, would pass whatever became of
// the business, and nothing that was restored and broken afterwards would prove anything.
func (d *drill) precheck(ctx context.Context) error {
	if err := d.restores.look(ctx); err != nil {
		return err
	}
	if err := d.checkStores(ctx); err != nil {
		return err
	}
	seen := map[decoy.Kind]*control{}
	for _, k := range decoy.Kinds() {
		seen[k] = &control{}
	}
	for _, f := range askersOf(d.plan.Scenario.Flow) {
		results, err := against(func(k decoy.Kind) (verifier.FlowResult, error) {
			return d.business.run(ctx, verifier.FlowRequest{Script: f.script, Scenario: f.scenario, Iterations: 1, Decoy: k, Timeout: longestFlow})
		})
		if err != nil {
			return fmt.Errorf("run the flow against a decoy: %w", err)
		}
		d.business.flows.controlled(f, results[decoy.Silent].Throws() && results[decoy.Failing].Throws())
		for k, r := range results {
			seen[k].note(filepath.Base(f.script), d.business.flows.good(f, r) > 0, r.Iterations == 0 && r.Cut == 0)
		}
	}
	for _, p := range d.plan.Checks {
		controlled, ok := p.Check.(verifier.Controlled)
		if !ok {
			continue
		}
		answers, err := against(func(k decoy.Kind) (verifier.Answer, error) {
			return controlled.Control(ctx, decoyTarget{d.business, k}, k)
		})
		if err != nil {
			return fmt.Errorf("ask check %s of a decoy: %w", p.Spec.Name, err)
		}
		for k, a := range answers {
			seen[k].note(p.Spec.Name, a.Status == record.CheckPassed, a.Status == record.CheckCrashed)
		}
	}
	return d.controlled(seen)
}

// longestFlow is the time that one iteration of the flow has before a decoy: one that takes longer is never good in the
// pulse, which waits for seconds.
const longestFlow = time.Minute

// against asks decoys of all kinds at once.
func against[T any](ask func(decoy.Kind) (T, error)) (map[decoy.Kind]T, error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed []error // a cause that stops them all is told once
	answers := map[decoy.Kind]T{}
	for _, k := range decoy.Kinds() {
		all.Go(func() {
			a, err := ask(k)
			mu.Lock()
			defer mu.Unlock()
			answers[k] = a
			if err != nil && !slices.ContainsFunc(failed, func(e error) bool { return e.Error() == err.Error() }) {
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	return answers, errors.Join(failed...)
}

// control is the outcome of the negative controls before one decoy: names of flows and checks.
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

// controlled writes the outcome of the negative controls down, and stops when something passed that must not.
func (d *drill) controlled(seen map[decoy.Kind]*control) error {
	silent, failing, empty := seen[decoy.Silent], seen[decoy.Failing], seen[decoy.Empty]
	for _, o := range []struct {
		id    string
		flows []string
	}{
		{"flow.controlled", silent.failed}, {"flow.uncontrolled", silent.unasked}, {"flow.blind", silent.passed},
		{"flow.controlled_errors", failing.failed}, {"flow.uncontrolled_errors", failing.unasked},
		{"flow.blind_errors", failing.passed}, {"flow.hollow", empty.passed},
	} {
		if len(o.flows) == 0 {
			continue
		}
		seen := record.Observation{ID: o.id, Args: map[string]string{"flows": strings.Join(o.flows, ", ")}}
		if err := d.Append(record.KindObservation, record.Subject{}, seen); err != nil {
			return err
		}
	}
	switch {
	case len(silent.passed) > 0:
		return &stopError{why: fmt.Sprintf("%s: passes where nothing answers", strings.Join(silent.passed, ", "))}
	case len(failing.passed) > 0:
		return &stopError{why: fmt.Sprintf("%s: passes where everything answers with an error", strings.Join(failing.passed, ", "))}
	}
	return nil
}

// decoyTarget is a system in whose place a decoy stands: it has nothing but ports, and every port leads to the decoy.
type decoyTarget struct {
	business *business
	kind     decoy.Kind
}

// Dial implements verifier.Target.
func (t decoyTarget) Dial(context.Context, string, int) (net.Conn, error) {
	if t.kind == decoy.Silent {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	go decoy.Serve(far, t.kind)
	return near, nil
}

// Exec implements verifier.Target.
func (decoyTarget) Exec(context.Context, string, []string) (verifier.Output, error) {
	return verifier.Output{}, verifier.ErrDown
}

// Read implements verifier.Target.
func (decoyTarget) Read(context.Context, string, string) ([]byte, error) {
	return nil, verifier.ErrDown
}

// Restart implements verifier.Target.
func (decoyTarget) Restart(context.Context, string) error { return verifier.ErrDown }

// Flow implements verifier.Target.
func (t decoyTarget) Flow(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	r.Decoy = t.kind
	return t.business.run(ctx, r)
}
