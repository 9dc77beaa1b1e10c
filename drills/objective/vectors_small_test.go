package objective

import (
	"time"

	"lifeboat/drills/record"
)

// small is a sealed check run of which as little as possible is told.
func small(more ...line) *story {
	s := &story{h: record.Header{Version: record.Version, Drill: "d", Number: 1, Trigger: record.TriggerNone, Started: start}}
	s.lines = append(s.lines, more...)
	return s.add(9*sec, record.KindSealed, record.Subject{}, record.Sealed{Status: record.RunCompleted})
}

// ev is an event of lifeboat's own.
func ev(at time.Duration, k record.Kind, data any) line {
	return line{at, record.ActorLifeboat, k, record.Subject{}, data}
}

func swept(at time.Duration, c record.CleanupEvent) line {
	return line{at, record.ActorReaper, record.KindCleanup, record.Subject{}, c}
}

// fire is one with an incident and a pulse, told to its end.
func fire(trigger record.Trigger, more ...line) *story {
	s := small(more...)
	s.h.Trigger, s.h.StableFor, s.h.Flow = trigger, 2*sec, "shop.js"
	return s
}

func pulse(at time.Duration, state record.PulseState, e record.PulseEvent) line {
	e.State = state
	return ev(at, record.KindPulse, e)
}

// onlyRead is a drill that was to read and no more.
func onlyRead(more ...line) *story {
	s := small(more...)
	s.h.UpTo = record.UpToRead
	return s
}

