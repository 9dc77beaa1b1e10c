package drills

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// flowOf is the simple scenario with another flow.
func flowOf(keys string) string {
	return strings.Replace(simple, "flow: {script: flow.js, pulse: 10/s, timeout: 1s}", "flow: {script: flow.js"+keys+"}", 1)
}

// What a scenario leaves open is taken from the flow's own good runs; what it says is asked of nobody.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		takes      time.Duration
		measured   bool
		want       record.Pace
	}{
		{"a short flow", "", 0, true, record.Pace{Rate: 10, Timeout: time.Second, Request: time.Second}},
		{"a long one is one user's", "", 3 * time.Second, true, record.Pace{Every: 100 * time.Millisecond,
			Timeout: 12 * time.Second, Request: 1200 * time.Millisecond}},
		{"all is said", ", pulse: 5/s, timeout: 2s", 0, false, record.Pace{Rate: 5, Timeout: 2 * time.Second,
			Request: 2 * time.Second}},
		{"all is said of one user", ", pulse: {every: 1500ms}, timeout: 9s, request_timeout: 3s", 1 * time.Second, false,
			record.Pace{Every: 1500 * time.Millisecond, Timeout: 9 * time.Second, Request: 3 * time.Second}},
		{"a rate, no limit", ", pulse: 1/s", 500 * time.Millisecond, true, record.Pace{Rate: 1, Timeout: 2 * time.Second,
			Request: time.Second}},
		{"a slow run while measuring leaves time for the rule", ", pulse: {every: 1s}", 10 * time.Second, true,
			record.Pace{Every: time.Second, Timeout: 30 * time.Second, Request: 4 * time.Second}},
		{"and for k6", ", pulse: 10/s", 3 * time.Second, true, record.Pace{Rate: 10, Timeout: 10 * time.Second,
			Request: 1200 * time.Millisecond}},
		{"a limit of latency is seen", ", latency: 20s", 0, true, record.Pace{Rate: 10, Timeout: 40 * time.Second,
			Request: 40 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.takes = c.takes
			res := w.run(flowOf(c.keys))
			assert.Equal(t, record.StatusPassed, res.Verdict.Status, reasons(res.Verdict))
			assert.Equal(t, c.measured, w.pace.Measured != nil)
			c.want.Blind = max(5*time.Second, 10*c.want.Period())
			w.pace.Measured = nil
			assert.Equal(t, c.want, w.pace)
			require.NotNil(t, res.Record.Pulse.Pace, "the record says how the pulse asked")
			assert.Equal(t, c.want.Timeout, res.Record.Pulse.Pace.Timeout)
		})
	}
}

// A baseline that is red for want of time, or because the flow was asked by many at once, says nothing of the backup.
func TestBaselineThatSaysNothing(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		arrange    func(*world)
		want       record.Status
		reason     string
	}{
		{"only ever too late", ", pulse: {every: 1s}, timeout: 500ms", func(w *world) { w.late = 500 * time.Millisecond }, record.StatusInconclusive, "flow.late"},
		{"it does not bear its own company", ", pulse: 10/s", func(w *world) { w.crowd, w.takes = true, 3*time.Second },
			record.StatusInconclusive, "flow.crowded"},
		{"its iterations overlap and are late on a host that is held up", ", pulse: 10/s, timeout: 500ms", func(w *world) {
			w.late, w.change = 500*time.Millisecond, pressedWorld(t, 0.95, 0, 0).change
		}, record.StatusInconclusive, "host.slow_business"},
		{"the same on a quiet host", ", pulse: 10/s, timeout: 500ms", func(w *world) { w.late = 500 * time.Millisecond },
			record.StatusInconclusive, "flow.crowded"},
		{"two users at once are red, though its iterations never overlap", ", pulse: 10/s", func(w *world) { w.crowd = true },
			record.StatusInconclusive, "flow.crowded"},
		{"two users are red once", ", pulse: 10/s", func(w *world) { w.clashes = 1 }, record.StatusPassed, "passed.all"},
		{"one user asks where nobody said how", "", func(w *world) { w.crowd = true }, record.StatusPassed, "passed.all"},
		{"it is asked by one user", "", func(w *world) { w.crowd, w.takes = true, 3*time.Second }, record.StatusPassed,
			"passed.all"},
		{"two iterations are longer than a minute", "", func(w *world) { w.takes = 33 * time.Second }, record.StatusPassed,
			"passed.all"},
		{"it is red by one user, too", ", pulse: 10/s", func(w *world) {
			w.crowd, w.takes, w.business = true, 3*time.Second, func() bool { return false }
		}, record.StatusFailed, "baseline.red"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			res := w.run(strings.Replace(flowOf(c.keys), "within: 1m", "within: 5m", -1))
			assert.Equal(t, c.want, res.Verdict.Status, reasons(res.Verdict))
			assert.Equal(t, c.reason, res.Verdict.Reasons[0].ID, reasons(res.Verdict))
			says := slices.ContainsFunc(res.Record.Observations, func(o record.Observation) bool { return o.ID == "flow.company" })
			assert.Equal(t, c.want == record.StatusPassed && !res.Record.Pace().Alone(), says, "%v", res.Record.Observations)
			if w.crowd && c.keys == "" {
				assert.True(t, res.Record.Pace().Alone())
			}
		})
	}
}

