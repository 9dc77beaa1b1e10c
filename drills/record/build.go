package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Build computes the record from the events of a journal. It is pure, and it
// works on the journal of a drill that crashed: what never came is nil, open
// or not reached. It errs when the events are not a journal: no header, a
// version it does not know, data that is not of its kind, or facts after the seal.
func Build(events []Event) (*Record, error) {
	b := NewBuilder()
	for _, e := range events {
		if err := b.Add(e); err != nil {
			return nil, fmt.Errorf("build the record: %w", err)
		}
	}
	if len(events) == 0 {
		return nil, errors.New("build the record: the journal is empty")
	}
	return b.Record(), nil
}

// Builder makes the record of a drill from its events, one by one as they come. It is not safe for concurrent use.
type Builder struct {
	r       *Record
	last    Event
	edges   []edge
	red     *RedFacts // of the red stretch in which the pulse ended
	broken  []broken  // checks that failed while the system was broken
	at      map[int]int
	begun   []Window // the upgrades that incidents after the first begin with
	sealed  bool
	seal    RunStatus
	cleanup time.Duration // when clean-up began; 0: not yet
	watched time.Duration // last event of the harness
	ended   time.Duration // last event but the reaper's, once the harness or an abort stopped the drill
	stopped bool
	ticked  Event // the latest of the harness that says what its clocks showed
	first   Event // the first such event since the latest jump
}

// NewBuilder gives one that has seen nothing.
func NewBuilder() *Builder { return &Builder{r: &Record{}, at: map[int]int{}} }

// header takes what the drill began with. Its zone is what the journal says, without a summer that may begin or end later: a record has the same times of day
// wherever it is computed.
func (b *Builder) header(_ Event, h Header) {
	zone := time.UTC
	if _, offset := h.Started.Zone(); offset != 0 {
		zone = time.FixedZone("", offset)
	}
	h.Started = h.Started.In(zone)
	b.r.Header = h
}

// Add takes the next event. The first is the header. After an error the builder is what it was before.
func (b *Builder) Add(e Event) error {
	m, known := kinds[e.Kind]
	switch {
	case b.last.Kind == "" && e.Kind != KindOpened:
		return fmt.Errorf("the first event is %s instead of %s", e.Kind, KindOpened)
	case b.last.Kind != "" && e.Kind == KindOpened:
		return b.failed(e, errors.New("a journal is opened once"))
	case b.sealed && e.Actor != ActorReaper:
		return b.failed(e, errors.New("it comes after the seal"))
	}
	var data any
	if known = known && (!b.sealed || b.goesOn(e)); known {
		var err error
		if data, err = m.decode(e.Data); err != nil {
			return b.failed(e, err)
		}
	}
	if h, ok := data.(Header); ok && h.Version != Version {
		return fmt.Errorf("the journal has version %d and this program reads version %d", h.Version, Version)
	}
	b.last = e
	b.tick(e)
	if !b.sealed && e.Actor != ActorReaper {
		b.watched = max(b.watched, e.Elapsed)
	}
	if known {
		m.enter(b, e, data)
	}
	return nil
}

func (b *Builder) failed(e Event, err error) error {
	return fmt.Errorf("event %d (%s): %w", e.Seq, e.Kind, err)
}

// Record is the record of all events so far, nil before the first. Events that come later do not change it.
func (b *Builder) Record() *Record {
	if b.last.Kind == "" {
		return nil
	}
	c := b.copied()
	c.finish()
	return c.r
}

// Watched is the incident that is going on, or went on last, as the clocks stand so far; nil before any. For whoever
// looks on: where the upgrade is what breaks, it goes on from the upgrade's begin, and the journal opens it after that.
func (b *Builder) Watched() *Incident {
	c := b.copied()
	if u := c.r.Upgrade; u != nil && len(c.r.Incidents) == 0 && c.r.Header.Trigger == TriggerUpgrade {
		c.incident(Event{Kind: KindIncident, Elapsed: u.From.Early})
	}
	if len(c.r.Incidents) == 0 {
		return nil
	}
	c.finish()
	return &c.r.Incidents[len(c.r.Incidents)-1]
}

// copied shares with b what is only ever appended to, and nothing that is written over.
func (b *Builder) copied() *Builder {
	c, r := *b, *b.r
	c.r, c.at = &r, maps.Clone(b.at)
	r.Phases, r.RestorePoints, r.Incidents = slices.Clone(r.Phases), slices.Clone(r.RestorePoints), slices.Clone(r.Incidents)
	for i := range r.Incidents {
		r.Incidents[i].Faults = slices.Clone(r.Incidents[i].Faults)
	}
	r.Cleanup.Failed = slices.Clone(r.Cleanup.Failed)
	if r.Upgrade != nil {
		upgrade := *r.Upgrade
		r.Upgrade = &upgrade
	}
	if r.Pulse != nil {
		pulse := *r.Pulse
		pulse.Rests = slices.Clone(pulse.Rests)
		r.Pulse = &pulse
	}
	return &c
}

func (b *Builder) harness(e Event, h HarnessError) {
	h.At = e.Elapsed
	b.r.Harness = append(b.r.Harness, h)
	b.stop(e)
}

func (b *Builder) aborted(e Event, a Aborted) {
	if b.r.Abort == nil {
		a.By = e.Actor
		b.r.Abort = &a
	}
	b.stop(e)
}

// seals: only the drill's own process ends a drill in order.
func (b *Builder) seals(e Event, s Sealed) { b.sealed, b.seal = e.Actor == ActorLifeboat, s.Status }

// stop: from here on nothing is proved by what did not come.
func (b *Builder) stop(e Event) {
	if !b.stopped {
		b.stopped, b.ended = true, e.Elapsed
	}
}

func (b *Builder) phase(e Event, p PhaseEvent) {
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
func (b *Builder) restorePoint(_ Event, p RestorePoint) {
	p.promised()
	for i, q := range b.r.RestorePoints {
		if q.Backup != p.Backup || q.Point != p.Point || (q.Digest != p.Digest && q.Digest != "" && p.Digest != "") {
			continue
		}
		if p.ConsistentTo.IsZero() {
			p.ConsistentTo, p.ConsistentSource, p.Age = q.ConsistentTo, q.ConsistentSource, q.Age
		}
		if p.Digest == "" {
			p.Digest = q.Digest
			if p.Promise != nil && q.Promise != nil && p.Promise.String() == q.Promise.String() {
				p.Promise = q.Promise
			}
		}
		b.r.RestorePoints[i] = p
		return
	}
	b.r.RestorePoints = append(b.r.RestorePoints, p)
}

func (b *Builder) upgrade(e Event, u UpgradeEvent) {
	if b.r.Upgrade == nil {
		b.r.Upgrade = &Window{From: At(e.Elapsed), Open: true}
	}
	if u.State == UpgradeEnded {
		b.r.Upgrade.To, b.r.Upgrade.Open = At(e.Elapsed), false
	}
}

func (b *Builder) finish() {
	r := b.r
	last := b.last
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
	case r.Abort != nil || b.sealed && b.seal == RunAborted:
		r.Status = RunAborted
	case b.sealed && (b.seal == "" || b.seal == RunCompleted):
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
