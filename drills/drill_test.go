package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/fake"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/decoy"
)

// simple is a database that breaks and is rebuilt; tests replace parts of it.
const simple = `scenario: simple
service: shop
trigger: fault
objectives: {start_rollback: 30m, restored: 2h, outage: 30m}
backups:
  db-backup: {store: {kind: fake}, restore: {kind: fake}}
instances:
  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
flow: {script: flow.js, pulse: 10/s, timeout: 1s}
faults: [{kind: break, on: db}]
detect: {when: "flow.failed > 5% for 3s", within: 1m}
decide: {by: simulated, after: 2s}
rollback:
  - destroy: db
  - boot: db
stable_for: 10s
verify: {within: 1m}
checks:
  system: [{kind: ask, name: system}]
  service: [{kind: ask, name: service}]
  data: [{kind: ask, name: data}]
  business: [{kind: ask, name: business}]
`

func reasons(v record.Verdict) string {
	var ids []string
	for _, r := range v.Reasons {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, " ")
}

// slowBoot is a machine that boots in 10 s and is silent for some time after a fault.
func slowBoot(silent time.Duration) func(*world) {
	return func(w *world) {
		w.machine.Images["img"] = fake.Script{BootTime: 10 * time.Second}
		w.silent = silent
	}
}

func TestVerdicts(t *testing.T) {
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(simple) }
	order := swap("trigger: fault", "trigger: order", "faults: [{kind: break, on: db}]\n", "",
		"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n", "")
	for _, tc := range []struct {
		name    string
		yaml    string
		arrange func(*world)
		want    record.Status
		reason  string // one of the reasons' ids
	}{
		{name: "everything held", yaml: simple, want: record.StatusPassed},
		{name: "the fault does not bite", yaml: simple, arrange: func(w *world) { w.bite = false },
			want: record.StatusInconclusive, reason: "fault.no_effect"},
		{name: "the machine comes up with the fault", yaml: simple, arrange: slowBoot(15 * time.Second),
			want: record.StatusInconclusive, reason: "fault.no_effect"},
		{name: "the machine comes up with the fault while a person decides", yaml: swap("after: 2s", "after: 10m"),
			arrange: slowBoot(5 * time.Minute), want: record.StatusInconclusive, reason: "fault.no_effect"},
		{name: "the machine does not come up with the fault in twice its time", yaml: simple, arrange: slowBoot(time.Hour),
			want: record.StatusPassed},
		{name: "a planned rollback needs no red", yaml: order, want: record.StatusPassed},
		{name: "the rollback restores nothing", yaml: swap("  - destroy: db\n  - boot: db\n", "  - stop: db\n  - start: db\n"),
			want: record.StatusFailed, reason: "business.red_at_end"},
		{name: "an objective below what is possible", yaml: swap("restored: 2h", "restored: 1s"),
			want: record.StatusFailed, reason: "objective.missed"},
		{name: "the backup cannot be restored", yaml: simple, want: record.StatusFailed, reason: "backup.bad",
			arrange: func(w *world) {
				w.load = func(int) error { return &restore.BackupError{Backup: "db-backup", Reason: "cut off"} }
			}},
		{name: "the backup cannot be restored a second time", yaml: simple, want: record.StatusFailed, reason: "backup.bad",
			arrange: func(w *world) {
				w.load = func(n int) error {
					if n < 2 {
						return nil
					}
					return &restore.BackupError{Backup: "db-backup", Reason: "cut off"}
				}
			}},
		{name: "the image lacks an extension", yaml: simple, want: record.StatusInconclusive, reason: "backup.image_lacks",
			arrange: func(w *world) {
				w.load = func(int) error { return &restore.ImageError{Backup: "db-backup", Reason: "postgis"} }
			}},
		{name: "the harness breaks before anything is proved", yaml: simple, want: record.StatusInconclusive,
			reason: "harness.broke", arrange: func(w *world) { w.load = func(int) error { return errors.New("engine gone") } }},
		{name: "the backup is empty but boots", yaml: simple, want: record.StatusFailed, reason: "check.failed",
			arrange: func(w *world) { w.answer = failing("data") }},
		{name: "a check is skipped", yaml: simple, want: record.StatusInconclusive, reason: "check.skipped",
			arrange: func(w *world) {
				w.answer = func(string) record.CheckStatus { return record.CheckSkipped }
			}},
		{name: "a check crashes", yaml: simple, want: record.StatusInconclusive, reason: "check.crashed",
			arrange: func(w *world) { w.crash = true }},
		{name: "the flow asks nothing", yaml: simple, want: record.StatusInconclusive,
			arrange: func(w *world) { w.mute = true }},
		{name: "a sandbox ends and takes its network along", yaml: simple, want: record.StatusInconclusive,
			reason: "harness.broke", arrange: func(w *world) {
				w.script = func(at time.Duration) bool { return at < 12*time.Second } // the business is never back
				w.machine.Torn = func() error { return errors.New("the sandbox of app ended by itself") }
			}},
		{name: "the flow is green whatever answers", yaml: simple, want: record.StatusInconclusive, reason: "flow.blind",
			arrange: func(w *world) { w.before = passes(decoy.Silent) }},
		{name: "the flow takes an error for an answer", yaml: simple, want: record.StatusInconclusive, reason: "flow.blind_errors",
			arrange: func(w *world) { w.before = passes(decoy.Failing) }},
		{name: "the flow takes an empty page for an answer", yaml: simple, want: record.StatusPassed, reason: "passed.all",
			arrange: func(w *world) { w.before = passes(decoy.Empty) }},
		{name: "nobody looks for a while", yaml: simple, want: record.StatusInconclusive, reason: "pulse.silent",
			arrange: func(w *world) {
				w.blind = func(at time.Duration) bool { return at > 25*time.Second && at < 31*time.Second }
			}},
		{name: "green, then red again and again", yaml: simple, want: record.StatusFailed,
			arrange: func(w *world) {
				w.script = func(at time.Duration) bool {
					return at < 12*time.Second || (at > 20*time.Second && int(at.Seconds())%5 != 0)
				}
			}},
		{name: "a leak", yaml: simple, want: record.StatusInconclusive, reason: "isolation.leak",
			arrange: func(w *world) {
				w.machine.Leak = []record.Probe{{Target: "host", Address: "192.0.2.1:22", Protocol: "tcp", Reached: true}}
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			if tc.arrange != nil {
				tc.arrange(w)
			}
			res := w.run(tc.yaml)
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			if tc.reason != "" {
				assert.Contains(t, reasons(res.Verdict), tc.reason)
			}
			assert.Empty(t, res.Left)
			assert.Empty(t, w.driver.Left(), "left behind")
			require.NotNil(t, res.Record.Cleanup.T8, "the record proves its own clean-up")
		})
	}
}

