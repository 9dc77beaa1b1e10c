package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// verifiedTwice rolls back twice and asks all checks after each.
func verifiedTwice() *story {
	s := twoIncidents("full-rollback")
	s.checksAt(150*sec, "after", 1)
	return s
}

func ofIncident(id int, name string) func(line) bool {
	return func(l line) bool {
		c, ok := l.data.(record.CheckResult)
		return ok && c.When == "after" && c.Name == name && l.subject.Incident == id
	}
}

// Each incident is closed by its own answers.
func TestVerifiedBetween(t *testing.T) {
	t.Parallel()
	s := verifiedTwice()
	v := s.judge(t)
	require.Equal(t, passed, v.Status, "%v", v.Reasons)
	r := s.record(t)
	assert.Equal(t, 150*sec+350*time.Millisecond, r.Incidents[0].T7.Late)
	assert.Equal(t, 300*sec+350*time.Millisecond, r.Incidents[1].T7.Late)
	assert.Equal(t, "incident 1", judged(t, v, "restored").Scope)

	for id := 1; id <= 2; id++ {
		s := verifiedTwice()
		s.drop(ofIncident(id, "rows"))
		v := s.judge(t)
		assert.Equal(t, unknown, v.Status, "incident %d", id)
		assert.Contains(t, ids(v), "check.missing")
	}
	for id := 1; id <= 2; id++ {
		s := verifiedTwice()
		for i := range s.lines {
			if ofIncident(id, "rows")(s.lines[i]) {
				c := s.lines[i].data.(record.CheckResult)
				c.Status = record.CheckFailed
				s.lines[i].data = c
			}
		}
		v := s.judge(t)
		assert.Equal(t, failed, v.Status, "incident %d", id)
		assert.Contains(t, ids(v), "check.failed")
		ins := s.record(t).Incidents
		assert.Equal(t, id != 1, ins[0].T7 != nil)
		assert.Equal(t, id != 2, ins[1].T7 != nil)
		j := &judge{r: s.record(t)}
		assert.Equal(t, id != 1, restored(j, &ins[0]).span != nil, "what failed after the other says nothing about this one")
	}
}

// What fails after another incident makes nothing of this one's unknown.
func TestUnverifiedBetween(t *testing.T) {
	t.Parallel()
	s := verifiedTwice()
	status := map[int]record.CheckStatus{1: record.CheckCrashed, 2: record.CheckFailed}
	for i := range s.lines {
		if c, ok := s.lines[i].data.(record.CheckResult); ok && c.When == "after" && c.Name == "rows" {
			c.Status = status[s.lines[i].subject.Incident]
			s.lines[i].data = c
		}
	}
	j := &judge{r: s.record(t)}
	first := restored(j, &j.r.Incidents[0])
	require.NotNil(t, first.note)
	assert.Equal(t, "unmeasured.not_verified", first.note.ID)
	assert.Less(t, *first.atLeast, 100*sec, "the business was back; that it was not restored is not known")
	second := restored(j, &j.r.Incidents[1])
	assert.Greater(t, *second.atLeast, 100*sec, "a failed check: not restored as long as it was watched")
}

// The time of digests is told apart, of the restores of the rollback and of each boot.
func TestVerifying(t *testing.T) {
	t.Parallel()
	s := good("fault")
	edit(s, func(x *record.Restored) { x.Verifying = 2 * sec })
	v := s.judge(t)
	assert.Equal(t, 2*sec, judged(t, v, "restored").Verifying, "of the one in the rollback alone")
	assert.Equal(t, 2*sec, judged(t, v, "boot").Verifying)
	assert.Zero(t, judged(t, v, "start_rollback").Verifying)
}

// A predicted conflict that stops the upgrade is the right outcome, and nothing was rehearsed.
func TestUpgradeStopped(t *testing.T) {
	t.Parallel()
	stop := func(on string) *story {
		s := newStory(record.TriggerUpgrade)
		s.pulseStarts()
		s.h.Incidents = []record.IncidentPlan{{ID: 1}}
		s.add(20*sec, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "started"})
		s.add(21*sec, record.KindObservation, in(1), record.Observation{ID: "upgrade.conflict", Args: map[string]string{
			"instance": "app", "next": "6.12", "modules": "vendordev", "why": "vendordev: no build", "on_conflict": on}})
		s.add(22*sec, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "ended"})
		return s.end(30*sec, true)
	}
	v := stop("stop").judge(t)
	assert.Equal(t, unknown, v.Status)
	assert.Equal(t, []string{"upgrade.stopped"}, ids(v))
	assert.Equal(t, "vendordev: no build", v.Reasons[0].Args["why"])
	v = stop("go-on").judge(t)
	assert.NotContains(t, ids(v), "upgrade.stopped")
	assert.Contains(t, ids(v), "incident.missing")

	s := stop("stop")
	harness(25 * sec)(s)
	assert.Contains(t, ids(s.judge(t)), "harness.broke", "what else is not known stays said")
}

// An upgrade of its own makes a later incident begin: its planned interruption is none of the incident's.
func TestIncidentThatBeginsWithSteps(t *testing.T) {
	t.Parallel()
	s := twoIncidents("full-rollback")
	began := 190 * sec
	s.add(began, record.KindIncident, in(2), record.IncidentEvent{Trigger: record.TriggerFault, At: record.At(began)})
	s.add(began, record.KindPhase, in(2), record.PhaseEvent{Phase: record.PhaseUpgrade})
	s.edge("red", 191*sec, 192*sec).edge("green", 194*sec, 195*sec)
	s.add(196*sec, record.KindPhase, in(2), record.PhaseEvent{Phase: record.PhaseUpgrade, Outcome: record.OutcomeDone})
	v := s.judge(t)
	assert.Equal(t, passed, v.Status, "%v", v.Reasons)
	r := s.record(t)
	assert.Equal(t, began, r.Incidents[1].Begin)
	assert.Equal(t, 2, r.Pulse.Reds[1].Incident)
	assert.True(t, r.Pulse.Reds[1].Planned)
	assert.GreaterOrEqual(t, r.Incidents[1].T0.Late, 200*sec, "the fault's effect")
	assert.Nil(t, r.Upgrade, "the window is that of the scenario's own upgrade")
}

// An emulated machine that is late for a moment has not failed again; one that stays away has.
func TestHiccupsOfAnEmulatedMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		basis  record.Basis
		lasts  time.Duration
		status record.Status
	}{
		"measured": {record.BasisMeasured, 2 * sec, failed}, "emulated": {record.BasisEmulated, 2 * sec, unknown},
		"emulated and long": {record.BasisEmulated, 70 * sec, failed},
	} {
		s := good("fault")
		s.shift(126*sec, 5*time.Minute)
		edit(s, func(b *record.Booted) { b.Basis = c.basis })
		s.edge("red", 130*sec, 131*sec).edge("green", 130*sec+c.lasts, 131*sec+c.lasts)
		v := s.judge(t)
		assert.Equal(t, c.status, v.Status, "%s: %v", name, v.Reasons)
		assert.Contains(t, ids(v), "business.red_again", name)
	}
	s := good("fault")
	edit(s, func(b *record.Booted) { b.Basis = record.BasisEmulated })
	s.edge("red", 178*sec, 179*sec)
	v := s.judge(t)
	assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
	assert.Contains(t, ids(v), "business.red_at_end")
}
