package objective

import (
	"time"

	"lifeboat/drills/record"
)

func watching(s *story) *story {
	s.drop(kind(record.KindRollback))
	edit(s, func(d *record.Decision) { d.Outcome = record.GoOnWatching })
	return s
}

func paced(p record.Pace, silence time.Duration) func(*story) {
	return func(s *story) {
		edit(s, func(e *record.PulseEvent) {
			switch e.State {
			case record.PulseStarted:
				e.Pace = &p
			case record.PulseStopped:
				e.Totals.Silence = silence
			}
		})
	}
}

func stoppedUpgrade() *story {
	s := newStory(record.TriggerUpgrade)
	s.pulseStarts()
	s.h.Incidents = []record.IncidentPlan{{ID: 1}}
	s.add(20*sec, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "started"})
	s.add(21*sec, record.KindObservation, in(1), record.Observation{ID: "upgrade.conflict", Args: map[string]string{
		"instance": "app", "next": "6.12", "modules": "vendordev", "why": "vendordev: no build", "on_conflict": "stop"}})
	s.add(22*sec, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "ended"})
	return s.end(30*sec, true)
}

// silentRule is a drill whose rule never fired.
func silentRule() *story {
	s := good("fault")
	s.limit("decide", time.Minute)
	s.h.Incidents = []record.IncidentPlan{{ID: 1, Rule: "flow.failed > 5% for 5s", Within: 30 * sec}}
	s.drop(kind(record.KindDetected)).drop(kind(record.KindDecided)).drop(kind(record.KindRollback)).drop(isAfter)
	s.add(32*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "detect"})
	s.add(62*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "detect", Outcome: record.OutcomeFailed, Error: "it did not fire"})
	return s
}

func secondUpgrade(s *story) {
	s.add(190*sec, record.KindIncident, in(2), record.IncidentEvent{Trigger: record.TriggerFault, At: record.At(190 * sec)})
	s.add(190*sec, record.KindPhase, in(2), record.PhaseEvent{Phase: record.PhaseUpgrade})
	s.edge("red", 191*sec, 192*sec).edge("green", 194*sec, 195*sec)
	s.add(196*sec, record.KindPhase, in(2), record.PhaseEvent{Phase: record.PhaseUpgrade, Outcome: record.OutcomeDone})
}

// redBaseline is a drill whose business was never green before anything was broken.
func redBaseline(facts *record.RedFacts) *story {
	s := newStory("fault")
	s.drop(func(l line) bool {
		p, ok := l.data.(record.PhaseEvent)
		return ok && p.Phase == record.PhaseBaseline && p.Outcome != ""
	})
	s.add(10*sec, record.KindPulse, record.Subject{}, record.PulseEvent{State: "started", At: record.At(10 * sec),
		Pace: &record.Pace{Rate: 10, Timeout: sec, Request: sec / 2}})
	s.edge("red", 10*sec, 11*sec)
	s.add(75*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: record.PhaseBaseline, Outcome: record.OutcomeFailed,
		Error: "never green"})
	s.end(80*sec, true)
	edit(s, func(p *record.PulseEvent) {
		if p.State == record.PulseStopped {
			p.Totals, p.Red = record.PulseTotals{Bad: 700}, facts
		}
	})
	return s
}

