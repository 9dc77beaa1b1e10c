package drills

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// One upgrade, three ways back, each with clocks and a verification of its own.
func TestThreeRollbacks(t *testing.T) {
	g := &guest{}
	w := vmWorld(t, g)
	res := w.run(vmScenario)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	require.Len(t, res.Record.Incidents, 3)
	for i, in := range res.Record.Incidents {
		clocks := clocksOf(t, in)
		assert.True(t, slices.IsSorted(clocks), "%v", clocks)
		decided := in.T2.Early - in.T1.Early // the rule may fire while a step still waits
		assert.InDelta(t, float64(i+2), decided.Seconds(), 2, "the decision of this one")
		if i > 0 {
			before := res.Record.Incidents[i-1]
			assert.Greater(t, in.T0.Late, before.T7.Late, "verified before the next one begins")
			assert.GreaterOrEqual(t, in.T0.Late, in.Begin)
		}
		var asked []string
		for _, c := range res.Record.Checks {
			if c.When == "after" && c.Incident == in.ID {
				asked = append(asked, c.Name)
				assert.Equal(t, record.CheckPassed, c.Status, c.Message)
			}
		}
		assert.ElementsMatch(t, []string{"state", "service", "business"}, asked, "all checks, of incident %d", in.ID)
	}
	plan := res.Record.Header.Incidents
	assert.Equal(t, []string{"snapshot", "old kernel", "rebuild"}, []string{plan[0].Name, plan[1].Name, plan[2].Name})
	assert.Equal(t, []string{"revert app to upgraded"}, plan[1].Upgrade)
	assert.Equal(t, []string{"select kernel before on app", "reboot app"}, plan[1].Rollback)
	require.NotNil(t, res.Verdict.Outage)
	assert.Equal(t, 3, res.Verdict.Outage.Count, "one outage each")
	assert.Equal(t, res.Record.Upgrade.To.Late, phaseEnd(res.Record, record.PhaseUpgrade),
		"the window is the upgrade's own")
	for _, s := range res.Record.Steps {
		assert.Equal(t, record.OutcomeDone, s.Outcome, "%s: %s", s.What, s.Error)
		if s.What == "select kernel before on app" {
			assert.Equal(t, kernelA+": "+kernelA, s.Output)
		}
	}
	var reds []int
	for _, s := range res.Record.Pulse.Reds {
		reds = append(reds, s.Incident)
	}
	assert.Equal(t, []int{1, 2, 3}, reds, "each stretch counts to the incident whose steps made it")
	assert.Empty(t, w.driver.Left())
}

// phaseEnd is when the first phase of a name ended.
func phaseEnd(r *record.Record, name string) time.Duration {
	for _, p := range r.Phases {
		if p.Name == name {
			return p.Ended.Round(time.Millisecond)
		}
	}
	return 0
}

// The machine is asked after each detection what it shows; the picture is kept beside the journal.
func TestDiagnosesAreKept(t *testing.T) {
	res := vmWorld(t, &guest{}).run(vmScenario)
	require.Len(t, res.Record.Diagnoses, 3)
	for i, d := range res.Record.Diagnoses {
		assert.Equal(t, record.Subject{Instance: "app", Generation: 1, Incident: i + 1}, d.Subject)
		assert.GreaterOrEqual(t, d.At, res.Record.Incidents[i].T1.Late)
		assert.Empty(t, d.Class, "nothing is wrong with the machine itself")
		content, err := os.ReadFile(filepath.Join(res.Dir, "raw", d.Screen))
		require.NoError(t, err)
		assert.Equal(t, "PNG", string(content))
		assert.True(t, slices.ContainsFunc(res.Record.Raw, func(f record.RawFile) bool { return f.Path == "raw/"+d.Screen }))
	}
	require.NotEmpty(t, res.Record.Boots)
	assert.Equal(t, map[string]string{"control": "agent"}, res.Record.Boots[0].Facts)
}

// A check that fails after one of the rollbacks fails the drill, and that rollback restored nothing.
func TestOneOfThreeRollbacksRestoresNothing(t *testing.T) {
	w := vmWorld(t, &guest{})
	n := 0
	w.answer = func(name string) record.CheckStatus {
		if name == "business" {
			if n++; n == 3 { // before, after the first, after the second
				return record.CheckFailed
			}
		}
		return record.CheckPassed
	}
	res := w.run(vmScenario)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "check.failed")
	ins := res.Record.Incidents
	require.Len(t, ins, 3, "the comparison goes on")
	assert.NotNil(t, ins[0].T7)
	assert.Nil(t, ins[1].T7)
	assert.NotNil(t, ins[2].T7)
}

// A rollback that does not bring the business back ends the drill: what follows would begin from nothing.
func TestRollbackInBetweenFails(t *testing.T) {
	w := vmWorld(t, &guest{})
	res := w.run(strings.Replace(vmScenario, "{revert: {on: app, name: before}}", "{reboot: app}", 1))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "business.red_at_end")
	assert.NotContains(t, reasons(res.Verdict), "harness.broke")
	assert.Len(t, res.Record.Incidents, 1)
}

