package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// line is one event of a made-up journal.
type line struct {
	at      time.Duration
	actor   string
	kind    record.Kind
	subject record.Subject
	data    any
}

// story is a made-up journal that tests bend.
type story struct {
	h     record.Header
	lines []line
}

const sec = time.Second

// start of the drills of all stories; the backup is consistent to 10 minutes before.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("CET", 3600))

func bracket(early, late time.Duration) record.Moment { return record.Moment{Early: early, Late: late} }

func inst(name string, generation int) record.Subject {
	return record.Subject{Instance: name, Generation: generation}
}

func in(id int) record.Subject { return record.Subject{Incident: id} }

func (s *story) add(at time.Duration, kind record.Kind, subject record.Subject, data any) *story {
	s.lines = append(s.lines, line{at, record.ActorLifeboat, kind, subject, data})
	return s
}

// drop removes the lines that match.
func (s *story) drop(match func(line) bool) *story {
	s.lines = slices.DeleteFunc(s.lines, match)
	return s
}

func kind(k record.Kind) func(line) bool { return func(l line) bool { return l.kind == k } }

// edit changes the data of all lines of its type.
func edit[T any](s *story, change func(*T)) {
	for i := range s.lines {
		if v, ok := s.lines[i].data.(T); ok {
			change(&v)
			s.lines[i].data = v
		}
	}
}

// cut ends the journal before a moment, as a crash does.
func (s *story) cut(at time.Duration) *story {
	return s.drop(func(l line) bool { return l.at >= at })
}

// shift moves everything from a moment on to later, its moments included.
func (s *story) shift(from, by time.Duration) {
	move := func(d *time.Duration) {
		if *d >= from {
			*d += by
		}
	}
	moment := func(m *record.Moment) { move(&m.Early); move(&m.Late) }
	for i := range s.lines {
		move(&s.lines[i].at)
	}
	edit(s, func(p *record.PulseEvent) { moment(&p.At) })
	edit(s, func(p *record.Detected) { moment(&p.At) })
	edit(s, func(p *record.Decision) { moment(&p.At) })
	edit(s, func(p *record.FaultEvent) { moment(&p.At) })
	edit(s, func(p *record.IncidentEvent) { moment(&p.At) })
	edit(s, func(p *record.CheckResult) { move(&p.Started); move(&p.Ended) })
	edit(s, func(p *record.Restored) { move(&p.Started); move(&p.Ended) })
	edit(s, func(p *record.Booted) { move(&p.Started); move(&p.Ready) })
}

func (s *story) limit(name string, limit time.Duration) {
	s.h.Objectives = slices.DeleteFunc(s.h.Objectives, func(o record.Objective) bool { return o.Name == name })
	s.h.Objectives = append(s.h.Objectives, record.Objective{Name: name, Limit: limit})
}

// checksAt has every planned check pass.
func (s *story) checksAt(at time.Duration, when record.When, incident int) {
	for i, c := range s.h.Checks {
		started := at + time.Duration(i)*100*time.Millisecond
		ended := started + 50*time.Millisecond
		s.add(ended, record.KindCheck, in(incident), record.CheckResult{Name: c.Name, Layer: c.Layer, When: when,
			Status: record.CheckPassed, Started: started, Ended: ended})
	}
}

// phase brackets.
func (s *story) phase(name string, from, to time.Duration) {
	s.add(from, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: name})
	s.add(to, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: name, Outcome: record.OutcomeDone})
}

// restored is the beginning of every story: two instances, sealed, restored and green.
func newStory(trigger record.Trigger) *story {
	s := &story{h: record.Header{
		Version: record.Version, Drill: "d", Number: 1, Trigger: trigger, StableFor: 60 * sec, Decision: "simulated",
		PulseRate: 10, Started: start, ClockState: "synchronised",
		Objectives: []record.Objective{{Name: "start_rollback", Limit: 30 * time.Minute}, {Name: "restored",
			Limit: 2 * time.Hour},
			{Name: "data_loss", Limit: 15 * time.Minute}},
		Instances: []record.InstancePlan{{Name: "db", Kind: "docker", Backup: "shop-db", Basis: record.BasisMeasured},
			{Name: "app", Kind: "docker", Backup: "shop-app", Basis: record.BasisMeasured}},
		Checks: []record.CheckPlan{{Name: "packages", Layer: record.LayerSystem}, {Name: "port",
			Layer: record.LayerService},
			{Name: "rows", Layer: record.LayerData}, {Name: "checkout", Layer: record.LayerBusiness}},
	}}
	for i, name := range []string{"db", "app"} {
		from := time.Duration(1+4*i) * sec
		backup := "shop-" + name
		s.add(from, record.KindProbe, inst(name, 1), record.Probe{Target: "host", Address: "192.0.2.1:22", Protocol: "tcp"})
		s.add(from, record.KindProbe, inst(name, 1), record.Probe{Target: "control", Address: "127.0.0.1:1",
			Protocol: "tcp",
			Control:  true, Reached: true})
		s.add(from+3*sec, record.KindRestored, inst(name, 1), record.Restored{Backup: backup, Point: "p",
			Digest:   "sha256:1",
			Verified: true, Bytes: 1000, Started: from, Ended: from + 3*sec, During: "restore"})
		p := record.RestorePoint{Backup: backup, Point: "p", Digest: "sha256:1", Expected: "sha256:1"}
		if name == "db" {
			p.ConsistentTo, p.Age = start.Add(-10*time.Minute), 10*time.Minute
		}
		s.add(from+3*sec, record.KindRestorePoint, record.Subject{}, p)
		s.add(from+4*sec, record.KindBooted, inst(name, 1), record.Booted{Started: from, Ready: from + 4*sec,
			Basis: record.BasisMeasured})
	}
	s.phase(record.PhaseRestore, 1*sec, 10*sec)
	s.phase(record.PhaseBaseline, 10*sec, 20*sec)
	s.checksAt(11*sec, "before", 0)
	return s
}

