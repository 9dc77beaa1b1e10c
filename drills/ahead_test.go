package drills

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
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
