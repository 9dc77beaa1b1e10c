package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// twoRollbacks breaks two hosts one after the other, each with an incident and a rollback of its own.
const twoRollbacks = `scenario: groups
service: shop
trigger: fault
objectives: {start_rollback: 30m}
backups:
  db-backup: {store: {kind: fake}, restore: {kind: fake}}
instances:
  web1: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
  web2: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
flow: {script: flow.js, pulse: 10/s, timeout: 1s}
incidents:
  - faults: [{kind: break, on: web1}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s}
    rollback: [{destroy: web1}, {boot: web1}]
  - faults: [{kind: break, on: web2}, {kind: break, on: web2}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s}
    rollback: [{destroy: web2}, {boot: web2}]
stable_for: 10s
verify: {within: 30s}
checks:
  system: [{kind: ask, name: system}]
  service: [{kind: ask, name: service}]
  data: [{kind: ask, name: data}]
  business: [{kind: ask, name: business}]
`

// What the clean-up makes of a fault stands in the fault's own incident, and equal faults are two.
func TestFaultEndsInItsOwnIncident(t *testing.T) {
	w := newWorld(t)
	ends := []ledger.State{ledger.Failed, ledger.Gone, ledger.Undone} // the youngest fault first
	w.undo = func(n int) error {
		if n > len(ends) { // tried again
			return errors.New("busy")
		}
		return map[ledger.State]error{ledger.Failed: errors.New("busy"), ledger.Gone: ledger.ErrGone}[ends[n-1]]
	}
	res := w.run(twoRollbacks)
	require.Len(t, res.Record.Incidents, 2)
	first, second := res.Record.Incidents[0].Faults, res.Record.Incidents[1].Faults
	require.Len(t, first, 1)
	require.Len(t, second, 2)
	assert.Equal(t, "web1 1 undone", state(first[0]))
	assert.Equal(t, "web2 1 gone", state(second[0]))
	assert.Equal(t, "web2 2 failed", state(second[1]))
	require.Len(t, res.Record.Cleanup.Failed, 2, "what could not be undone, and that it is so: %v", res.Record.Cleanup.Failed)
	entries, err := ledger.Load(res.Dir)
	require.NoError(t, err)
	var faults []ledger.Entry
	for _, e := range entries {
		if e.What == "fault" {
			faults = append(faults, e)
		}
	}
	require.Len(t, faults, 3)
	assert.Equal(t, record.Subject{Instance: "web2", Generation: 1, Incident: 2}, faults[2].Subject)
	assert.Equal(t, ledger.Fault{Kind: "break", On: "web2", Index: 2}, *faults[2].Fault)
}

