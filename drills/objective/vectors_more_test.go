package objective

import (
	"fmt"
	"time"

	"lifeboat/drills/record"
)

// bent is a story with changes.
func bent(s *story, changes ...func(*story)) *story {
	for _, change := range changes {
		change(s)
	}
	return s
}

func observed(id string, args map[string]string) func(*story) {
	return func(s *story) {
		s.add(25*sec, record.KindObservation, record.Subject{}, record.Observation{ID: id, Args: args})
	}
}

func rolledBack(to record.RollbackEvent) func(*story) {
	return func(s *story) {
		edit(s, func(r *record.RollbackEvent) {
			if r.State == record.RollbackDone {
				*r = to
			}
		})
	}
}

func redPulse(at time.Duration, s *story, facts *record.RedFacts) {
	s.h.PulseRate = 10
	s.pulseStarts()
	s.edge("red", 30*sec, 31*sec).edge("green", 32*sec, 33*sec)
	edit(s, func(p *record.PulseEvent) {
		if p.State == record.PulseGreen && p.At.Late == 33*sec {
			p.Red = facts
		}
	})
	s.add(at, record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseStopped, At: record.At(at),
		Totals: record.PulseTotals{Good: 480, Bad: 20}})
}

func step(at time.Duration, on string, st record.Step) func(*story) {
	return func(s *story) {
		st.Started, st.Ended = at-sec, at
		s.add(at, record.KindStep, record.Subject{Instance: on, Incident: 1}, st)
	}
}

func linked(flows []string, links ...record.Link) func(*story) {
	return func(s *story) {
		s.add(58*sec, record.KindReach, record.Subject{}, record.Reach{Flows: flows, Links: links})
	}
}

// linksOfARollback are those of a drill of three minutes.
func linksOfARollback(app, db time.Duration) func(*story) {
	return func(s *story) {
		s.add(182*sec, record.KindReach, record.Subject{}, record.Reach{Flows: []string{"shop.js"}, Links: []record.Link{
			{Flow: "shop.js", To: "app", First: 11 * sec, Last: app}, {From: "app", To: "db", First: 11 * sec, Last: db}}})
	}
}

func bootFailed(f record.BootFailure) func(*story) {
	return func(s *story) {
		s.add(26*sec, record.KindBootFailed, inst("db", 1), f)
	}
}