func failing(check string) func(string) record.CheckStatus {
	return func(name string) record.CheckStatus {
		if name == check {
			return record.CheckFailed
		}
		return record.CheckPassed
	}
}

// The limits of 30 minutes and 2 hours, on the limit and beside it. A planned
// rollback has exact clocks: T0 is the order, and only the decision takes time.
func TestLimits(t *testing.T) {
	base := strings.NewReplacer("trigger: fault", "trigger: order", "faults: [{kind: break, on: db}]\n", "",
		"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n", "", ", restored: 2h, outage: 30m", "",
		"  - destroy: db\n  - boot: db\n", "  - stop: db\n  - start: db\n")
	for _, tc := range []struct {
		name, after string
		want        record.Status
	}{
		{"below", "29m59.9s", record.StatusPassed},
		{"on the limit", "30m", record.StatusPassed},
		{"beyond", "30m0.001s", record.StatusFailed},
	} {
		t.Run("start_rollback "+tc.name, func(t *testing.T) {
			res := newWorld(t).run(strings.Replace(base.Replace(simple), "after: 2s", "after: "+tc.after, 1))
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Objectives)
		})
	}
}

func TestClocks(t *testing.T) {
	res := newWorld(t).run(simple)
	in := res.Record.Incidents[0]
	for name, clock := range map[string]*record.Moment{"T0": in.T0, "T1": in.T1, "T2": in.T2, "T3": in.T3, "T4": in.T4,
		"T5": in.T5, "T6": in.T6, "T7": in.T7} {
		require.NotNil(t, clock, name)
	}
	order := []*record.Moment{in.T0, in.T1, in.T2, in.T3, in.T4, in.T5, in.T7}
	assert.True(t, slices.IsSortedFunc(order, func(a, b *record.Moment) int { return int(a.Late - b.Late) }), "%v", order)
	assert.GreaterOrEqual(t, in.T2.Early-in.T1.Late, 2*time.Second, "the decision takes as long as the scenario says")
	require.NotNil(t, res.Verdict.Outage)
	assert.Equal(t, 1, res.Verdict.Outage.Count)
}

func TestAbort(t *testing.T) {
	w := newWorld(t)
	res := w.run(simple, func(_ context.Context, cancel context.CancelCauseFunc) {
		time.Sleep(12 * time.Second)
		cancel(&AbortError{Why: "interrupt"})
	})
	assert.Equal(t, record.StatusAborted, res.Verdict.Status)
	require.NotNil(t, res.Record.Abort)
	assert.Empty(t, w.driver.Left())
}

func TestUndo(t *testing.T) {
	t.Run("fails twice, then works", func(t *testing.T) {
		w := newWorld(t)
		w.undo = func(n int) error {
			if n < 3 {
				return errors.New("engine busy")
			}
			return nil
		}
		res := w.run(simple)
		assert.Empty(t, res.Left)
		assert.GreaterOrEqual(t, w.tries, 3)
		assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	})
	t.Run("never works", func(t *testing.T) {
		w := newWorld(t)
		w.undo = func(int) error { return errors.New("engine gone") }
		res := w.run(simple)
		require.Len(t, res.Left, 1)
		assert.NotEmpty(t, res.Left[0].Fix)
	})
}

