package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// twoWays is a failed drill of two ways back, of which those that are named bring everything back.
func twoWays(good ...string) author {
	r := &record.Record{Header: record.Header{Trigger: record.TriggerUpgrade,
		Checks:    []record.CheckPlan{{Name: "save an article", Layer: record.LayerBusiness}},
		Incidents: []record.IncidentPlan{{ID: 1, Name: "image alone"}, {ID: 2, Name: "database and image"}}}}
	for id := 1; id <= 2; id++ {
		from := time.Duration(id) * time.Minute
		in := record.Incident{ID: id, Trigger: record.TriggerUpgrade, Rollback: "done", T0: at(from), T3: at(from + 10*s)}
		c := record.CheckResult{Name: "save an article", Layer: record.LayerBusiness, When: "after", Incident: id,
			Status: record.CheckFailed, Started: from + 20*s, Ended: from + 21*s}
		for _, name := range good {
			if name == r.Header.Incidents[id-1].Name {
				c.Status, in.T7 = record.CheckPassed, at(from+30*s)
			}
		}
		r.Checks, r.Incidents = append(r.Checks, c), append(r.Incidents, in)
	}
	v := record.Verdict{Status: record.StatusFailed, Reasons: []record.Reason{{ID: "check.failed", Status: record.StatusFailed}}}
	return author{c: Messages(), l: English, r: r, v: v, said: map[string]bool{}}
}

func TestLesson(t *testing.T) {
	for name, tc := range map[string]struct {
		a    author
		want string
	}{
		"the headline of a comparison says which one failed": {twoWays("database and image"),
			"**Of 2 ways back, image alone did not bring the business back**: “save an article” failed. database and image did."},
		"none did": {twoWays(), "**None of 2 ways back brought the business back**: “save an article” failed."},
		"all did":  {twoWays("image alone", "database and image"), ""},
		"one": {func() author {
			a := twoWays()
			a.r.Incidents, a.r.Header.Incidents = a.r.Incidents[:1], a.r.Header.Incidents[:1]
			return a
		}(), "**This way back does not bring the business back**: “save an article” failed."},
		"the checks of the flow, where no other one failed": {func() author {
			a := twoWays()
			a.r.Incidents, a.r.Header.Incidents, a.r.Checks = a.r.Incidents[:1], a.r.Header.Incidents[:1], nil
			facts := &record.RedFacts{Bad: 9}
			facts.Failing([]string{"a", "b", "c", "d"})
			a.r.Pulse = &record.Pulse{Reds: []record.Stretch{{Window: record.Window{Open: true}, Facts: facts}}}
			return a
		}(), "**This way back does not bring the business back**: “a”, “b”, “c” and 1 more failed."},
		"what had failed before anything was broken is on no way's account": {func() author {
			a := twoWays()
			a.r.Checks = append(a.r.Checks, record.CheckResult{Name: "save an article", Layer: record.LayerBusiness,
				When: record.Before, Status: record.CheckFailed})
			a.v.Reasons = append(a.v.Reasons, record.Reason{ID: "check.failed_before", Status: record.StatusFailed})
			return a
		}(), ""},
		"something else failed as well": {func() author {
			a := twoWays()
			a.r.Incidents, a.r.Header.Incidents = a.r.Incidents[:1], a.r.Header.Incidents[:1]
			other := a.r.Checks[0]
			other.Name = "read an article"
			a.r.Checks = append(a.r.Checks, other, record.CheckResult{Name: "save an article", Layer: record.LayerBusiness,
				When: record.Before, Status: record.CheckFailed})
			a.v.Reasons = append(a.v.Reasons, record.Reason{ID: "check.failed_before", Status: record.StatusFailed})
			return a
		}(), "**This way back does not bring the business back**: “read an article” failed."},
		"nothing is known": {func() author {
			a := twoWays("image alone", "database and image")
			a.v.Status = record.StatusInconclusive
			return a
		}(), ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, tc.a.lesson()) })
	}
}

func TestWhyAnUpgradeWasRefusedAndWhatStays(t *testing.T) {
	a := twoWays()
	a.r.Steps = []record.StepFact{{Step: record.Step{Phase: "upgrade", What: "exec: migrate", Outcome: record.OutcomeFailed,
		Output: "checking\nrefusing 10.0.0.5: private address\n"}}}
	assert.Equal(t, "The upgrade was refused at “exec: migrate”: refusing 10.0.0.5: private address.", a.refused())
	assert.Empty(t, a.stays())
	a.r.Steps[0].Outcome = record.OutcomeDone
	a.r.Incidents[1].T3, a.r.Incidents[1].Decision = nil, &record.Decision{Outcome: "watch"}
	assert.Empty(t, a.refused())
	assert.Equal(t, "The decision was “go on and watch”: what the upgrade changed stays in place (exec: migrate).", a.stays())
}
