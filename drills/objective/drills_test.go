package objective

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func TestRedBaseline(t *testing.T) {
	t.Parallel()
	red := func() *story {
		s := newStory("fault")
		s.drop(func(l line) bool {
			p, ok := l.data.(record.PhaseEvent)
			return ok && p.Phase == "baseline" && p.Outcome != ""
		})
		s.add(10*sec, record.KindPulse, record.Subject{}, record.PulseEvent{State: "started", At: record.At(10 * sec)})
		s.edge("red", 10*sec, 11*sec)
		s.add(75*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "baseline",
			Outcome: record.OutcomeFailed,
			Error:   "never green"})
		s.end(80*sec, true)
		edit(s, func(p *record.PulseEvent) {
			if p.State == "stopped" {
				p.Totals = record.PulseTotals{Bad: 700}
			}
		})
		return s
	}
	v := red().judge(t)
	assert.Equal(t, failed, v.Status)
	assert.Equal(t, "baseline.red", v.Reasons[0].ID)
	assert.Equal(t, "shop-app, shop-db", v.Reasons[0].Args["backup"])
	assert.NotContains(t, ids(v), "business.red_at_end")

	stumbled := red()
	stumbled.add(81*sec, record.KindHarness, record.Subject{}, record.HarnessError{Phase: record.PhaseCleanup, Error: "busy"})
	assert.Equal(t, failed, stumbled.judge(t).Status, "it was red before that")

	for name, bend := range map[string]func(*story){
		"it was the harness that ended the baseline": func(s *story) {
			s.add(76*sec, record.KindHarness, record.Subject{}, record.HarnessError{Phase: record.PhaseBaseline, Error: "gone"})
		},
		"an instance is missing": func(s *story) { s.drop(kind(record.KindBooted)) },
		"the pulse broke": func(s *story) {
			edit(s, func(p *record.PulseEvent) {
				p.State = swap(p.State,
					"stopped", "broken")
			})
		},
		"the pulse asked nothing": func(s *story) {
			edit(s,
				func(p *record.PulseEvent) { p.Totals = record.PulseTotals{Unproven: 700} })
		},
		"it asked too little": func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals = record.PulseTotals{Bad: 700, Unproven: 90} })
		},
		"the harness broke":        harness(76 * sec),
		"the image lacks":          func(s *story) { edit(s, func(r *record.Restored) { r.ImageBad = "an extension" }) },
		"the pulse never was red":  func(s *story) { s.drop(isState("red")) },
		"the drill never ended it": func(s *story) { s.cut(75 * sec) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := red()
			bend(s)
			v := s.judge(t)
			assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
		})
	}
}

func swap[S ~string](s, from, to S) S {
	if s == from {
		return to
	}
	return s
}

func twoIncidents(first string) *story {
	s := newStory("fault")
	s.pulseStarts()
	s.breakAndRollBack(1, 30*sec)
	if first == "pause" {
		s.drop(kind(record.KindRollback))
		s.drop(func(l line) bool { return l.kind == record.KindBooted && l.at == 59*sec })
		edit(s, func(d *record.Decision) { d.Outcome = "pause" })
	}
	s.breakAndRollBack(2, 200*sec)
	edit(s, func(d *record.Decision) {
		if d.At.Late > 200*sec {
			d.Outcome, d.Scope = "partial-rollback", []string{"db"}
		}
	})
	s.h.Incidents = []record.IncidentPlan{{ID: 1}, {ID: 2}}
	s.checksAt(300*sec, "after", 2)
	return s.end(400*sec, true)
}

func TestTwoIncidents(t *testing.T) {
	t.Parallel()
	t.Run("pause and partial rollback", func(t *testing.T) {
		t.Parallel()
		s := twoIncidents("pause")
		r := s.record(t)
		require.Len(t, r.Incidents, 2)
		assert.Nil(t, r.Incidents[0].T3)
		assert.Equal(t, 208*sec, r.Incidents[1].T3.Late)
		assert.Equal(t, []int{1, 2}, []int{r.Pulse.Reds[0].Incident, r.Pulse.Reds[1].Incident})
		v := s.judge(t)
		assert.Equal(t, passed, v.Status, "%v", v.Reasons)
		assert.Equal(t, "incident 2", judged(t, v, "restored").Scope)
	})
	t.Run("two rollbacks, checked at the end", func(t *testing.T) {
		t.Parallel()
		s := twoIncidents("full-rollback")
		v := s.judge(t)
		assert.Equal(t, passed, v.Status, "%v", v.Reasons)
		o := judged(t, v, "restored")
		assert.Equal(t, "incident 1", o.Scope, "the worst: verified only at the end")
		assert.Equal(t, 270*sec+350*time.Millisecond, *o.Upper)
	})
	t.Run("checks of the first do not stand for the second", func(t *testing.T) {
		t.Parallel()
		s := twoIncidents("full-rollback")
		s.drop(isAfter)
		s.checksAt(150*sec, "after", 1)
		v := s.judge(t)
		assert.Equal(t, unknown, v.Status)
		assert.Contains(t, ids(v), "check.missing")
	})
	t.Run("the second is never brought back", func(t *testing.T) {
		t.Parallel()
		s := twoIncidents("pause")
		s.drop(func(l line) bool { return isState("green")(l) && l.at > 200*sec })
		assert.Equal(t, failed, s.judge(t).Status)
	})
}

