package objective

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

const (
	passed  = record.StatusPassed
	failed  = record.StatusFailed
	unknown = record.StatusInconclusive
)

func afterChecks(change func(*record.CheckResult)) func(*story) {
	return func(s *story) {
		edit(s, func(c *record.CheckResult) {
			if c.When == "after" && c.Name == "rows" {
				change(c)
			}
		})
	}
}

func isAfter(l line) bool {
	c, ok := l.data.(record.CheckResult)
	return ok && c.When == "after"
}

func isPulse(l line) bool { return l.kind == record.KindPulse }

func isState(state record.PulseState) func(line) bool {
	return func(l line) bool {
		p, ok := l.data.(record.PulseEvent)
		return ok && p.State == state
	}
}

func harness(at time.Duration) func(*story) {
	return func(s *story) {
		s.add(at, record.KindHarness, record.Subject{}, record.HarnessError{Phase: "verify", Error: "the engine is gone"})
	}
}

// stumble is an error of the harness's while it cleans up.
func stumble(s *story) {
	s.add(180*sec+sec/2, record.KindHarness, record.Subject{}, record.HarnessError{Phase: record.PhaseCleanup,
		Error: "read egress: the engine is busy"})
}

// control is the outcome of a negative control.
func control(s *story, id string) {
	s.add(sec, record.KindObservation, record.Subject{}, record.Observation{ID: id, Args: map[string]string{"flows": "home"}})
}

// neverBack: the rollback restores nothing; the business stays red to the end.
func neverBack(s *story) {
	green := 0
	s.drop(func(l line) bool {
		if isState("green")(l) {
			green++
		}
		return isState("green")(l) && green > 1
	})
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range append(casesOfEvidence(), casesOfTheRun()...) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := good(c.trigger)
			if c.bend != nil {
				c.bend(s)
			}
			v := s.judge(t)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
			if c.status == failed || c.status == unknown {
				assert.Equal(t, c.status, v.Reasons[0].Status, "the first reason says why")
			}
		})
	}
}

func TestVerdictOfACheckRun(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		bend   func(*story)
		status record.Status
		reason string
	}{
		{"all good", func(*story) {}, passed, "passed.check_run"},
		{"a check failed", func(s *story) {
			edit(s, func(c *record.CheckResult) { c.Status = record.CheckFailed })
		}, failed, "check.failed"},
		{"a check skipped", func(s *story) {
			edit(s, func(c *record.CheckResult) { c.Status = record.CheckSkipped })
		}, unknown, "check.skipped"},
		{"nothing asked", func(s *story) { s.drop(kind(record.KindCheck)) }, unknown, "check.missing"},
		{"red after a green baseline, and green again", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 30*sec, 31*sec).edge("green", 32*sec, 33*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 480, Bad: 20}})
		}, failed, "business.red_again"},
		{"red before its baseline was over, and long after", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 19900*time.Millisecond, 20100*time.Millisecond).edge("green", 49*sec, 50*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 200, Bad: 300}})
		}, failed, "business.red_again"},
		{"red while it came up, within its baseline", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 12*sec, 13*sec).edge("green", 14*sec, 15*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 480, Bad: 20}})
		}, passed, "passed.check_run"},
		{"a flow, and no pulse of it", func(s *story) { s.h.PulseRate = 10 }, unknown, "pulse.missing"},
		{"weak: a check takes any page for an answer", func(s *story) { control(s, "flow.hollow") }, passed, "passed.check_run"},
		{"weak: a control could not be run", func(s *story) { control(s, "flow.uncontrolled_errors") }, passed, "passed.check_run"},
		{"a check takes an error for an answer", func(s *story) { control(s, "flow.blind_errors") }, unknown, "flow.blind_errors"},
		{"too old", func(s *story) { s.limit("age", time.Minute) }, failed, "objective.missed"},
		{"boots too slowly", func(s *story) { s.limit("boot", 3*sec) }, failed, "objective.missed"},
		{"the backup is bad", func(s *story) {
			edit(s, func(r *record.Restored) { r.BackupBad = "empty" })
			s.drop(kind(record.KindBooted))
			s.drop(kind(record.KindCheck))
		}, failed, "backup.bad"},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := checkRun()
			c.bend(s)
			v := s.judge(t)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
			assert.Equal(t, record.StatusNotRun, judged(t, v, "start_rollback").Status, "no incident in a check run")
			assert.Equal(t, strings.HasPrefix(c.name, "weak:"), len(v.Weak) > 0, "said beside the verdict")
		})
	}
}

