package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Build computes the record from the events of a journal. It is pure, and it
// works on the journal of a drill that crashed: what never came is nil, open
// or not reached. It errs when the events are not a journal: no header, a
// version it does not know, data that is not of its kind, or facts after the seal.
func Build(events []Event) (*Record, error) {
	b := &builder{r: &Record{}, at: map[int]int{}}
	if err := b.header(events); err != nil {
		return nil, fmt.Errorf("build the record: %w", err)
	}
	b.tick(events[0])
	for _, e := range events[1:] {
		b.tick(e)
		if err := b.add(e); err != nil {
			return nil, fmt.Errorf("build the record: event %d (%s): %w", e.Seq, e.Kind, err)
		}
	}
	b.finish(events)
	return b.r, nil
}

// builder is a record in the making.
type builder struct {
	r       *Record
	edges   []edge
	red     *RedFacts // of the red stretch in which the pulse ended
	broken  []broken  // checks that failed while the system was broken
	at      map[int]int
	begun   []Window // the upgrades that incidents after the first begin with
	sealed  bool
	seal    string
	cleanup time.Duration // when clean-up began; 0: not yet
	watched time.Duration // last event of the harness
	ended   time.Duration // last event but the reaper's, once the harness or an abort stopped the drill
	stopped bool
	ticked  Event // the latest of the harness that says what its clocks showed
	first   Event // the first such event since the latest jump
}

func (b *builder) header(events []Event) error {
	if len(events) == 0 {
		return errors.New("the journal is empty")
	}
	if events[0].Kind != KindOpened {
		return fmt.Errorf("the first event is %s instead of %s", events[0].Kind, KindOpened)
	}
	if err := json.Unmarshal(events[0].Data, &b.r.Header); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if v := b.r.Header.Version; v != Version {
		return fmt.Errorf("the journal has version %d and this program reads version %d", v, Version)
	}
	return nil
}

// as decodes an event's data and hands it on.
func as[T any](e Event, use func(T)) error {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return fmt.Errorf("read its data: %w", err)
	}
	use(v)
	return nil
}

func (b *builder) add(e Event) error {
	if b.sealed {
		return b.afterSeal(e)
	}
	if e.Actor != ActorReaper {
		b.watched = max(b.watched, e.Elapsed)
	}
	r := b.r
	switch e.Kind {
	case KindPhase:
		return as(e, func(p PhaseEvent) { b.phase(e, p) })
	case KindStep:
		return as(e, func(s Step) { r.Steps = append(r.Steps, StepFact{e.Subject, s}) })
	case KindRestorePoint:
		return as(e, b.restorePoint)
	case KindRestored:
		return as(e, func(x Restored) { r.Restores = append(r.Restores, RestoreFact{e.Subject, x}) })
	case KindProbe:
		return as(e, func(x Probe) { r.Probes = append(r.Probes, ProbeFact{e.Subject, x}) })
	case KindNetwork:
		return as(e, func(x Network) { r.Network = &x })
	case KindEgress:
		return as(e, func(x Egress) { r.Egress = append(r.Egress, EgressFact{e.Subject, x}) })
	case KindReach:
		return as(e, func(x Reach) { r.Reach = &x })
	case KindBooted:
		return as(e, func(x Booted) { r.Boots = append(r.Boots, BootFact{e.Subject, x}) })
	case KindBootFailed:
		return as(e, func(x BootFailure) { r.Failures = append(r.Failures, FailureFact{e.Subject, x}) })
	case KindDiagnosis:
		return as(e, func(x Diagnosis) { r.Diagnoses = append(r.Diagnoses, DiagnosisFact{e.Subject, x}) })
	case KindDiskRead:
		return as(e, func(x DiskRead) { r.DiskReads = append(r.DiskReads, x) })
	case KindWaited:
		return as(e, func(o Overdue) { r.Waited = append(r.Waited, o) })
	case KindHostLoad:
		return as(e, func(l HostLoad) { r.Loads = append(r.Loads, l) })
	case KindCheck:
		return as(e, func(c CheckResult) { b.check(e, c) })
	case KindPulse:
		return as(e, func(p PulseEvent) { b.pulse(e, p) })
	case KindUpgrade:
		return as(e, func(u UpgradeEvent) { b.upgrade(e, u) })
	case KindFault, KindIncident, KindDetected, KindDecided, KindRollback:
		return b.incidentEvent(e)
	}
	return b.addRest(e)
}

