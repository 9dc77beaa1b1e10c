package drills

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// A check run asks everything once, and nothing in its record speaks of a rollback.
func TestCheckRunAsksOnce(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return datedStore{}, nil }
	}
	bad := ""
	w.answer = func(name string) record.CheckStatus {
		if name == bad {
			return record.CheckFailed
		}
		return record.CheckPassed
	}
	run := strings.NewReplacer("trigger: fault", "trigger: none", "objectives: {start_rollback: 30m, restored: 2h, outage: 30m}\n", "").
		Replace(simple[:strings.Index(simple, "faults:")] + simple[strings.Index(simple, "stable_for"):])
	for _, yaml := range []string{run, strings.Replace(run, "flow: {script: flow.js, pulse: 10/s, timeout: 1s}\n", "", 1)} {
		bad = ""
		res := w.run(yaml)
		assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
		asked := map[string]int{}
		for _, c := range res.Record.Checks {
			asked[c.Name]++
			assert.Equal(t, record.Once, c.When)
		}
		assert.Equal(t, map[string]int{"system": 1, "service": 1, "data": 1, "business": 1}, asked)
		bad = "data"
		res = w.run(yaml)
		assert.Equal(t, record.StatusFailed, res.Verdict.Status)
		assert.Equal(t, "check.failed", reasons(res.Verdict), "once")
		bad = ""
		w.machine.Torn = func() error { return errors.New("the container of db was removed by somebody else") }
		res = w.run(yaml)
		assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "what was asked is there no more: %v", res.Verdict.Reasons)
		w.machine.Torn = nil
	}
}