// A fault is asked again after the rollback: whether it was to be gone, and whether it is, decide.
func TestFaultAfterTheRollback(t *testing.T) {
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(simple) }
	const rebuild, claimed = "  - destroy: db\n  - boot: db\n", "{kind: break, on: db, removed_by: rollback}"
	restart := "  - stop: db\n  - start: db\n"
	healed := func(w *world) { // by the restart, as a disk that fails is
		w.machine.Images["img"] = fake.Script{BootTime: time.Second,
			Up: func(_ context.Context, m *fake.Machine) error { w.set(m.Name(), false); return nil }}
	}
	stays := func(w *world) { w.lasting = map[string]bool{"db": true} }
	mute := func(w *world) { w.unasked = errors.New("the guest does not answer") }
	starting := func(w *world) { // silent for longer than a yes must last, then not yet up, then healed
		var since time.Time
		w.asked = func() error {
			if since.IsZero() {
				since = time.Now()
			}
			switch took := time.Since(since); {
			case took < 12*time.Second:
				return errors.New("the guest does not answer")
			case took < 17*time.Second:
				return nil
			}
			return instance.NotInForce("it is up")
		}
	}
	for _, tc := range []struct {
		name    string
		yaml    string
		arrange func(*world)
		want    record.Status
		reason  string
		again   string // what it answered
	}{
		{"rebuilt and gone", simple, nil, record.StatusPassed, "passed.all", "removed true"},
		{"rebuilt and still there", simple, stays, record.StatusFailed, "fault.remains", "remains true"},
		{"rebuilt and slow to start", simple, starting, record.StatusPassed, "passed.all", "removed true"},
		{"rebuilt and silent", simple, mute, record.StatusInconclusive, "fault.unasked", "unasked true"},
		{"restarted and gone, as the scenario says", swap(rebuild, restart, "{kind: break, on: db}", claimed), healed,
			record.StatusPassed, "passed.all", "removed true"},
		{"restarted and still there, though the scenario says so", swap(rebuild, restart, "{kind: break, on: db}", claimed),
			func(w *world) { healed(w); stays(w) }, record.StatusFailed, "fault.remains", "remains true"},
		{"restarted and gone, and nobody says by whom", swap(rebuild, restart), healed,
			record.StatusInconclusive, "fault.unclaimed", "removed false"},
		{"restarted and still there, and nobody was to remove it", swap(rebuild, restart),
			func(w *world) { healed(w); stays(w) }, record.StatusInconclusive, "fault.left", "remains false"},
		{"destroyed and not booted again", swap(rebuild, "  - destroy: db\n", "within: 1m}\nchecks", "within: 20s}\nchecks"), stays,
			record.StatusFailed, "business.red_at_end", "removed true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			if tc.arrange != nil {
				tc.arrange(w)
			}
			res := w.run(tc.yaml)
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Contains(t, reasons(res.Verdict), tc.reason)
			again := res.Record.Incidents[0].Faults[0].Again
			require.Len(t, again, 1)
			assert.Equal(t, tc.again, fmt.Sprint(again[0].State, " ", again[0].Expected))
			for _, c := range res.Record.Checks {
				assert.True(t, c.When != "after" || c.Started >= again[0].At.Late, "asked before the checks")
			}
		})
	}
}

// Where nobody rolled back, a fault is asked all the same: that it is still in force stands beside the verdict.
func TestFaultAfterTheDecisionNotToRollBack(t *testing.T) {
	watch := strings.NewReplacer("after: 2s", "after: 2s, outcome: watch", "rollback:\n  - destroy: db\n  - boot: db\n", "",
		"{kind: break, on: db}", "{kind: break, on: db, removed_by: rollback}", "objectives: {start_rollback: 30m}\n", "").Replace(simple)
	for name, tc := range map[string]struct {
		lasting bool
		unasked error
		want    []string
	}{
		"gone by itself":  {false, nil, nil},
		"still there":     {true, nil, []string{"fault.stands"}},
		"cannot be asked": {false, errors.New("the guest does not answer"), []string{"fault.stands_unasked"}},
	} {
		w := newWorld(t)
		w.script = func(at time.Duration) bool { return w.injected.IsZero() || time.Since(w.injected) > 6*time.Second }
		w.asked = func() error {
			switch {
			case tc.unasked != nil:
				return tc.unasked
			case tc.lasting:
				return nil
			}
			return instance.NotInForce("it is up")
		}
		res := w.run(watch)
		assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%s: %+v", name, res.Verdict.Reasons)
		var weak []string
		for _, r := range res.Verdict.Weak {
			weak = append(weak, r.ID)
		}
		assert.Equal(t, tc.want, weak, name)
		again := res.Record.Incidents[0].Faults[0].Again
		require.Len(t, again, 1, name)
		assert.False(t, again[0].Expected, "no rollback was taken")
	}
}

// The second rollback asks what the first left, too.
func TestFaultOfTheIncidentBefore(t *testing.T) {
	w := newWorld(t)
	w.lasting = map[string]bool{"web1": true}
	res := w.run(twoRollbacks)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Equal(t, "fault.remains fault.left", reasons(res.Verdict))
	var said []string
	for _, a := range res.Record.Incidents[0].Faults[0].Again {
		said = append(said, fmt.Sprint(a.After, " ", a.State, " ", a.Expected))
	}
	assert.Equal(t, []string{"1 remains true", "2 remains false"}, said)
}

