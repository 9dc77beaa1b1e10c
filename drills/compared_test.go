package drills

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

type comparing struct{ fakeCheck }

func (comparing) Compares() bool { return true }

// A result says whether it is a comparison: of a check that compares, once there is something to compare with.
func TestComparedIsWhatHasABefore(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return comparing{fakeCheck{w, s.Name}}, nil
		}
	}
	res := w.run(simple)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	for _, c := range res.Record.Checks {
		assert.Equal(t, c.Layer == record.LayerData && c.When == "after", c.Compared, "%s %s", c.Name, c.When)
	}
}