func TestPrefixIsNeverPassed(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*story{"fault": good("fault"), "upgrade": good("upgrade"), "order": good("order"),
		"two incidents": twoIncidents("pause"), "verified twice": verifiedTwice(), "check run": checkRun()} {
		events := s.events(t)
		r, err := record.Build(events)
		require.NoError(t, err)
		require.Equal(t, passed, Judge(r).Status, "%s: %v", name, Judge(r).Reasons)
		b, soFar := record.NewBuilder(), []*record.Record{}
		for n := 1; n < len(events); n++ {
			r, err := record.Build(events[:n])
			require.NoError(t, err)
			require.NoError(t, b.Add(events[n-1]))
			soFar = append(soFar, b.Record())
			v := Judge(r)
			spoken(t, v)
			assert.NotEqual(t, passed, v.Status, "%s: the first %d events", name, n)
			assert.NotEqual(t, failed, v.Status, "%s: the first %d events of a good drill: %v", name, n, v.Reasons)
		}
		for n, kept := range soFar { // no later event has changed it
			r, err := record.Build(events[:n+1])
			require.NoError(t, err)
			assert.Equal(t, r, kept, "%s: the record of the first %d events, one by one", name, n+1)
		}
	}
}

// needless tells why a drill whose journal lacks an event may pass all the same; "": it may not.
func needless(e record.Event, of string) string {
	switch {
	case e.Kind == record.KindPhase:
		return "what is done in it leaves events of its own"
	case e.Kind == record.KindPulse && e.Elapsed < 20*sec, e.Kind == record.KindPulse && of == "order" && e.Elapsed < 60*sec:
		return "the pulse's end tells that it ran, and a planned rollback may go unseen"
	case e.Kind == record.KindCheck && e.Elapsed < 20*sec && of != "none":
		return "the answers after the rollback count"
	case e.Kind == record.KindUpgrade && (of != "upgrade" || e.Elapsed < 30*sec):
		return "what was planned downtime is counted then"
	case e.Kind == record.KindIncident, e.Kind == record.KindDetected, e.Kind == record.KindDecided && of == "order":
		return "what came of it tells that it was"
	case e.Kind == record.KindRollback && e.Elapsed < 60*sec:
		return "its end counts"
	case (e.Kind == record.KindBooted || e.Kind == record.KindRestored) && e.Subject.Instance == "db" && of != "none":
		return "it was restored and came up another time"
	case e.Kind == record.KindRestorePoint && e.Elapsed > 5*sec:
		return "the other one tells to when it is consistent"
	case e.Kind == record.KindCleanup && strings.Contains(string(e.Data), "undone"):
		return "the proof counts"
	}
	return ""
}

// A drill in which any one thing was not done, or not seen, has not passed.
func TestWithoutAnyOneEvent(t *testing.T) {
	t.Parallel()
	for of, s := range map[string]*story{"fault": good("fault"), "upgrade": good("upgrade"), "order": good("order"), "none": checkRun()} {
		s.limit("boot", 10*time.Minute) // of every scenario
		events := s.events(t)
		for n := 1; n < len(events); n++ {
			r, err := record.Build(append(append([]record.Event{}, events[:n]...), events[n+1:]...))
			require.NoError(t, err)
			v := Judge(r)
			spoken(t, v)
			if e := events[n]; needless(e, of) == "" {
				assert.NotEqual(t, passed, v.Status, "%s: without event %d, %s at %s", of, e.Seq, e.Kind, e.Elapsed)
			}
		}
	}
}

func TestSoFar(t *testing.T) {
	t.Parallel()
	s := good("fault")
	s.drop(func(l line) bool { return l.at > 3*time.Minute })
	assert.Equal(t, passed, SoFar(s.record(t)))
	afterChecks(func(c *record.CheckResult) { c.Status = record.CheckFailed })(s)
	assert.Equal(t, failed, SoFar(s.record(t)))
	assert.Equal(t, record.StatusNotRun, SoFar(nil))
}

func FuzzJudge(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		rnd := rand.New(rand.NewPCG(a, b))
		s := good([]record.Trigger{"fault", "upgrade", "order"}[rnd.IntN(3)])
		for range rnd.IntN(8) {
			i := rnd.IntN(len(s.lines))
			switch rnd.IntN(3) {
			case 0:
				s.lines = append(s.lines[:i], s.lines[i+1:]...)
			case 1:
				s.lines[i].at = time.Duration(rnd.Int64N(int64(200 * sec)))
			case 2:
				s.lines = append(s.lines, s.lines[i])
			}
		}
		r, err := record.Build(s.events(t))
		if err != nil {
			return
		}
		v := Judge(r)
		spoken(t, v)
		if v.Status == passed {
			require.Equal(t, record.RunCompleted, r.Status)
			require.NotNil(t, r.Incidents[0].T6, "passed without the business back: %+v", v)
			require.NotNil(t, r.Incidents[0].T7)
		}
	})
}