// A throttle ends with the rollback whose restores it slowed down: it is not asked, and the next rollback is not slow.
func TestThrottleEnds(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) { k.Faults["slow-restore"] = fault.Catalogue()["slow-restore"] }
	res := w.run(strings.Replace(twoRollbacks, "{kind: break, on: web1}",
		"{kind: break, on: web1}, {kind: slow-restore, on: db-backup, during: rollback, rate: 2MB/s}", 1))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	slow := map[int][]int64{}
	for _, r := range res.Record.Restores {
		slow[r.Subject.Incident] = append(slow[r.Subject.Incident], r.Throttle)
	}
	assert.Equal(t, map[int][]int64{0: {0, 0}, 1: {2_000_000}, 2: {0}}, slow)
	first := res.Record.Incidents[0].Faults
	require.Len(t, first, 2)
	assert.Equal(t, "slow-restore", first[1].Kind)
	assert.Equal(t, record.FaultEnded, first[1].State)
	assert.Empty(t, first[1].Again)
	assert.Equal(t, first[1].Effective.Late, first[1].Ended.Late)
	assert.Len(t, res.Record.Incidents[1].Faults, 2, "nothing is said of it in the incident after it")
}

// What was red before the fault is the upgrade's: it is waited for, fires nothing, and is not T0.
func TestRedBeforeTheFault(t *testing.T) {
	upgraded := strings.Replace(simple, "faults:", "upgrade: [{stop: db}, {start: db}]\nfaults:", 1)
	w := newWorld(t)
	var started atomic.Int64 // the application comes back 4 s after its database
	w.machine.Images["img"] = fake.Script{BootTime: time.Second, Up: func(context.Context, *fake.Machine) error {
		started.Store(time.Now().UnixNano())
		return nil
	}}
	w.business = func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return !w.broken["db"] && time.Since(time.Unix(0, started.Load())) > 4*time.Second
	}
	res := w.run(upgraded)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	in := res.Record.Incidents[0]
	reds := res.Record.Pulse.Reds[1:] // the first is that of a business that starts
	require.Len(t, reds, 2)
	red := reds[0].To.Late
	assert.True(t, reds[0].Planned, "%+v in %+v", reds, res.Record.Upgrade)
	assert.Greater(t, in.Faults[0].Injected.Early-red, 4*time.Second, "green for as long as the baseline was")
	assert.GreaterOrEqual(t, in.T0.Early, in.Faults[0].Injected.Early)
	assert.Greater(t, in.T1.Late-in.T0.Late, 2*time.Second, "the rule saw the fault alone")

	w = newWorld(t)
	w.script = func(at time.Duration) bool { return at < 12*time.Second } // the upgrade breaks it for good
	res = w.run(upgraded)
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "fault.red_before")
}

// A rollback that begins when the business is back already brings nothing back.
func TestRollbackInGreen(t *testing.T) {
	for after, want := range map[string]string{"20s": "rollback.in_green", "4s": "passed.all"} {
		w := newWorld(t)
		w.script = func(at time.Duration) bool { // it comes back by itself, 6 s after the fault, until it is rebuilt
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.loads == 2 { // the rollback's own downtime
				return !w.broken["db"]
			}
			return !w.broken["db"] || time.Since(w.injected) > 6*time.Second
		}
		res := w.run(strings.Replace(simple, "after: 2s", "after: "+after, 1))
		assert.Equal(t, want, reasons(res.Verdict), "%s: %+v", after, res.Record.Pulse.Reds)
	}
}

// A rollback that rebuilds nothing and runs nothing is named, and one that does is not.
func TestRollbackThatChangesNothing(t *testing.T) {
	order := strings.NewReplacer("trigger: fault", "trigger: order", "faults: [{kind: break, on: db}]\n", "",
		"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n", "")
	for steps, want := range map[string]bool{"  - start: db\n": true, "  - stop: db\n  - start: db\n": true,
		"  - wait: {check: data}\n": true, "  - destroy: db\n  - boot: db\n": false, "  - restore: db\n": false} {
		res := newWorld(t).run(strings.NewReplacer("  - destroy: db\n  - boot: db\n", steps).Replace(order.Replace(simple)))
		require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
		named := slices.ContainsFunc(res.Verdict.Observations, func(o record.Observation) bool {
			return o.ID == "rollback.changed_nothing"
		})
		assert.Equal(t, want, named, steps)
	}
}

func state(f record.FaultFact) string {
	return f.On + " " + string(rune('0'+f.Index)) + " " + string(f.State)
}
