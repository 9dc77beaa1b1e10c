package scenarios

import (
	"cmp"
	"slices"
	"time"

	"lifeboat/drills/record"
)

// Seconds are written out below as the types of this package.
const (
	second = Duration(time.Second)
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
)

const (
	shortestStable = 5 * second // a shorter green window proves nothing
	slowestPulse   = PerSecond(0.2)
	slowestUser    = minute
	defaultRule    = "flow.failed > 5% for 5s" // 5xx above 5 %: what operations teams alarm on
)

// controlImage runs the user's own scripts.
const controlImage = "lifeboat/control:12"

// preset is what a risk tier implies.
type preset struct {
	objectives map[string]Duration // of a rollback
	person     bool                // a person decides
}

// presets by risk, from the contingency plans of cloud-host upgrades: rollback
// started within 30 minutes, everything back within 2 hours, the script running
// 3 minutes after the decision, a host booted in 10; low risk: everything back
// by itself in 10 minutes.
var presets = map[string]preset{
	"high": {person: true, objectives: map[string]Duration{
		"start_rollback": 30 * minute, "restored": 2 * hour, "outage": 30 * minute, "act": 3 * minute}},
	"medium": {person: true, objectives: map[string]Duration{
		"start_rollback": 30 * minute, "restored": 2 * hour, "outage": 30 * minute, "act": 3 * minute}},
	"low": {objectives: map[string]Duration{
		"start_rollback": 10 * minute, "restored": 10 * minute, "act": 3 * minute}},
	"": {objectives: map[string]Duration{
		"start_rollback": 30 * minute, "restored": 2 * hour, "act": 3 * minute}},
}

// objectiveNames are the objectives that lifeboat measures, and whether a
// check run, which has no incident, measures them.
var objectiveNames = map[string]bool{
	"start_rollback": false, "business_back": false, "restored": false, "outage": false, "detect": false,
	"decide": false, "act": false, "boot": true, "data_loss": true, "age": true,
}

func (s *Scenario) defaults() {
	s.StableFor, s.Deadline = 60*second, 4*hour
	s.Baseline.StableFor, s.Verify.Within = 5*second, 10*minute
}

func (b *Backup) defaults() { b.Pick = "latest" }

func (r *Ready) defaults() { r.Within = 2 * minute }

func (i *Course) defaults() {
	i.Detect.Within = 10 * minute
	i.Decide.Outcome, i.Decide.Within = "full-rollback", 2*hour
}

func (f *Fault) defaults() { f.During = "fault" }

// fill sets the defaults that depend on the rest of the scenario.
func (r *review) fill() {
	s := r.sc
	s.Series = cmp.Or(s.Series, s.Service, "default")
	if len(s.Title) == 0 {
		s.Title = record.Text{"en": s.Name}
	}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		if !r.given(r.sc.part(i, "detect.within")) {
			in.Detect.Within = min(in.Detect.Within, s.Deadline)
		}
		if in.Detect.When == "" && s.sees() {
			in.Detect.When = s.usualRule()
		}
		if in.Decide.By == "" {
			in.Decide.By = "simulated"
			spelt := r.given(r.sc.part(i, "decide.after")) || r.given(r.sc.part(i, "decide.outcome"))
			if presets[s.Risk].person && s.sees() && !spelt {
				in.Decide.By = "person"
			}
		}
	}
	if s.Objectives == nil {
		s.Objectives = map[string]Duration{}
	}
	s.objective("boot", 10*minute)
	if s.Trigger == record.TriggerNone {
		s.objective("age", 26*hour)
		if s.Objectives["age"] == 0 { // as it is written where nobody can know it
			delete(s.Objectives, "age")
		}
	}
	if s.rollsBack() {
		for name, limit := range presets[s.Risk].objectives {
			s.objective(name, limit)
		}
	}
}

// usualRule is the default rule, or the same for as long as a slow pulse needs to see two iterations.
func (s *Scenario) usualRule() string {
	if f := s.Flow; f != nil && 2*f.Pulse.Period() > 5*time.Second {
		rule, _ := ParseRule(defaultRule) // a test reads it
		rule.For = Duration(2 * f.Pulse.Period())
		return rule.String()
	}
	return defaultRule
}

// objective sets a limit that the scenario does not set.
func (s *Scenario) objective(name string, limit Duration) {
	if _, own := s.Objectives[name]; !own {
		s.Objectives[name] = limit
	}
}

// sees tells whether something has to be detected in the drill.
func (s *Scenario) sees() bool {
	return s.Trigger == record.TriggerFault || s.Trigger == record.TriggerUpgrade
}

// rollsBack tells whether any decision may be followed by a rollback.
func (s *Scenario) rollsBack() bool {
	return slices.ContainsFunc(s.Incidents, func(in Incident) bool { return in.Decide.rollsBack() })
}

// rollsBack tells whether the decision may be followed by a rollback.
func (d Decide) rollsBack() bool {
	return d.By == "person" || record.Decision{Outcome: record.DecisionOutcome(d.Outcome)}.RollsBack()
}
