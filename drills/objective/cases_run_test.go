package objective

import (
	"time"

	"lifeboat/drills/record"
)

// casesOfTheRun: recovery, restores, isolation, harness, pulse, clean-up, objectives.
func casesOfTheRun() []verdictCase {
	return []verdictCase{
		{"a declared time that the dump's header contradicts", "fault", func(s *story) { made(s, -15*time.Hour, "") }, failed,
			"backup.contradicts"},
		{"the same in a zone", "fault", func(s *story) { made(s, -15*time.Hour, "UTC") }, failed, "backup.contradicts"},
		{"a difference that a zone may explain", "fault", func(s *story) { made(s, -13*time.Hour, "") }, passed,
			"passed.all"},
		{"one that no zone explains, for it is known", "fault", func(s *story) { made(s, -time.Hour, "UTC") }, unknown,
			"restore_point.after_dump"},
		{"as the header says", "fault", func(s *story) { made(s, 2*time.Second, "UTC") }, passed, "passed.all"},
		{"a dump of yesterday's snapshot", "fault", func(s *story) { made(s, 15*time.Hour, "") }, unknown,
			"restore_point.before_dump"},
		{"the same, as a manifest says", "fault", func(s *story) {
			made(s, 15*time.Hour, "UTC")
			edit(s, func(p *record.RestorePoint) { p.Explained = true })
		}, passed, "passed.all"},
		{"a header that is no time", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Made = "yesterday" })
		}, passed, "passed.all"},
		{"a list of digests that promises nothing for it", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Doubt = "SHA256SUMS does not name it" })
		}, unknown, "digest.doubtful"},
		{"never back", "fault", neverBack, failed, "business.red_at_end"},
		{"red again at the end", "fault", func(s *story) { s.edge("red", 170*sec, 171*sec) }, failed,
			"business.red_at_end"},
		{"red again after it was stable, and green once more", "fault", func(s *story) {
			s.edge("red", 125*sec, 126*sec).edge("green", 127*sec, 128*sec)
			s.shift(130*sec, time.Hour)
		}, failed, "business.red_again"},
		{"red again after all checks had passed", "fault", func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.When == "after" {
					c.Started, c.Ended = 62*sec, 62*sec
				}
			})
			s.edge("red", 64*sec, 65*sec).edge("green", 66*sec, 67*sec)
		}, failed, "business.red_again"},
		{"flickers while it comes up", "fault", func(s *story) {
			s.edge("red", 62*sec, 63*sec).edge("green", 64*sec,
				65*sec)
		},
			passed, "passed.all"},
		{"not stable long enough", "fault", func(s *story) { s.h.StableFor = 120 * sec }, unknown, "objective.unfinished"},
		{"nobody asked whether the machine came up", "fault", func(s *story) {
			s.h.Objectives = append(s.h.Objectives, record.Objective{Name: "boot", Limit: time.Hour})
			edit(s, func(b *record.Booted) { b.Unseen = true })
		}, unknown, "objective.not_measured"},
		{"not stable, and no limit asks for it", "fault", func(s *story) {
			s.h.StableFor, s.h.Objectives = 120*sec, s.h.Objectives[:1]
		}, unknown, "business.unstable"},
		{"nobody read it, and nothing says why", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Unread = "x" })
		}, unknown, "backup.unasked"},
		{"rollback failed", "fault", func(s *story) {
			edit(s, func(r *record.RollbackEvent) {
				if r.State == "done" {
					r.State, r.Error = "failed", "exit code 1"
				}
			})
		}, failed, "rollback.failed"},
		{"a check failed before anything was broken, and the harness broke long after", "fault", func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.When == "before" && c.Name == "rows" {
					c.Status = record.CheckFailed
				}
			})
			harness(150 * sec)(s)
		}, failed, "check.failed_before"},
		{"rollback failed, and the harness stumbled in the clean-up", "fault", func(s *story) {
			edit(s, func(r *record.RollbackEvent) {
				if r.State == "done" {
					r.State, r.Error = "failed", "no such file"
				}
			})
			neverBack(s)
			stumble(s)
		}, failed, "rollback.failed"},
		{"red at the end, and the harness stumbled in the clean-up", "fault", func(s *story) {
			neverBack(s)
			stumble(s)
		}, failed, "business.red_at_end"},
		{"red again, and the harness stumbled in the clean-up", "fault", func(s *story) {
			s.edge("red", 149*sec, 149*sec)
			stumble(s)
		}, failed, "business.red_again"},
		{"the image lacked an extension in the rollback before it failed", "fault", func(s *story) {
			edit(s, func(r *record.RollbackEvent) {
				if r.State == "done" {
					r.State, r.Error = "failed", "no such file"
				}
			})
			edit(s, func(r *record.Restored) {
				if r.During == "rollback" {
					r.ImageBad = "extension postgis"
				}
			})
		}, unknown, "rollback.unknown"},
		{"rollback failed because the harness broke", "fault", func(s *story) {
			edit(s, func(r *record.RollbackEvent) {
				if r.State == "done" {
					r.State, r.Error = "failed", "the engine is gone"
				}
			})
			neverBack(s)
			harness(61 * sec)(s)
		}, unknown, "rollback.unknown"},
		{"nobody decided", "fault", func(s *story) {
			s.drop(kind(record.KindDecided))
			s.drop(kind(record.KindRollback))
		}, unknown, "incident.undecided"},
		{"the answer is to watch", "fault", func(s *story) {
			s.drop(kind(record.KindRollback))
			edit(s, func(d *record.Decision) { d.Outcome = "watch" })
		}, passed, "passed.all"},
		{"the answer is to watch and it stays red", "fault", func(s *story) {
			s.drop(kind(record.KindRollback))
			edit(s, func(d *record.Decision) { d.Outcome = "watch" })
			neverBack(s)
		}, failed, "business.red_at_end"},
		{"the answer is to watch, and it is back for a moment", "fault", func(s *story) {
			s.drop(kind(record.KindRollback))
			edit(s, func(d *record.Decision) { d.Outcome = "watch" })
			s.edge("red", 110*sec, 111*sec).edge("green", 149*sec, 150*sec)
		}, unknown, "business.unstable"},
		{"the backup is bad", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.BackupBad = "the dump is cut off" })
		}, failed, "backup.bad"},
		{"the image lacks an extension", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.ImageBad = "extension postgis" })
		}, unknown, "backup.image_lacks"},
		{"the scenario gives no second disk", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Lack = &record.Lack{Kind: record.LackDisk, What: "timed out"} })
		}, unknown, "backup.lack"},
		{"a page lies in the backup's place", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.BackupBad, r.Kind = "it is HTML", &record.FileKind{Name: "html"} })
		}, failed, "backup.no_backup"},
		{"the backup is encrypted", "fault", func(s *story) {
			edit(s, func(r *record.Restored) {
				r.Unread, r.Kind = "it is encrypted", &record.FileKind{Name: "gpg", Command: "gpg -d x"}
			})
		}, unknown, "backup.packed"},
		{"the backup is another system's", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Unread, r.Kind = "it is MySQL's", &record.FileKind{Name: "mysql"} })
		}, unknown, "backup.misplaced"},
		{"the image is for another platform", "fault", func(s *story) {
			edit(s, func(r *record.Restored) {
				r.Unread, r.Misfit = "for arm64", &record.Misfit{What: "platform", Has: "linux/arm64", Wants: "linux/amd64"}
			})
		}, unknown, "backup.misfit"},
		{"only a part of the backup is there", "fault", func(s *story) {
			edit(s, func(r *record.Restored) {
				r.BackupBad, r.Missing = "x", &record.Missing{Name: "x.part", Why: "partial"}
			})
		}, failed, "backup.missing"},
		{"nobody may read the backup", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Unread, r.Missing = "x", &record.Missing{Name: "x", Why: "unreadable"} })
		}, unknown, "backup.missing"},
		{"the store is gone", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Unread, r.Missing = "x", &record.Missing{Store: "no such folder"} })
		}, unknown, "backup.unasked"},
		{"nothing lies in the store", "fault", func(s *story) {
			edit(s, func(r *record.Restored) { r.Unread, r.Missing = "x", &record.Missing{} })
		}, unknown, "backup.none"},
		{"a probe got out", "fault", func(s *story) {
			edit(s, func(p *record.Probe) { p.Reached = true })
		}, unknown, "isolation.leak"},
		{"a control was not reached", "fault", func(s *story) {
			edit(s, func(p *record.Probe) { p.Reached = false })
		}, unknown, "isolation.unproved"},
		{"no control", "fault", func(s *story) {
			s.drop(func(l line) bool { p, ok := l.data.(record.Probe); return ok && p.Control })
		}, unknown, "isolation.unproved"},
		{"only controls", "fault", func(s *story) {
			s.drop(func(l line) bool { p, ok := l.data.(record.Probe); return ok && !p.Control })
		}, unknown, "isolation.unproved"},
		{"no probes", "fault", func(s *story) { s.drop(kind(record.KindProbe)) }, unknown, "isolation.unproved"},
		{"one sandbox without a probe", "fault", func(s *story) {
			s.drop(func(l line) bool { return l.kind == record.KindProbe && l.subject.Instance == "app" })
		}, unknown, "isolation.unproved"},
		{"unexpected egress is a finding only", "fault", func(s *story) {
			s.add(50*sec, record.KindEgress, inst("app", 1), record.Egress{Protocol: "tcp", Target: "198.51.100.7:443",
				Count: 14})
		}, passed, "passed.all"},
		{"the harness broke", "fault", harness(150 * sec), unknown, "harness.broke"},
		{"the harness broke after a check had failed", "fault", func(s *story) {
			afterChecks(func(c *record.CheckResult) { c.Status = record.CheckFailed })(s)
			harness(150 * sec)(s)
		}, failed, "check.failed"},
		{"the harness broke and took the business along", "fault", func(s *story) {
			s.edge("red", 149*sec, 149*sec)
			harness(150 * sec)(s)
		}, unknown, "harness.broke"},
		{"the pulse broke", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.State, p.Why = "broken", "k6 ended"
				}
			})
		}, unknown, "pulse.broken"},
		{"the pulse was never stopped", "fault", func(s *story) { s.drop(isState("stopped")) }, unknown, "pulse.broken"},
		{"no pulse", "fault", func(s *story) { s.drop(isPulse) }, unknown, "pulse.missing"},
		{"a pulse without checks", "order", func(s *story) {
			s.drop(func(l line) bool { return isState("red")(l) || isState("green")(l) })
			edit(s, func(p *record.PulseEvent) { p.Totals = record.PulseTotals{Unproven: 1800} })
		}, unknown, "pulse.empty"},
		{"a pulse that asked nothing in 2 % of its iterations", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals.Unproven = 2 * p.Totals.Good / 98 })
		}, unknown, "pulse.degraded"},
		{"a pulse that dropped 0.5 % of its iterations", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals.Dropped = p.Totals.Good / 200 })
		}, passed, "passed.all"},
		{"a pulse that was blind for 6 s of 3 minutes", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals.Silence = 6 * sec })
		}, unknown, "pulse.silent"},
		{"a pulse whose last sample lies 20 s before the end", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.At = record.At(160 * sec)
				}
			})
		}, unknown, "pulse.silent"},
		{"red, and nobody looked at the end", "fault", func(s *story) {
			neverBack(s)
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.At = record.At(160 * sec)
				}
			})
		}, unknown, "pulse.silent"},
		{"a pulse that stuttered", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals.Silence = 2 * sec })
		}, passed, "passed.all"},
		{"a pulse that fell silent", "fault", func(s *story) {
			edit(s, func(p *record.PulseEvent) { p.Totals.Good /= 4 })
		}, unknown, "pulse.sparse"},
		{"a failed phase that nothing explains", "fault", func(s *story) {
			s.add(126*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "verify",
				Outcome: record.OutcomeFailed})
		}, unknown, "phase.failed"},
		{"a phase that never ended", "fault", func(s *story) {
			s.add(126*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "verify"})
		}, unknown, "phase.unfinished"},
		{"not sealed", "fault", func(s *story) { s.drop(kind(record.KindSealed)) }, unknown, "run.crashed"},
		{"sealed by somebody else", "fault", func(s *story) {
			for i := range s.lines {
				if s.lines[i].kind == record.KindSealed {
					s.lines[i].actor = record.ActorReaper
				}
			}
		}, unknown, "run.crashed"},
		{"aborted", "fault", func(s *story) {
			s.add(150*sec, record.KindAborted, record.Subject{}, record.Aborted{Why: "interrupted"})
		}, record.StatusAborted, "aborted.by"},
		{"aborted after a failure", "fault", func(s *story) {
			afterChecks(func(c *record.CheckResult) { c.Status = record.CheckFailed })(s)
			s.add(150*sec, record.KindAborted, record.Subject{}, record.Aborted{Why: "interrupted"})
		}, record.StatusAborted, "check.failed"},
		{"something is left", "fault", func(s *story) {
			s.add(181*sec, record.KindCleanup, record.Subject{}, record.CleanupEvent{State: "failed", What: "volume",
				Name: "v", Fix: "docker volume rm v"})
		}, passed, "cleanup.incomplete"},
		{"nobody proved the clean-up", "fault", func(s *story) { s.drop(kind(record.KindCleanup)) }, unknown,
			"cleanup.unproved"},
		{"no time of consistency", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.ConsistentTo = time.Time{} })
		}, unknown, "objective.not_measured"},
		{"one of two databases does not say to when it is consistent", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Loaded = true })
		}, unknown, "objective.not_measured"},
		{"another digest than promised, and nobody said so", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Expected = "sha256:2" })
		}, failed, "backup.bad"},
		{"the digest of a stream that broke off is none", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Expected = "sha256:2" })
			edit(s, func(r *record.Restored) { r.ImageBad = "extension postgis" })
		}, unknown, "backup.image_lacks"},
		{"consistent to the future", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.ConsistentTo = start.Add(time.Hour) })
		}, unknown, "objective.not_measured"},
		{"an objective that nobody knows", "fault", func(s *story) { s.limit("vendor_on_phone", time.Minute) },
			unknown, "objective.not_measured"},
		{"missed", "fault", func(s *story) { s.limit("restored", 30*sec) }, failed, "objective.missed"},
		{"missed under emulation", "fault", func(s *story) {
			s.limit("restored", 30*sec)
			s.h.Instances[0].Basis = record.BasisEmulated
		}, unknown, "objective.emulated_missed"},
		{"held under emulation", "fault", func(s *story) { s.h.Instances[0].Basis = record.BasisEmulated }, passed,
			"passed.all"},
		{"projected is never held", "fault", func(s *story) { s.h.Instances[0].Basis = record.BasisProjected },
			unknown, "objective.projected"},
		{"an instance that never came up", "fault", func(s *story) {
			s.limit("boot", time.Minute)
			s.h.Instances = append(s.h.Instances, record.InstancePlan{Name: "cache"})
		}, unknown, "objective.not_measured"},
	}
}

// made has every backup say that it was made that much later than it is declared to be consistent to, in a zone that
// may be known.
func made(s *story, later time.Duration, zone string) {
	edit(s, func(p *record.RestorePoint) {
		at := p.ConsistentTo.Add(later).UTC()
		p.Made, p.Zone = at.Format(time.DateTime), zone
		if zone != "" {
			p.MadeAt = at
		}
	})
}