// What nobody ever asked is not proved, and a flow that spoke to something else is no witness.
func TestReach(t *testing.T) {
	t.Parallel()
	instances := []record.InstancePlan{{Name: "db", Backup: "shop-db"}, {Name: "app", Backup: "shop-app"}, {Name: "mail"}}
	check := func(on string) record.Link { return record.Link{Check: true, To: on} }
	flow := func(name, on string) record.Link { return record.Link{Flow: name, To: on, Port: 80, Protocol: "tcp"} }
	through := func(from, on string) record.Link { return record.Link{From: from, To: on, Port: 5432, Protocol: "tcp"} }
	for name, c := range map[string]struct {
		reach    *record.Reach
		want     record.Status
		reason   string
		about    string // the instance or the flows of the reason
		observed bool   // that mail was never reached
		weak     bool
	}{
		"a record of old": {nil, passed, "passed.check_run", "", false, false},
		"all by checks": {&record.Reach{Links: []record.Link{check("db"), check("app"), check("mail")}}, passed,
			"passed.check_run", "", false, false},
		"one that has no backup": {&record.Reach{Links: []record.Link{check("db"), check("app")}}, passed,
			"passed.check_run", "", true, false},
		"one that nobody asked": {&record.Reach{Links: []record.Link{check("app")}}, unknown, "reach.none", "db", true, false},
		"through the app": {&record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{flow("shop.js", "app"),
			through("app", "db")}}, passed, "passed.check_run", "", true, false},
		"the app never asks it": {&record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{flow("shop.js", "app")}}, unknown,
			"reach.none", "db", true, false},
		"it asks the app": {&record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{flow("shop.js", "app"),
			through("db", "app")}}, unknown, "reach.none", "db", true, false},
		"from one that nobody asked": {&record.Reach{Links: []record.Link{check("app"), through("mail", "db")}}, unknown,
			"reach.none", "db", true, false},
		"a flow to what is not restored": {&record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{flow("shop.js", "mail"),
			check("db"), check("app")}}, unknown, "reach.elsewhere", "shop.js", false, false},
		"a flow through what is not restored": {&record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{
			flow("shop.js", "mail"), through("mail", "app"), check("db")}}, passed, "passed.check_run", "", false, false},
		"one flow of two": {&record.Reach{Flows: []string{"pay.js", "shop.js"}, Links: []record.Link{flow("shop.js", "app"),
			check("db")}}, unknown, "reach.elsewhere", "pay.js", true, false},
		"not measured": {&record.Reach{Flows: []string{"shop.js"}, Unmeasured: "no such table"}, passed, "passed.check_run", "",
			false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := checkRun()
			s.h.Instances = instances
			for _, i := range instances {
				s.add(8*sec, record.KindBooted, record.Subject{Instance: i.Name, Generation: 1}, record.Booted{Started: 4 * sec, Ready: 8 * sec})
				s.add(2*sec, record.KindProbe, record.Subject{Instance: i.Name}, record.Probe{Target: "host"})
				s.add(2*sec, record.KindProbe, record.Subject{Instance: i.Name}, record.Probe{Target: "control", Control: true, Reached: true})
			}
			if c.reach != nil {
				s.add(59*sec, record.KindReach, record.Subject{}, *c.reach)
			}
			v := s.judge(t)
			assert.Equal(t, c.want, v.Status, "%v", v.Reasons)
			assert.Equal(t, []string{c.reason}, ids(v))
			if c.about != "" {
				assert.Equal(t, c.about, v.Reasons[0].Args["instance"]+v.Reasons[0].Args["flows"])
			}
			assert.Equal(t, c.observed, slices.ContainsFunc(v.Observations, func(o record.Observation) bool {
				return o.ID == "reach.untouched" && o.Args["instance"] == "mail"
			}))
			assert.Equal(t, c.weak, len(v.Weak) > 0)
			s.drop(kind(record.KindCheck))
			if v := s.judge(t); v.Status != passed {
				assert.NotContains(t, ids(v), "reach.none", "a drill that did not ask all says that alone")
			}
		})
	}
}

