package drills

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Sandboxes are sealed from the beginning on: who is booted first waits for the rest of it, who is booted later for nothing.
func TestSealedAhead(t *testing.T) {
	w := newWorld(t)
	w.machine.Seal = 2 * time.Second
	w.before = func(decoy.Kind) (verifier.FlowResult, error) { // the precheck takes half a second
		time.Sleep(500 * time.Millisecond)
		return verifier.FlowResult{Iterations: 1}, nil
	}
	res := w.run(many(twoShops))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	waited := map[string]time.Duration{}
	for _, b := range res.Record.Boots {
		if b.Subject.Generation == 1 {
			waited[b.Subject.Instance] = b.SealWait
		}
	}
	assert.Equal(t, map[string]time.Duration{"db": 1500 * time.Millisecond, "db2": 1500 * time.Millisecond, "app": 0, "app2": 0}, waited)
	proved := map[string]int{}
	for _, p := range res.Record.Probes {
		if p.Control {
			proved[p.Subject.Instance]++
		}
	}
	for name := range waited {
		assert.Equal(t, 1, proved[name], "%s is sealed once", name)
	}
}

// A drill that ends before anything is booted waits for what an engine is making, so that the clean-up finds all of it.
func TestNothingIsInTheMakingAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.machine.Seal = time.Hour
	w.before = func(decoy.Kind) (verifier.FlowResult, error) {
		return verifier.FlowResult{}, errors.New("k6 is broken")
	}
	res := w.run(simple) // a goroutine that outlives it fails the bubble
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Less(t, res.Record.Ended, time.Minute, "what was only being sealed is not waited for")
	assert.Empty(t, res.Record.Probes)
}

// What waits for its turn gets ready and restores nothing; its clocks know nothing of it, and neither does its deadline.
func TestTurn(t *testing.T) {
	w := newWorld(t)
	const wait = 20 * time.Minute
	w.machine.Seal, w.ahead.Patience = time.Minute, time.Hour
	w.ahead.Turn = func(ctx context.Context) error { return instance.Pause(ctx, wait) }
	res := w.run(many(twoShops))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	for _, b := range res.Record.Boots {
		assert.GreaterOrEqual(t, b.Started, wait)
		assert.Less(t, b.Ready-b.Started, time.Minute)
		assert.Zero(t, b.SealWait, "%s was sealed meanwhile", b.Subject.Instance)
	}
	scope, err := ledger.LoadScope(res.Dir)
	require.NoError(t, err)
	assert.Equal(t, res.Record.Header.Deadline+w.ahead.Patience, scope.Deadline.Sub(res.Record.Header.Started).Round(time.Second))

	w.ahead.Turn = func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	res = w.run(many(twoShops), func(_ context.Context, cancel context.CancelCauseFunc) {
		time.Sleep(wait)
		cancel(&AbortError{Why: "told to end"})
	})
	assert.Equal(t, "told to end", res.Record.Abort.Why)
	assert.Empty(t, res.Record.Boots)
	assert.Empty(t, res.Record.Restores)
}

// Nothing is timed after the restore of a check run that only asks, once and by lifeboat itself.
func TestUntimed(t *testing.T) {
	asks := []CheckPlan{{Spec: scenarios.CheckSpec{Layer: record.LayerService}}, {Spec: scenarios.CheckSpec{Layer: record.LayerData}}}
	for name, c := range map[string]struct {
		change func(*scenarios.Scenario)
		check  CheckPlan
		want   bool
	}{
		"it asks":                {want: true},
		"it breaks something":    {change: func(s *scenarios.Scenario) { s.Trigger = record.TriggerFault }},
		"a flow":                 {change: func(s *scenarios.Scenario) { s.Flow = &scenarios.Flow{} }},
		"steps before":           {change: func(s *scenarios.Scenario) { s.Prepare = []scenarios.Step{{}} }},
		"k6 as a check":          {check: CheckPlan{Spec: scenarios.CheckSpec{Layer: record.LayerBusiness}}},
		"something starts again": {check: CheckPlan{Check: restarting{}}},
	} {
		s := &scenarios.Scenario{Trigger: record.TriggerNone}
		if c.change != nil {
			c.change(s)
		}
		p := &Plan{Scenario: s, Checks: append(slices.Clone(asks), c.check)}
		assert.Equal(t, c.want, p.Untimed(), name)
	}
}