// moreStories are those of other tests, and what only they say.
func moreStories() map[string]*story {
	rebuilt := step(59*sec, "db", record.Step{Phase: record.PhaseRollback, What: "boot db", Kind: "boot", Outcome: record.OutcomeDone})
	return map[string]*story{
		"check run":          checkRun(),
		"check run, too old": bent(checkRun(), func(s *story) { s.limit("age", time.Minute) }),
		"check run, red again": bent(checkRun(), func(s *story) {
			redPulse(time.Minute, s, &record.RedFacts{Bad: 20, Last: "x", Failed: []record.FailedCheck{{Name: "pay", Count: 1}, {Name: "log in", Count: 3}}})
		}),
		"check run, red again on a busy host": bent(checkRun(), func(s *story) {
			s.h.LatencyLimit = sec
			redPulse(time.Minute, s, &record.RedFacts{From: 30 * sec, To: 32 * sec, Bad: 20, Late: 20})
			pressed(s, 30*sec, 35*sec, sec, 0)
		}),
		"weak": bent(checkRun(), observed("flow.hollow", map[string]string{"flows": "home"}), observed("flow.uncontrolled",
			map[string]string{"flows": "home"}), observed("flow.uncontrolled_errors", map[string]string{"flows": "home"}),
			observed("boot.hidden", map[string]string{"instance": "db", "generation": "1", "folder": "/data", "files": "3", "more": ""}),
			observed("store.check_failed", map[string]string{"backup": "db", "tool": "restic 0.14.0", "how": "structure", "said": "pack 1: does not exist"}),
			observed("store.unchecked", map[string]string{"backup": "db", "why": "nobody answers"}),
			func(s *story) {
				s.add(58*sec, record.KindReach, record.Subject{}, record.Reach{Unmeasured: "no table"})
			}),
		"blind to errors": bent(checkRun(), observed("flow.blind_errors", map[string]string{"flows": "home"})),
		"blind": bent(checkRun(), observed("flow.blind", map[string]string{"flows": "home"}),
			func(s *story) { s.drop(kind(record.KindCheck)); s.h.PulseRate = 10 }),
		"crowded":        bent(checkRun(), observed("flow.crowded", map[string]string{"pace": "1s", "why": "timeout"})),
		"red before":     bent(good("fault"), observed("fault.red_before", map[string]string{"incident": "1"})),
		"fired in green": bent(good("fault"), observed("detect.in_green", map[string]string{"incident": "1", "rule": "r", "more": "x"})),

		"reach none": bent(checkRun(), linked([]string{"shop.js"}, record.Link{Flow: "shop.js", To: "app"}, record.Link{From: "db", To: "app"})),
		"reach elsewhere, untouched": bent(checkRun(), linked([]string{"pay.js", "shop.js"}, record.Link{Flow: "shop.js", To: "app"},
			record.Link{From: "app", To: "db"}), func(s *story) {
			s.h.Instances = append(s.h.Instances, record.InstancePlan{Name: "mail"})
			s.add(8*sec, record.KindBooted, inst("mail", 1), record.Booted{Started: 4 * sec, Ready: 8 * sec})
			s.add(8*sec, record.KindProbe, inst("mail", 1), record.Probe{Target: "host"})
			s.add(8*sec, record.KindProbe, inst("mail", 1), record.Probe{Target: "control", Control: true, Reached: true})
		}),
		"reach again":           bent(good("fault"), rebuilt, linksOfARollback(170*sec, 170*sec)),
		"reach not again":       bent(good("fault"), rebuilt, linksOfARollback(170*sec, 31*sec)),
		"reach elsewhere since": bent(good("fault"), rebuilt, linksOfARollback(31*sec, 170*sec)),

		"one rollback changed nothing": bent(good("fault"), step(59*sec, "db", record.Step{Phase: record.PhaseRollback, What: "stop db",
			Kind: "stop", Outcome: record.OutcomeDone})),
		"rollback in green": bent(good("fault"), func(s *story) {
			s.drop(isState("green")).edge("green", 10*sec, 10*sec).edge("green", 36*sec, 36*sec+100*time.Millisecond)
		}),
		"rollback unfinished": bent(good("fault").cut(50*sec), func(s *story) { s.end(100*sec, true) }),
		"rollback repeats what is said of the backup": bent(good("fault"), rolledBack(record.RollbackEvent{State: "failed",
			Error: "boot db: no dump; it printed last: x"}), func(s *story) {
			edit(s, func(r *record.Restored) {
				if r.During == record.PhaseRollback {
					r.BackupBad = "no dump, but a page"
				}
			})
		}),
		"rollback slow": bent(good("fault"), neverBack, rolledBack(record.RollbackEvent{State: "failed", Error: "not in 10s",
			Overdue: overdue(45*sec, 60*sec, 10*sec)}), func(s *story) { pressed(s, 45*sec, 60*sec, sec/2, 0) }),

		"fault removed":            asked(record.FaultEvent{State: "removed", After: 1, Expected: true}),
		"fault remains":            asked(record.FaultEvent{State: "remains", After: 1, Expected: true}),
		"fault left":               asked(record.FaultEvent{State: "remains", After: 1}),
		"fault unclaimed":          asked(record.FaultEvent{State: "removed", After: 1}),
		"fault unasked":            asked(record.FaultEvent{State: "unasked", After: 1, Expected: true, Note: "it is gone"}),
		"fault never asked":        asked(),
		"fault of a throttle":      asked(record.FaultEvent{State: "ended"}),
		"fault that stands":        watching(asked(record.FaultEvent{State: "remains", After: 1})),
		"fault that stands, maybe": watching(asked(record.FaultEvent{State: "unasked", After: 1, Note: "it is gone"})),
		"fault unconfirmed": bent(good("fault"), func(s *story) {
			s.drop(func(l line) bool { f, ok := l.data.(record.FaultEvent); return ok && f.State == "effective" })
		}),
		"fault failed under order": bent(good("order"), func(s *story) {
			s.add(40*sec, record.KindFault, in(1), record.FaultEvent{Kind: "slow-restore", On: "shop-db", State: "failed", Note: "no"})
		}),

		"flow never green":                turned(),
		"flow turned, green":              turned().edge("green", 36*sec, 36*sec+100*time.Millisecond).edge("red", 36500*time.Millisecond, 37*sec),
		"flow of the new version, outage": bent(turned(), func(s *story) { s.limit("outage", 30*sec) }),
		"flow unasked": bent(good("fault"), func(s *story) {
			s.h.Flow = "shop.js"
			edit(s, func(p *record.PulseEvent) {
				if p.State == record.PulseStopped {
					p.Unasked = []string{"pay", "log in"}
				}
			})
		}),
		"paced by one user, silent":          bent(good("fault"), paced(record.Pace{Every: 2 * sec, Timeout: 3 * sec, Request: sec, Blind: 10 * sec}, 11*sec)),
		"paced, a long silence that is none": bent(good("fault"), paced(record.Pace{Rate: 2, Timeout: 7 * sec, Request: sec}, 8*sec)),

		"upgrade stopped": stoppedUpgrade(),
		"upgrade failed": bent(good("fault"), step(24*sec, "app", record.Step{Phase: record.PhaseUpgrade, What: "exec on app",
			Outcome: record.OutcomeFailed, Error: "exit code 1"})),
		"prepare failed": bent(checkRun(), step(9*sec, "app", record.Step{Phase: record.PhasePrepare, What: "exec on app",
			Outcome: record.OutcomeFailed, Error: "exit code 1"}), func(s *story) { s.drop(kind(record.KindCheck)) }),
		"boot failed": bent(good("fault"), bootFailed(record.BootFailure{During: "upgrade", Image: "app:2", Why: "exit code 1",
			Lines: []string{"start", "no db"}, Met: []string{"db", "mq"}, Sought: []string{"x"}})),
		"boot failed in the rollback":                 bent(good("fault"), bootFailed(record.BootFailure{During: "rollback", Why: "exit code 1", Met: []string{"db"}})),
		"boot failed, and the upgrade is what breaks": bent(good("upgrade"), bootFailed(record.BootFailure{During: "upgrade", Why: "exit code 1"})),

		"detect silent":                   silentRule(),
		"two incidents":                   twoIncidents("pause"),
		"two rollbacks":                   verifiedTwice(),
		"two, one unverified":             bent(verifiedTwice(), func(s *story) { s.drop(ofIncident(1, "rows")) }),
		"two, verified at the end":        twoIncidents("full-rollback"),
		"two, the second with an upgrade": bent(twoIncidents("full-rollback"), secondUpgrade),
		"slow restore":                    bent(good("fault"), func(s *story) { s.limit("restored", 80*sec) }),
		"all objectives": bent(good("order"), func(s *story) {
			for _, name := range []string{"business_back", "outage", "detect", "decide", "act", "boot", "age"} {
				s.limit(name, time.Hour)
			}
			edit(s, func(x *record.Restored) { x.Verifying = 2 * sec })
		}),
		"objectives of a person": bent(good("fault"), func(s *story) {
			edit(s, func(d *record.Decision) { d.By = "Li" })
			ref := start.Add(-9 * time.Minute)
			s.h.Reference = &ref
			s.limit("act", 5*sec)
			s.limit("decide", sec)
		}),
		"journal of old with a torn line, unsynchronised": bent(good("fault"), func(s *story) {
			s.h.ClockState = "not synchronised"
			s.add(100*sec, record.KindTorn, record.Subject{}, record.Torn{Bytes: 3, Digest: "x"})
		}),
		"egress": bent(good("fault"), manyAttempts),
		"digests": bent(good("fault"), func(s *story) {
			edit(s, func(p *record.RestorePoint) {
				p.Expected = ""
				if p.Backup == "shop-db" {
					p.Promise = &record.Digest{Algorithm: "md5", Value: "1", VerifiedBy: "lifeboat"}
				} else {
					p.Promise = &record.Digest{Algorithm: "sha512", Value: "1"}
				}
			})
			s.add(9*sec, record.KindRestorePoint, record.Subject{}, record.RestorePoint{Backup: "cold", Point: "p", Digest: "sha256:3"})
		}),
		"emulated, a hiccup": bent(good("fault"), func(s *story) {
			s.shift(126*sec, 5*time.Minute)
			edit(s, func(b *record.Booted) { b.Basis = record.BasisEmulated })
			s.edge("red", 130*sec, 131*sec).edge("green", 132*sec, 133*sec)
		}),
	}
}

func manyAttempts(s *story) {
	for i := range 5 {
		for _, expected := range []bool{false, true} {
			s.add(50*sec, record.KindEgress, inst("app", 1), record.Egress{Protocol: "tcp", Target: fmt.Sprintf("192.0.2.7:%d", 1+i),
				Host: "x.example", Count: 1 + i, Expected: expected})
		}
	}
	s.add(51*sec, record.KindEgress, inst("app", 1), record.Egress{Protocol: "udp", Target: "192.0.2.8:123", Host: "t.example", Count: 7})
	s.add(51*sec, record.KindEgress, inst("db", 1), record.Egress{Protocol: "udp", Target: "192.0.2.8:123", Count: 1, Expected: true})
}