// The record says which addresses the flow asked, and with which variables; what is secret, or looks so, is not shown.
func TestFlowIsShown(t *testing.T) {
	t.Setenv("SHOP_DOOR", "open-sesame")
	res := newWorld(t).run(flowOf(", pulse: 10/s, timeout: 1s, env: {BASE_URL: \"http://me:pw12@app:8080/x\", API_TOKEN: abcd1234, " +
		"DOOR: {env: SHOP_DOOR}, MODE: open-sesame, CUSTOMERS: 500}"))
	assert.Equal(t, map[string]string{"BASE_URL": "http://***@app:8080/x", "API_TOKEN": "***", "DOOR": "***", "MODE": "***",
		"CUSTOMERS": "500"}, res.Record.Header.FlowEnv)
	assert.Equal(t, []string{"http://app:8080"}, res.Record.Pulse.Asked)
	assert.Equal(t, "flow.js", res.Record.Header.Flow)
}

// flowCheck runs a flow as a check.
type flowCheck struct {
	name, script string
	iterations   int
}

func (c flowCheck) Name() string { return c.name }
func (c flowCheck) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	r := verifier.FlowRequest{Script: c.script, Iterations: c.iterations}
	res, err := t.Flow(ctx, r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(res.Good == res.Iterations)
}

func (c flowCheck) Judge(_, after verifier.Facts) verifier.Answer {
	if string(after) == "true" {
		return verifier.Passed("all good")
	}
	return verifier.Failed("not all were good")
}

// TestPulseRests: the pulse rests while a flow runs as a check. Where it is the pulse's own, somebody looks all the while;
// where it is another, the outage may have been longer by that; and where nobody asks, it is silence.
func TestPulseRests(t *testing.T) {
	for _, c := range []struct {
		name, script string
		iterations   int
		takes, loads time.Duration
		seen         bool
		want         string
	}{
		{"the same flow", "flow.js", 20, 2 * time.Second, 0, true, "passed.all"},
		{"another flow", "other.js", 20, 2 * time.Second, 0, false, "passed.all"},
		{"the same flow, and k6 is slow to start", "flow.js", 20, 2 * time.Second, 8 * time.Second, false, "passed.all"},
		{"the same flow, and nobody is asked for long", "flow.js", 1, 40 * time.Second, 0, true, "pulse.silent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"other.js": "export default function () {}\n"}
			w.slow, w.loads6 = c.takes, c.loads
			w.change = func(k *Kit) {
				k.Checks["business/ask"] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
					return flowCheck{name: s.Name, script: filepath.Join(dir, c.script), iterations: c.iterations}, nil
				}
			}
			res := w.run(flowOf(", pulse: {every: 100ms}, timeout: 4s"))
			assert.Equal(t, c.want, res.Verdict.Reasons[0].ID, reasons(res.Verdict))
			p := res.Record.Pulse
			require.Len(t, p.Rests, 2, "before the fault and after the rollback")
			lasted := p.Rests[1].To.Late - p.Rests[1].From.Early
			assert.GreaterOrEqual(t, lasted, 40*time.Second)
			assert.Equal(t, c.seen, p.Rests[1].Seen)
			unsure := res.Verdict.Outage.Sum.Upper - res.Verdict.Outage.Sum.Lower
			assert.Equal(t, !c.seen, unsure >= lasted, "%v of %v", unsure, lasted)
		})
	}
}