// busyStories are those of a host that held the drill up, and of baselines.
func busyStories() map[string]*story {
	late := func(s *story) { lateRestore(s, overdue(39*sec, 69*sec, 20*sec)) }
	slow := func(s *story) { s.limit("business_back", 25*sec) }
	load := func(l record.HostLoad) func(*story) {
		return func(s *story) { s.add(l.To, record.KindHostLoad, record.Subject{}, l) }
	}
	check := func(s *story) {
		edit(s, func(c *record.CheckResult) {
			if c.Name == "port" && c.When == record.After {
				c.Status, c.Overdue = record.CheckFailed, overdue(120*sec, 131*sec, 10*sec)
			}
		})
	}
	never := func(answer time.Duration) func(*story) {
		return func(s *story) {
			neverBack(s)
			s.add(115*sec, record.KindWaited, in(1), record.Overdue{Limit: 30 * sec, From: 60 * sec, To: 115 * sec})
			edit(s, func(p *record.PulseEvent) {
				if p.State == record.PulseStopped {
					p.Red = &record.RedFacts{From: 30 * sec, To: 180 * sec, Bad: 1000, Answer: answer}
				}
			})
		}
	}
	k6 := func(s *story) {
		edit(s, func(p *record.PulseEvent) {
			if p.State == record.PulseStopped {
				p.Late = []record.LateStart{{From: 58 * sec, To: 60 * sec, By: 6 * sec}}
			}
		})
	}
	press := func(from, to time.Duration, cpu time.Duration, ours float64) func(*story) {
		return func(s *story) { pressed(s, from*sec, to*sec, cpu, ours) }
	}
	hiccup := func(s *story) {
		s.h.LatencyLimit = sec
		s.limit("business_back", 60*sec)
		s.edge("red", 99*sec, 100*sec)
		s.add(103*sec, record.KindPulse, record.Subject{}, record.PulseEvent{State: "green", At: bracket(102*sec, 103*sec),
			Red: &record.RedFacts{From: 99 * sec, To: 102 * sec, Bad: 3, Late: 3}})
	}
	never3h := func(basis record.Basis) *story {
		s := good("fault").cut(50 * sec)
		s.h.Instances[1].Basis = basis
		s.add(3*time.Hour, record.KindNote, record.Subject{}, record.Note{Text: "still loading"})
		s.lines = append(s.lines, line{9 * time.Hour, record.ActorReaper, record.KindCleanup, record.Subject{},
			record.CleanupEvent{State: record.CleanupProved}})
		return s
	}
	const ms = time.Millisecond
	return map[string]*story{
		"busy, boot":                      bent(good("fault"), late, press(39, 69, 334*ms, 0)),
		"busy, boot, too little":          bent(good("fault"), late, press(39, 69, 333*ms, 0)),
		"busy, boot, by the drill itself": bent(good("fault"), late, press(39, 69, sec, 0.7)),
		"busy, objective":                 bent(good("fault"), slow, press(30, 65, 500*ms, 0)),
		"busy, objective, own restore":    bent(good("fault"), slow, load(record.HostLoad{From: 39 * sec, To: 58 * sec, IO: 19 * sec, Memory: 19 * sec})),
		"busy, objective, disks":          bent(good("fault"), slow, load(record.HostLoad{From: 30 * sec, To: 39 * sec, IO: 9 * sec})),
		"busy, objective, timers":         bent(good("fault"), slow, load(record.HostLoad{From: 40 * sec, To: 50 * sec, Late: 6 * sec})),
		"busy, objective, k6":             bent(good("fault"), slow, k6),
		"busy, objective moved":           bent(good("fault"), hiccup, press(95, 105, sec, 0)),
		"busy, check":                     bent(good("fault"), check, press(120, 135, 500*ms, 0)),
		"busy, never back":                bent(good("fault"), never(50*sec), press(30, 150, 900*ms, 0)),
		"busy, never back, with answers":  bent(good("fault"), never(100*sec), press(30, 150, 900*ms, 0)),
		"busy, baseline": bent(redBaseline(&record.RedFacts{From: 10 * sec, To: 75 * sec, Bad: 700}), func(s *story) {
			s.add(75*sec, record.KindWaited, record.Subject{}, record.Overdue{Limit: 30 * sec, From: 11 * sec, To: 75 * sec})
		}, press(10, 75, 900*ms, 0)),
		"never recovered":           never3h(record.BasisMeasured),
		"never recovered, emulated": never3h(record.BasisEmulated),
		"not stable, with a limit": bent(good("fault"), func(s *story) {
			s.h.StableFor = 120 * sec
			s.limit("business_back", time.Hour)
		}),
		"back, but not for long": bent(good("fault"), func(s *story) {
			s.h.Objectives = s.h.Objectives[:1]
			s.edge("red", 110*sec, 111*sec).edge("green", 177*sec, 178*sec)
		}),
		"baseline red":      redBaseline(nil),
		"baseline late":     redBaseline(&record.RedFacts{From: 10 * sec, To: 75 * sec, Bad: 700, Late: 700}),
		"baseline crowded":  bent(redBaseline(nil), observed("flow.crowded", map[string]string{"pace": "1s", "why": "timeout"})),
		"baseline unknown":  bent(redBaseline(nil), func(s *story) { s.drop(kind(record.KindBooted)) }),
		"baseline not red":  bent(redBaseline(nil), func(s *story) { s.drop(isState("red")) }),
		"baseline, harness": bent(redBaseline(nil), harness(76*sec)),
		"baseline, a check": bent(redBaseline(nil), func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.Name == "rows" {
					c.Status, c.Backup = record.CheckFailed, "shop-db"
				}
			})
		}),
	}
}