// end stops the pulse, cleans up and seals.
func (s *story) end(at time.Duration, pulse bool) *story {
	s.phase(record.PhaseCleanup, at, at+3*sec)
	if pulse {
		n := int(at.Seconds()) * 10
		s.add(at, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped", At: record.At(at),
			Totals: record.PulseTotals{Good: n, Bad: 10}})
	}
	s.add(at+2*sec, record.KindCleanup, record.Subject{}, record.CleanupEvent{State: "undone", What: "container",
		Name: "c"})
	s.add(at+2*sec, record.KindCleanup, record.Subject{}, record.CleanupEvent{State: "proved", Count: 1})
	return s.add(at+4*sec, record.KindSealed, record.Subject{}, record.Sealed{Status: "completed"})
}

func (s *story) pulseStarts() {
	s.add(10*sec, record.KindPulse, record.Subject{}, record.PulseEvent{State: "started", At: record.At(10 * sec)})
	s.edge("green", 10*sec, 10*sec+100*time.Millisecond)
}

func (s *story) edge(state record.PulseState, early, late time.Duration) *story {
	return s.add(late, record.KindPulse, record.Subject{}, record.PulseEvent{State: state, At: bracket(early, late),
		Why: "connection refused"})
}

// breakAndRollBack is one incident that begins at a moment and is over 31 s later:
//
//	+0 opened, fault  +0.2 red  +6 detected  +8 decided, rollback  +29 booted  +30 done  +31 green
func (s *story) breakAndRollBack(id int, at time.Duration) {
	s.add(at, record.KindIncident, in(id), record.IncidentEvent{Trigger: s.h.Trigger, At: record.At(at)})
	if s.h.Trigger == record.TriggerFault {
		ms := time.Millisecond
		s.add(at+100*ms, record.KindFault, in(id), record.FaultEvent{Kind: "pg-hba-reject", On: "db", State: "injected",
			At: bracket(at, at+100*ms)})
		s.add(at+300*ms, record.KindFault, in(id), record.FaultEvent{Kind: "pg-hba-reject", On: "db", State: "effective",
			At: bracket(at, at+300*ms)})
	}
	s.edge("red", at+100*time.Millisecond, at+200*time.Millisecond)
	if s.h.Trigger != record.TriggerOrder {
		s.add(at+6*sec, record.KindDetected, in(id), record.Detected{Rule: "flow.failed > 5% for 5s",
			At: record.At(at + 6*sec)})
	}
	s.add(at+8*sec, record.KindDecided, in(id), record.Decision{Outcome: "full-rollback", By: "simulated",
		At: record.At(at + 8*sec)})
	s.add(at+8*sec, record.KindRollback, in(id), record.RollbackEvent{State: "started"})
	db := inst("db", id+1)
	db.Incident = id
	s.add(at+28*sec, record.KindRestored, db, record.Restored{Backup: "shop-db", Point: "p", Digest: "sha256:1",
		Verified: true,
		Bytes:    1 << 20, Started: at + 9*sec, Ended: at + 28*sec, During: "rollback"})
	s.add(at+29*sec, record.KindBooted, db, record.Booted{Started: at + 9*sec, Ready: at + 29*sec,
		Basis: record.BasisMeasured})
	s.add(at+30*sec, record.KindRollback, in(id), record.RollbackEvent{State: "done"})
	s.edge("green", at+30*sec+900*time.Millisecond, at+31*sec)
}

// good is a drill in which everything goes well: incident from 30 s on, checks at 2 m, end at 3 m.
func good(trigger record.Trigger) *story {
	s := newStory(trigger)
	s.pulseStarts()
	s.add(20*sec, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "started"})
	upgraded := 25 * sec
	if trigger == record.TriggerUpgrade {
		upgraded = 35 * sec
	}
	s.add(upgraded, record.KindUpgrade, record.Subject{}, record.UpgradeEvent{State: "ended"})
	s.breakAndRollBack(1, 30*sec)
	s.checksAt(2*time.Minute, "after", 1)
	return s.end(3*time.Minute, true)
}

// checkRun restores, asks and ends, without a flow.
func checkRun() *story {
	s := newStory(record.TriggerNone)
	s.h.PulseRate = 0
	s.limit("start_rollback", 30*time.Minute)
	s.limit("age", 26*time.Hour)
	s.limit("boot", 10*time.Minute)
	return s.end(time.Minute, false)
}