// Loading a scenario refuses such a revert; one may still come to it, as when the step that takes the snapshot is not
// reached.
func TestRevertToNothing(t *testing.T) {
	revert := func(name string) func(p *Plan) {
		return func(p *Plan) {
			in := &p.Scenario.Incidents[0]
			in.Rollback = append(in.Rollback, scenarios.Step{Timeout: scenarios.Duration(time.Hour),
				Revert: &scenarios.RevertStep{On: "app", Name: name}})
		}
	}
	w := vmWorld(t, &guest{})
	w.outline = revert("late")
	res := w.run(oneIncident("[{reboot: app}]"))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "rollback.failed")
	assert.Contains(t, res.Record.Incidents[0].Error, "there is no such snapshot; there are [before upgraded]")

	w = vmWorld(t, &guest{})
	w.outline = revert("before")
	res = w.run(oneIncident("[{destroy: app}, {boot: app}]"))
	assert.Contains(t, res.Record.Incidents[0].Error, "there is no such snapshot; there are []", "they went with the disk")
}

// A machine that does not come back from the reboot of the upgrade is the incident.
func TestRebootNeverComesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		guest guest
		class string
		took  time.Duration // of the step at most
		says  string
	}{
		"it panics": {guest{panics: kernelB}, "kernel-panic", 15 * time.Second,
			"boot app: kernel panic: VFS: Unable to mount root fs"},
		"it hangs": {guest{hangs: kernelB}, "", 70 * time.Second, "boot app: not ready within 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			res := vmWorld(t, &tc.guest).run(oneIncident("[{revert: {on: app, name: before}}]"))
			require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			reboot := res.Record.Steps[3]
			assert.Equal(t, record.OutcomeFailed, reboot.Outcome)
			assert.Contains(t, reboot.Error, tc.says)
			assert.LessOrEqual(t, reboot.Ended-reboot.Started, tc.took)
			require.NotEmpty(t, res.Record.Diagnoses)
			first := res.Record.Diagnoses[0]
			assert.Equal(t, tc.class, first.Class)
			assert.LessOrEqual(t, first.At, reboot.Ended)
			assert.Equal(t, record.RollbackDone, res.Record.Incidents[0].Rollback)
			assert.Len(t, res.Record.Diagnoses, 2, "once for the step and once after the detection, not more")
		})
	}
	t.Run("in the rollback", func(t *testing.T) {
		res := vmWorld(t, &guest{panics: kernelB}).run(oneIncident("[{reboot: app}]"))
		assert.Equal(t, record.StatusFailed, res.Verdict.Status)
		assert.Contains(t, reasons(res.Verdict), "rollback.failed")
		assert.Contains(t, res.Record.Incidents[0].Error, "kernel panic")
	})
	t.Run("in the restore", func(t *testing.T) {
		res := vmWorld(t, &guest{panics: kernelA}).run(oneIncident("[{reboot: app}]"))
		assert.Equal(t, record.StatusFailed, res.Verdict.Status)
		assert.Contains(t, reasons(res.Verdict), "backup.bad")
		require.Len(t, res.Record.Diagnoses, 1)
		assert.Equal(t, "kernel-panic", res.Record.Diagnoses[0].Class)
	})
}

// What an emulated machine holds is labelled, what it misses is not known.
func TestEmulated(t *testing.T) {
	run := func(restored string) *Result {
		g := &guest{}
		w := vmWorld(t, g)
		script := g.script()
		script.Basis = record.BasisEmulated
		w.machine.Images["disk-of-app"] = script
		return w.run(oneIncident("[{destroy: app}, {boot: app}]", "restored: 2h", "restored: "+restored))
	}
	res := run("2h")
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	j := objectiveOf(t, res.Verdict, "restored")
	assert.Equal(t, record.BasisEmulated, j.Basis)
	assert.Equal(t, time.Second, j.Verifying, "what the digest cost is told apart")
	assert.Equal(t, time.Second, objectiveOf(t, res.Verdict, "boot").Verifying)

	res = run("5s")
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "objective.emulated_missed")
}

func objectiveOf(t *testing.T, v record.Verdict, name string) record.Judged {
	i := slices.IndexFunc(v.Objectives, func(j record.Judged) bool { return j.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return v.Objectives[i]
}

// datedStore promises to when its backups are consistent.
type datedStore struct{ fakeStore }

func (s datedStore) List(ctx context.Context) ([]store.Point, error) {
	all, err := s.fakeStore.List(ctx)
	for i := range all {
		all[i].ConsistentTo, all[i].ConsistentBy = time.Now().Add(-time.Minute), "a manifest"
	}
	return all, err
}

// A disk holds data as a dump does: that a dump beside it says to when it is consistent measures nothing of the disk.
func TestDiskThatDoesNotSayToWhenItIsConsistent(t *testing.T) {
	for kind, want := range map[string]record.Status{"fake": record.StatusInconclusive, "dated": record.StatusPassed} {
		w := vmWorld(t, &guest{})
		w.machine.Images["img"] = fake.Script{BootTime: time.Second}
		w.change = func(k *Kit) {
			k.Stores["dated"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return datedStore{}, nil }
		}
		res := w.run(oneIncident("[{revert: {on: app, name: before}}]", "objectives: {", "objectives: {data_loss: 15m, ",
			"  app: {store: {kind: fake}", "  dump: {store: {kind: dated}, restore: {kind: fake}}\n  app: {store: {kind: "+kind+"}",
			"instances:\n", "instances:\n  db: {kind: fake, image: img, load: dump}\n"))
		assert.Equal(t, want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
		if want != record.StatusPassed {
			assert.Equal(t, "objective.not_measured", reasons(res.Verdict))
		}
	}
}
