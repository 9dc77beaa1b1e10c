package drills

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
)

// newVersion makes the business another one by its upgrade, for which another flow is right, and the old one again by loading
// its backup, unless it stays.
func newVersion(w *world, stays bool) string {
	var isNew atomic.Bool
	w.files = map[string]string{"new.js": "export default function () {}\n"}
	w.machine.Images["img"] = fake.Script{BootTime: time.Second,
		Exec: func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
			if c.Args[0] == "upgrade" {
				isNew.Store(true)
				time.Sleep(10 * time.Second)
			}
			return instance.Result{}, nil
		}}
	w.fits = func(script string) bool { return (script == "new.js") == isNew.Load() }
	w.load = func(int) error { isNew.Store(stays && isNew.Load()); return nil }
	return strings.Replace(flowOf(", after_upgrade: {script: new.js}"), "faults:", "upgrade: [{exec: {on: db, run: [upgrade]}}]\nfaults:", 1)
}

// A new version may need another flow: it is the pulse from the end of the upgrade until the rollback, and the first one
// again after that.
func TestFlowAfterUpgrade(t *testing.T) {
	w := newWorld(t)
	res := w.run(newVersion(w, false))
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, reasons(res.Verdict))
	p := res.Record.Pulse
	var turns []record.Rest
	for _, r := range p.Rests {
		if r.Turn {
			turns = append(turns, r)
		}
	}
	require.Len(t, turns, 2)
	assert.Equal(t, []string{"new.js", "flow.js"}, []string{turns[0].Flow, turns[1].Flow})
	assert.LessOrEqual(t, turns[1].To.Late-turns[1].From.Early, 2*time.Second, "somebody looks again")
	in := res.Record.Incidents[0]
	require.NotNil(t, in.T0)
	assert.Greater(t, in.T0.Late, turns[0].To.Late, "the new version was green by its own flow before the fault")
	assert.Equal(t, "new.js", res.Record.Header.FlowAfter)
	assert.Equal(t, "flow.js", p.Asking(res.Record.Header.Flow))
	assert.Equal(t, 100*time.Millisecond, p.Pace.Every, "nobody knows whether the other flow bears its own company")
}

// neverGreen makes the flow of the new version one that nothing satisfies.
func neverGreen(w *world) {
	fits := w.fits
	w.fits = func(script string) bool { return script == "flow.js" && fits(script) }
}

func TestWhoIsAskedAfterUpgrade(t *testing.T) {
	for name, c := range map[string]struct {
		stays   bool
		trigger string
		change  func(*world)
		status  record.Status
		reason  string
	}{
		"the old version is not back": {true, "fault", nil, record.StatusFailed, "business.red_at_end"},
		"the new flow is never green, and nobody else saw anything": {false, "upgrade", neverGreen,
			record.StatusInconclusive, "flow.never_green"},
		"the new flow is never green, and a check fails with it": {false, "upgrade", func(w *world) {
			neverGreen(w)
			fits := w.fits
			w.answer = func(name string) record.CheckStatus {
				if name == "service" && !fits("flow.js") {
					return record.CheckFailed
				}
				return record.CheckPassed
			}
		}, record.StatusPassed, "passed.all"},
		"the new version breaks down, by its own flow": {false, "upgrade", func(w *world) {
			fits, calls := w.fits, 0
			w.fits = func(script string) bool {
				if script == "new.js" {
					calls++
				}
				return fits(script) && (script != "new.js" || calls < 30)
			}
		}, record.StatusPassed, "passed.all"},
		"the new version works, and the old flow is red while it comes": {false, "upgrade", nil, record.StatusInconclusive, "fault.no_effect"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			yaml := strings.Replace(newVersion(w, c.stays), "trigger: fault", "trigger: "+c.trigger, 1)
			if c.trigger == "upgrade" {
				yaml = strings.Replace(yaml, "faults: [{kind: break, on: db}]\n", "", 1)
			}
			if c.change != nil {
				c.change(w)
			}
			res := w.run(yaml)
			assert.Equal(t, c.status, res.Verdict.Status, reasons(res.Verdict))
			assert.Equal(t, c.reason, res.Verdict.Reasons[0].ID, reasons(res.Verdict))
		})
	}
}

// Where nobody rolled back, a later upgrade finds its flow at work; the rollback after that is proved by the first flow.
func TestTwoUpgradesAndOneRollback(t *testing.T) {
	for stays, want := range map[bool]record.Status{false: record.StatusPassed, true: record.StatusFailed} {
		w := newWorld(t)
		yaml := newVersion(w, stays)
		w.script = func(time.Duration) bool { return w.injected.IsZero() || time.Since(w.injected) > 6*time.Second }
		const fault = "    faults: [{kind: break, on: db, removed_by: rollback}]\n    detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n"
		from, to := strings.Index(yaml, "upgrade: [{exec"), strings.Index(yaml, "stable_for:")
		yaml = yaml[:from] + "upgrade: [{exec: {on: db, run: [upgrade]}}]\nincidents:\n" +
			"  - " + strings.TrimSpace(fault) + "\n" + "    decide: {by: simulated, after: 2s, outcome: watch}\n" +
			"  - upgrade: [{exec: {on: db, run: [upgrade]}}]\n" + fault + "    decide: {by: simulated, after: 2s}\n" +
			"    rollback: [{destroy: db}, {boot: db}]\n" + yaml[to:]
		res := w.run(yaml)
		assert.Equal(t, want, res.Verdict.Status, "stays: %t: %+v", stays, res.Verdict.Reasons)
		require.Len(t, res.Record.Incidents, 2)
		assert.Equal(t, "flow.js", res.Record.Pulse.Asking(res.Record.Header.Flow))
	}
}

// The plan says who asks, and when; what is to be measured has no figure yet.
func TestOutlineSaysWhoAsks(t *testing.T) {
	for yaml, says := range map[string]string{
		flowOf(""): "as often as its own runs show of %s/flow.js, giving up after as long as these show",
		strings.Replace(flowOf(", pulse: 5/s, timeout: 2s, after_upgrade: {script: new.js}"), "faults:", "upgrade: [{exec: {on: db, run: [ls]}}]\nfaults:", 1): "" +
			"5/s of %s/flow.js, giving up after 2s; between an upgrade and its rollback of %s/new.js",
	} {
		w := newWorld(t)
		w.files = map[string]string{"new.js": "export default function () {}\n"}
		w.outline = func(p *Plan) {
			assert.Equal(t, strings.ReplaceAll(says, "%s", p.Scenario.Dir), p.Outline().Pulse)
		}
		w.run(yaml)
	}
}
