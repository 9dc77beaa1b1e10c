package drills

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/system"
)

// What the pulse and the checks reached enters the record, and what nobody reached is not proved.
func TestReachIsRecorded(t *testing.T) {
	alone := strings.NewReplacer("  db: {kind", "  batch: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}\n  db: {kind").Replace(simple)
	for name, c := range map[string]struct {
		links  []record.Link
		err    error
		checks string
		want   record.Status
		reason string
	}{
		"the flow asks all": {links: []record.Link{{Flow: "/x/flow.js", To: "db", Port: 80}, {From: "db", To: "batch", Port: 5432}},
			want: record.StatusPassed, reason: "passed.all"},
		"a check asks the rest": {links: []record.Link{{Flow: "/x/flow.js", To: "db", Port: 80}},
			checks: "{kind: command, name: system, on: batch, run: [uptime], exit: 0}", want: record.StatusPassed, reason: "passed.all"},
		"nobody asks the rest": {links: []record.Link{{Flow: "/x/flow.js", To: "db", Port: 80}},
			want: record.StatusInconclusive, reason: "reach.none"},
		"the flow asks nobody": {checks: "{kind: command, name: system, on: db, run: [uptime], exit: 0}, {kind: command, on: batch, run: [uptime], exit: 0}",
			want: record.StatusInconclusive, reason: "reach.elsewhere"},
		"it cannot be told": {err: fmt.Errorf("%w: no such table", instance.ErrUnmeasured), want: record.StatusPassed,
			reason: "passed.all"},
		"the engine does not say": {err: errors.New("the engine is gone"), want: record.StatusInconclusive,
			reason: "harness.broke"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.machine.Links = func() ([]record.Link, error) { return c.links, c.err }
			w.change = func(k *Kit) {
				k.Checks["system/command"] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
					return system.New(s, dir)
				}
			}
			yaml := alone
			if c.checks != "" {
				yaml = strings.Replace(alone, "{kind: ask, name: system}", c.checks, 1)
			}
			res := w.run(yaml)
			require.Equal(t, c.want, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Equal(t, c.reason, res.Verdict.Reasons[0].ID)
			assert.Equal(t, errors.Is(c.err, instance.ErrUnmeasured), len(res.Verdict.Weak) > 0)
		})
	}
}
