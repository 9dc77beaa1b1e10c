package drills

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// restarting is a check during which the business is down.
type restarting struct{ fakeCheck }

func (restarting) Restarts() bool { return true }

func (c restarting) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	c.w.set("db", true)
	time.Sleep(2 * time.Second)
	c.w.set("db", false)
	time.Sleep(time.Second)
	return c.fakeCheck.Observe(ctx, t)
}

// What a check of a check run restarts is not the business failing: it is asked before the pulse begins, and not again.
func TestCheckRunThatRestarts(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return datedStore{}, nil }
		k.Checks["service/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return restarting{fakeCheck{w, s.Name}}, nil
		}
	}
	res := w.run(strings.NewReplacer("trigger: fault", "trigger: none", "objectives: {start_rollback: 30m, restored: 2h, outage: 30m}\n", "").
		Replace(simple[:strings.Index(simple, "faults:")] + simple[strings.Index(simple, "stable_for"):]))
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
}

// Not to roll back is the right answer only where the business comes back by itself, and stays.
func TestNoRollback(t *testing.T) {
	for name, tc := range map[string]struct {
		green func(at time.Duration) bool
		want  record.Status
		says  string
	}{
		"it comes back": {func(at time.Duration) bool { return at < 14*time.Second || at > 30*time.Second },
			record.StatusPassed, "passed.all"},
		"it comes back for a moment": {func(at time.Duration) bool {
			return at < 14*time.Second || at > 18*time.Second && at < 20*time.Second
		}, record.StatusFailed, "business.red_at_end"},
		"it comes back again and again": {func(at time.Duration) bool { return at < 14*time.Second || int(at.Seconds())%8 > 2 },
			record.StatusInconclusive, "business.unstable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.script = tc.green
			w.asked = func() error { return instance.NotInForce("it is up") }
			res := w.run(strings.NewReplacer("after: 2s", "after: 2s, outcome: watch", "rollback:\n  - destroy: db\n  - boot: db\n", "",
				"within: 1m}\nchecks", "within: 55s}\nchecks").Replace(simple))
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Contains(t, reasons(res.Verdict), tc.says)
		})
	}
}