// What was reached before the rollback alone says nothing of what the rollback brought back.
func TestReachAfterTheRollback(t *testing.T) {
	t.Parallel()
	flow := func(on string, last time.Duration) record.Link {
		return record.Link{Flow: "shop.js", To: on, First: 11 * sec, Last: last}
	}
	through := func(from, on string, last time.Duration) record.Link {
		return record.Link{From: from, To: on, First: 11 * sec, Last: last}
	}
	checked := func(on string, last time.Duration) record.Link {
		return record.Link{Check: true, To: on, First: 11 * sec, Last: last}
	}
	const before, late = 31 * sec, 170 * sec
	destroyed := func(s *story) {
		s.add(60*sec, record.KindStep, record.Subject{Instance: "db", Incident: 1}, record.Step{Phase: record.PhaseRollback,
			What: "destroy db", Kind: "destroy", Outcome: record.OutcomeDone, Started: 59 * sec, Ended: 60 * sec})
	}
	last := func(word string) func(*story) { // instead of the boot
		return func(s *story) {
			s.drop(kind(record.KindStep))
			s.add(59*sec, record.KindStep, record.Subject{Instance: "db", Incident: 1}, record.Step{Phase: record.PhaseRollback,
				What: word + " db", Kind: word, Outcome: record.OutcomeDone, Started: 39 * sec, Ended: 59 * sec})
		}
	}
	turn := func(s *story, from time.Duration, flow string) {
		s.add(from, record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseTurns, At: record.At(from), Why: flow})
		s.add(from+sec/2, record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseGoesOn, At: record.At(from + sec/2)})
	}
	other := record.Link{Flow: "new.js", To: "app", First: 11 * sec, Last: before}
	for name, c := range map[string]struct {
		links  []record.Link
		change func(*story)
		want   []string
	}{
		"a flow of the new version": {links: []record.Link{other, flow("app", late), through("app", "db", late)}, change: func(s *story) {
			turn(s, 12*sec, "new.js")
			turn(s, 36*sec, "shop.js")
		}},
		"a flow of the new version that stayed": {links: []record.Link{other, flow("app", late), through("app", "db", late)},
			change: func(s *story) { turn(s, 12*sec, "new.js") }, want: []string{"reach.elsewhere_since"}},
		"all again":                {links: []record.Link{flow("app", late), through("app", "db", late)}},
		"the database no more":     {links: []record.Link{flow("app", late), through("app", "db", before)}, want: []string{"reach.not_again"}},
		"by a check":               {links: []record.Link{flow("app", late), through("app", "db", before), checked("db", late)}},
		"through what was left":    {links: []record.Link{flow("app", before), through("app", "db", late)}, want: []string{"reach.not_again", "reach.elsewhere_since"}},
		"the flow is elsewhere":    {links: []record.Link{flow("app", before), checked("app", late), checked("db", late)}, want: []string{"reach.elsewhere_since"}},
		"the app as it was before": {links: []record.Link{flow("db", late), flow("app", before)}},
		"a journal of old":         {links: []record.Link{flow("app", late), through("app", "db", 0)}},
		"restored":                 {links: []record.Link{flow("app", late), through("app", "db", before)}, change: last("restore"), want: []string{"reach.not_again"}},
		"reverted":                 {links: []record.Link{flow("app", late), through("app", "db", before)}, change: last("revert"), want: []string{"reach.not_again"}},
		"only told to stop":        {links: []record.Link{flow("app", late), through("app", "db", before)}, change: last("stop")},
		"and destroyed again":      {links: []record.Link{flow("app", late), through("app", "db", before)}, change: destroyed},
		"it stays red": {links: []record.Link{flow("app", before), checked("app", late), checked("db", late)},
			change: neverBack, want: []string{"business.red_at_end"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good(record.TriggerFault)
			s.add(59*sec, record.KindStep, record.Subject{Instance: "db", Incident: 1}, record.Step{Phase: record.PhaseRollback,
				What: "boot db", Kind: "boot", Outcome: record.OutcomeDone, Started: 39 * sec, Ended: 59 * sec})
			if c.change != nil {
				c.change(s)
			}
			flows := []string{"shop.js"}
			if c.links[0] == other {
				flows = append(flows, other.Flow)
			}
			s.add(182*sec, record.KindReach, record.Subject{}, record.Reach{Flows: flows, Links: c.links})
			v := s.judge(t)
			if len(c.want) == 0 {
				c.want = []string{"passed.all"}
			}
			assert.Subset(t, ids(v), c.want)
			assert.Subset(t, c.want, slices.DeleteFunc(ids(v), func(id string) bool { return strings.HasPrefix(id, "objective.") }))
		})
	}
}