func (b *builder) addRest(e Event) error {
	r := b.r
	switch e.Kind {
	case KindOpened:
		return errors.New("a journal is opened once")
	case KindHarness:
		return as(e, func(h HarnessError) {
			h.At = e.Elapsed
			r.Harness = append(r.Harness, h)
			b.stop(e)
		})
	case KindObservation:
		return as(e, func(o Observation) { r.Observations = append(r.Observations, o) })
	case KindNote:
		return as(e, func(n Note) { r.Notes = append(r.Notes, NoteFact{e.Elapsed, e.Actor, n}) })
	case KindAborted:
		return as(e, func(a Aborted) {
			if r.Abort == nil {
				a.By = e.Actor
				r.Abort = &a
			}
			b.stop(e)
		})
	case KindCleanup:
		return as(e, func(c CleanupEvent) { b.cleaned(e, c) })
	case KindRaw:
		return as(e, func(f RawFile) { r.Raw = append(r.Raw, f) })
	case KindSealed:
		return as(e, func(s Sealed) {
			// Only the drill's own process ends a drill in order.
			b.sealed, b.seal = e.Actor == ActorLifeboat, s.Status
		})
	case KindTorn:
		r.Journal.Torn++
	}
	return nil
}

// stop: from here on nothing is proved by what did not come.
func (b *builder) stop(e Event) {
	if !b.stopped {
		b.stopped, b.ended = true, e.Elapsed
	}
}

func (b *builder) phase(e Event, p PhaseEvent) {
	if p.Outcome == "" {
		if p.Phase == PhaseCleanup && b.cleanup == 0 {
			b.cleanup = e.Elapsed
		}
		b.r.Phases = append(b.r.Phases, Phase{Name: p.Phase, Started: e.Elapsed, Ended: e.Elapsed, Open: true})
		if p.Phase == PhaseUpgrade && e.Subject.Incident > 0 {
			b.begun = append(b.begun, Window{From: At(e.Elapsed), Open: true})
		}
		return
	}
	for i := len(b.r.Phases) - 1; i >= 0; i-- {
		if q := &b.r.Phases[i]; q.Open && q.Name == p.Phase {
			q.Ended, q.Outcome, q.Error, q.Open = e.Elapsed, p.Outcome, p.Error, false
			if n := len(b.begun); n > 0 && p.Phase == PhaseUpgrade {
				b.begun[n-1].To, b.begun[n-1].Open = At(e.Elapsed), false
			}
			return
		}
	}
	b.r.Phases = append(b.r.Phases, Phase{Name: p.Phase, Started: e.Elapsed, Ended: e.Elapsed,
		Outcome: p.Outcome, Error: p.Error})
}

// restorePoint enters each point once; a later event that knows more wins.
func (b *builder) restorePoint(p RestorePoint) {
	for i, q := range b.r.RestorePoints {
		if q.Backup != p.Backup || q.Point != p.Point || (q.Digest != p.Digest && q.Digest != "" && p.Digest != "") {
			continue
		}
		if p.ConsistentTo.IsZero() {
			p.ConsistentTo, p.ConsistentSource, p.Age = q.ConsistentTo, q.ConsistentSource, q.Age
		}
		if p.Digest == "" {
			p.Digest = q.Digest
		}
		b.r.RestorePoints[i] = p
		return
	}
	b.r.RestorePoints = append(b.r.RestorePoints, p)
}

func (b *builder) upgrade(e Event, u UpgradeEvent) {
	if b.r.Upgrade == nil {
		b.r.Upgrade = &Window{From: At(e.Elapsed), Open: true}
	}
	if u.State == "ended" {
		b.r.Upgrade.To, b.r.Upgrade.Open = At(e.Elapsed), false
	}
}

func (b *builder) finish(events []Event) {
	r := b.r
	last := events[len(events)-1]
	r.Ended = last.Elapsed
	r.Observed = b.watched
	if b.cleanup > 0 {
		r.Observed = min(r.Observed, b.cleanup)
	}
	if b.stopped {
		r.Observed = min(r.Observed, b.ended)
	}
	for i := range r.Phases {
		if r.Phases[i].Open {
			r.Phases[i].Ended, r.Phases[i].Outcome = r.Ended, OutcomeFailed
		}
	}
	switch {
	case r.Abort != nil || b.sealed && b.seal == string(RunAborted):
		r.Status = RunAborted
	case b.sealed && (b.seal == "" || b.seal == string(RunCompleted)):
		r.Status = RunCompleted
	default:
		r.Status = RunCrashed
	}
	r.Journal.Events, r.Journal.Digest = last.Seq, last.sum
	if r.Journal.Digest == "" {
		r.Journal.Digest = remade(last)
	}
	if u := r.Upgrade; u != nil && u.Open {
		u.To = At(r.Observed)
	}
	b.begins()
	b.finishPulse()
	b.finishIncidents()
}

// remade is the digest of an event that did not come from a journal's reader.
func remade(e Event) string {
	line, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	return digest(append(line, '\n'))
}