// smallStories show one branch each that no longer journal shows.
func smallStories() map[string]*story {
	v := record.CleanupEvent{What: "volume", Name: "v", State: record.CleanupFailed, Fix: "rm v"}
	gone, undone := v, v
	gone.State, undone.State = record.CleanupGone, record.CleanupUndone
	incomplete := record.CleanupEvent{State: record.CleanupIncomplete, Left: []string{"a", "b"}, Fix: "lifeboat sweep"}
	proved := record.CleanupEvent{State: record.CleanupProved}
	wrong := func(r record.Restored) line { return ev(2*sec, record.KindRestored, r) }
	point := func(p record.RestorePoint) line { return ev(3*sec, record.KindRestorePoint, p) }
	sha := func(value string) *record.Digest { return &record.Digest{Algorithm: record.SHA256, Value: value} }
	phase := func(at time.Duration, name string, o record.Outcome) line {
		return ev(at, record.KindPhase, record.PhaseEvent{Phase: name, Outcome: o})
	}
	opened := ev(2*sec, record.KindIncident, record.IncidentEvent{})
	decided := ev(4*sec, record.KindDecided, record.Decision{Outcome: record.FullRollback, By: "Li"})
	back := ev(5*sec, record.KindRollback, record.RollbackEvent{State: record.RollbackDone})
	red := pulse(3*sec, record.PulseRed, record.PulseEvent{Why: "x"})
	green := pulse(6*sec, record.PulseGreen, record.PulseEvent{Red: &record.RedFacts{Bad: 3}})
	started := pulse(sec, record.PulseStarted, record.PulseEvent{})
	stopped := pulse(8500*time.Millisecond, record.PulseStopped, record.PulseEvent{Totals: record.PulseTotals{Good: 5, Bad: 3}})
	held := func(l record.BackupLimit, points ...line) *story {
		s := small(points...)
		l.Backup = "b"
		s.h.Limits = []record.BackupLimit{l}
		return s
	}
	sized := func(size int64, lies int, oldest time.Duration) line {
		return point(record.RestorePoint{Backup: "b", Point: "p", Size: size, Lies: lies, Oldest: start.Add(-oldest), Listed: start})
	}
	skewed := func(apart, limit time.Duration) *story {
		one := record.RestorePoint{Backup: "b", Point: "p", Loaded: true, ConsistentTo: start.Add(-2 * time.Hour)}
		other := one
		other.Backup, other.ConsistentTo = "c", one.ConsistentTo.Add(-apart)
		if apart < 0 {
			other.ConsistentTo = time.Time{}
		}
		s := small(point(one), point(other))
		if apart == 0 {
			s = small(point(one))
		}
		s.h.MaxSkew = limit
		if limit == 0 {
			s.h.Instances = append(s.h.Instances, record.InstancePlan{Name: "i", Backup: "b", With: []string{"c"}})
		}
		return s
	}
	before := []int64{90, 300, 100, 200}
	return map[string]*story{
		"small, unread":                   small(wrong(record.Restored{Backup: "b", Unread: "x"})),
		"small, limits held":              held(record.BackupLimit{MinSize: 50, Shrink: 50, Before: before, Keep: 2, Oldest: time.Hour}, sized(100, 2, time.Hour)),
		"small, limits missed":            held(record.BackupLimit{MinSize: 150, Shrink: 50, Before: before, Keep: 2, Oldest: time.Hour}, sized(99, 1, 59*time.Minute)),
		"small, limits without an answer": held(record.BackupLimit{MinSize: 1, Keep: 2}, sized(0, 0, 0)),
		"small, a limit without a size":   held(record.BackupLimit{Shrink: 12.5}, sized(1, 0, 0)),
		"small, a limit without a point":  held(record.BackupLimit{Keep: 1}),
		"small, a machine that does not come up": small(wrong(record.Restored{Backup: "b", Digest: "sha256:1", Ended: sec}),
			wrong(record.Restored{Backup: "b", BackupBad: "it ended with exit code 1", Started: sec, Ended: 2 * sec}), point(record.RestorePoint{Backup: "b"})),
		"small, restored in part": small(wrong(record.Restored{Backup: "b", Digest: "sha256:1", Part: &record.Part{Only: "t", Left: "u"}}),
			point(record.RestorePoint{Backup: "b"})),
		"small, parts apart":          skewed(time.Minute, sec),
		"small, parts together":       skewed(time.Minute, time.Minute),
		"small, parts of no limit":    skewed(time.Hour, 0),
		"small, parts without a time": skewed(-1, time.Hour),
		"small, a part alone":         skewed(0, time.Hour),
		"small, only read":            onlyRead(ev(2*sec, record.KindRestored, record.Restored{Backup: "b", Digest: "sha256:00", OnlyRead: true}), sized(100, 1, 0)),
		"small, only read, and bad":   onlyRead(wrong(record.Restored{Backup: "b", BackupBad: "it ends early", OnlyRead: true}), sized(100, 1, 0)),
		"small, gone at last":         small(ev(5*sec, record.KindCleanup, v), ev(6*sec, record.KindCleanup, incomplete), swept(time.Hour, gone), swept(time.Hour, proved)),
		"small, undone at last":       small(ev(5*sec, record.KindCleanup, v), ev(6*sec, record.KindCleanup, v), swept(time.Hour, undone)),
		"small, incomplete twice":     small(ev(5*sec, record.KindCleanup, incomplete), ev(6*sec, record.KindCleanup, incomplete), ev(6*sec, record.KindCleanup, v)),
		"small, proved and then not": small(ev(5*sec, record.KindCleanup, proved),
			ev(6*sec, record.KindCleanup, record.CleanupEvent{State: record.CleanupUnproved, Error: "the engine is gone"})),
		"small, kept": small(ev(5*sec, record.KindCleanup, record.CleanupEvent{State: record.CleanupKept, Name: "db"})),
		"small, sealed as aborted": func() *story {
			s := small(ev(5*sec, record.KindCleanup, proved))
			edit(s, func(e *record.Sealed) { e.Status = record.RunAborted })
			return s
		}(),
		"small, aborted by a person": small(line{3 * sec, "Li", record.KindAborted, record.Subject{}, record.Aborted{Why: "enough"}},
			ev(4*sec, record.KindCleanup, v)),
		"small, missing and too old": small(wrong(record.Restored{Backup: "b", BackupBad: "x", Missing: &record.Missing{Name: "n", Why: "old",
			More: 3, Newest: "m", Limit: 90 * time.Minute}})),
		"small, bad in the read": small(wrong(record.Restored{Backup: "b", Point: "p", BackupBad: "cut off"})),
		"small, promise broken": small(wrong(record.Restored{Backup: "b", Point: "p", Digest: "sha256:00"}),
			point(record.RestorePoint{Backup: "b", Point: "p", Digest: "sha256:00", Promise: sha("11")}),
			point(record.RestorePoint{Backup: "c", Point: "p", Digest: "sha256:00", Promise: sha("00")})),
		"small, points told twice": small(wrong(record.Restored{Backup: "b", Point: "p", Digest: "sha256:00"}),
			point(record.RestorePoint{Backup: "b", Point: "p", Digest: "sha256:00", ConsistentTo: start.Add(-time.Hour), Age: time.Hour, Promise: sha("00")}),
			point(record.RestorePoint{Backup: "b", Point: "p", Loaded: true, Promise: sha("00")}),
			point(record.RestorePoint{Backup: "b", Point: "p", Digest: "sha256:01"})),
		"small, a point of a known age": small(point(record.RestorePoint{Backup: "b", Point: "p", ConsistentTo: start.Add(-time.Hour)})),
		"small, phases": small(phase(sec, "restore", ""), phase(2*sec, "restore", record.OutcomeDone), phase(3*sec, "x", record.OutcomeFailed),
			phase(4*sec, "verify", ""), phase(5*sec, "verify", "")),
		"small, leak in one sandbox": small(line{sec, "lifeboat", record.KindProbe, inst("a", 1), record.Probe{Target: "host", Address: "192.0.2.1",
			Protocol: "tcp", Reached: true}}, line{sec, "lifeboat", record.KindProbe, inst("a", 1), record.Probe{Target: "control", Control: true, Reached: true}}),
		"small, probes of no instance": small(ev(sec, record.KindProbe, record.Probe{Target: "host"}), ev(sec, record.KindProbe, record.Probe{Control: true, Reached: true}),
			line{sec, "lifeboat", record.KindBooted, inst("a", 1), record.Booted{Started: 2 * sec, Ready: sec}}),
		"small, a red pulse and no baseline": small(started, red, stopped),
		"small, an incident of no number":    fire(record.TriggerFault, started, opened, red, decided, back, green, stopped),
		"small, nothing injected":            fire(record.TriggerUpgrade, started, decided, back, stopped),
		"small, red by a check alone": fire(record.TriggerUpgrade, ev(sec, record.KindUpgrade, record.UpgradeEvent{State: record.UpgradeStarted}),
			line{3 * sec, "lifeboat", record.KindCheck, in(1), record.CheckResult{Name: "a", Layer: "data", When: record.Broken, Status: record.CheckFailed,
				Started: 2 * sec, Ended: 3 * sec}}, decided, back, started, stopped),
		"small, a pulse that broke": fire(record.TriggerFault, started, opened, red, decided, back, green,
			pulse(7*sec, record.PulseBroken, record.PulseEvent{}), pulse(8*sec, record.PulseStopped, record.PulseEvent{})),
		"small, undecided and red": fire(record.TriggerFault, started, opened, red, stopped),
		"small, rests": fire(record.TriggerOrder, started, opened, back, pulse(5*sec, record.PulseRests, record.PulseEvent{Why: "new.js"}),
			pulse(6*sec, record.PulseGoesOn, record.PulseEvent{}), pulse(7*sec, record.PulseRests, record.PulseEvent{Why: "shop.js", Seen: true}),
			pulse(8*sec, record.PulseGoesOn, record.PulseEvent{Seen: true}), stopped),
		"small, incidents out of order": fire(record.TriggerFault, started, line{2 * sec, "lifeboat", record.KindIncident, in(3), record.IncidentEvent{}},
			line{3 * sec, "lifeboat", record.KindIncident, in(1), record.IncidentEvent{Trigger: record.TriggerOrder}}, back, stopped),
		"small, no trigger": func() *story { s := fire("", started, stopped); return s }(),
	}
}