// Three instances, two incidents: a partial rollback, then a decision to pause.
func TestTwoIncidents(t *testing.T) {
	res := newWorld(t).run(`scenario: groups
service: shop
trigger: fault
objectives: {start_rollback: 30m}
backups:
  db-backup: {store: {kind: fake}, restore: {kind: fake}}
instances:
  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
  web1: {kind: fake, image: img, load: db-backup, needs: [db], ready: {exec: [up]}}
  web2: {kind: fake, image: img, load: db-backup, needs: [db], ready: {exec: [up]}}
flow: {script: flow.js, pulse: 10/s, timeout: 1s}
incidents:
  - faults: [{kind: break, on: web1}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s, outcome: partial-rollback, scope: [web1]}
    rollback: [{destroy: web1}, {boot: web1}]
  - faults: [{kind: break, on: web2}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s, outcome: pause, reason: one host only}
stable_for: 10s
verify: {within: 30s}
checks:
  system: [{kind: ask, name: system}]
  service: [{kind: ask, name: service}]
  data: [{kind: ask, name: data}]
  business: [{kind: ask, name: business}]
`)
	require.Len(t, res.Record.Incidents, 2)
	first, second := res.Record.Incidents[0], res.Record.Incidents[1]
	assert.Equal(t, record.PartialRollback, first.Decision.Outcome)
	assert.Equal(t, []string{"web1"}, first.Decision.Scope)
	assert.Equal(t, record.RollbackDone, first.Rollback)
	require.NotNil(t, first.T6)
	assert.Equal(t, record.Pause, second.Decision.Outcome)
	assert.Nil(t, second.T3)
	assert.Greater(t, second.T0.Early, first.T5.Late)
	assert.Len(t, res.Record.Boots, 4, "three instances and one rebuilt")
	assert.NotEqual(t, record.StatusPassed, res.Verdict.Status, "web2 stays broken")
}

// Injection fails half-way through a group: what was injected is healed, and nothing is proved.
func TestInjectionFailsHalfWay(t *testing.T) {
	w := newWorld(t)
	w.refuse = "web"
	res := w.run(strings.NewReplacer("faults: [{kind: break, on: db}]", "faults: [{kind: break, on: db}, {kind: break, on: web}]",
		"  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}\n",
		"  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}\n  web: {kind: fake, image: img, load: db-backup}\n").Replace(simple))
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Contains(t, reasons(res.Verdict), "harness.broke")
	assert.Equal(t, 2, w.tries, "both were written down before they were injected, so both are healed")
	assert.Empty(t, res.Left)
	states := map[string]record.FaultState{}
	for _, f := range res.Record.Incidents[0].Faults {
		states[f.On] = f.State
	}
	assert.Equal(t, map[string]record.FaultState{"db": "undone", "web": "undone"}, states)
}

// The target vanishes during the fault: gone is clean, and it is not recovered.
func TestTargetVanishes(t *testing.T) {
	w := newWorld(t)
	w.undo = func(int) error { return fmt.Errorf("the machine: %w", ledger.ErrGone) }
	res := w.run(strings.NewReplacer("  - destroy: db\n  - boot: db\n", "  - destroy: db\n", "within: 1m}\nchecks", "within: 20s}\nchecks").Replace(simple))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Equal(t, record.FaultGone, res.Record.Incidents[0].Faults[0].State)
	assert.Nil(t, res.Record.Incidents[0].T6)
	assert.Empty(t, res.Left)
}

// A machine that is stopped and started again has booted: that is a moment of the rollback like any other.
func TestStartIsABoot(t *testing.T) {
	w := newWorld(t)
	res := w.run(strings.NewReplacer("trigger: fault", "trigger: order", "faults: [{kind: break, on: db}]\n", "",
		"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n", "",
		"  - destroy: db\n  - boot: db\n", "  - stop: db\n  - start: db\n").Replace(simple))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	last := res.Record.Boots[len(res.Record.Boots)-1]
	require.Equal(t, "db", last.Subject.Instance)
	require.NotNil(t, res.Record.Incidents[0].T4)
	assert.Equal(t, last.Ready, res.Record.Incidents[0].T4.Late)
	assert.GreaterOrEqual(t, last.Ready-last.Started, time.Second, "the machine's own time to boot")
}

// One that runs already is not booted by a start: no time is measured of what did not happen.
func TestStartOfWhatRuns(t *testing.T) {
	w := newWorld(t)
	res := w.run(strings.NewReplacer("trigger: fault", "trigger: order", "faults: [{kind: break, on: db}]\n", "",
		"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\n", "",
		"  - destroy: db\n  - boot: db\n", "  - start: db\n").Replace(simple))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Nil(t, res.Record.Incidents[0].T4)
	for _, b := range res.Record.Boots {
		assert.Zero(t, b.Subject.Incident)
	}
}
