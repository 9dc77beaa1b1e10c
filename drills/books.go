package drills

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/machines"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
	"lifeboat/scenarios"
)

// books are what a drill writes of itself: its journal and its ledger, by one clock, with the phase and the incident in which
// it is. Whatever a part of the drill writes goes through them, and so without secrets.
type books struct {
	*secrets.Known
	journal    *record.Journal
	ledger     *ledger.File
	log        *slog.Logger
	id, dir    string // of the drill, and its folder
	base       time.Time
	generation func(name string) int // of an instance, now

	mu       sync.Mutex
	incident int    // that is open
	inPhase  string // the latest; it stays when the phase has ended
}

// site is where a part of a drill stands that deals with its machines.
type site struct {
	*books
	plan *Plan
	room *machines.Room
}

// standing is an instance with the backups that are loaded into it now, which a step may have chosen.
func (s site) standing(name string) scenarios.Instance {
	in := s.plan.Scenario.Instances[name]
	if now := s.room.Loaded(name); now != nil {
		in.Load = now
	}
	return in
}

// phase brackets fn with events.
func (b *books) phase(ctx context.Context, name string, fn func(context.Context) error) error {
	b.mu.Lock()
	b.inPhase = name
	b.mu.Unlock()
	if err := b.Append(record.KindPhase, b.subject(""), record.PhaseEvent{Phase: name}); err != nil {
		return err
	}
	err := fn(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	end := record.PhaseEvent{Phase: name, Outcome: record.OutcomeDone}
	if err != nil {
		end.Outcome, end.Error = record.OutcomeFailed, b.Hide(err.Error())
	}
	return errors.Join(err, b.Append(record.KindPhase, b.subject(""), end))
}

// note appends an event and complains to the log when even that fails: there is nobody left to tell.
func (b *books) note(kind record.Kind, data any) { b.noteOf(kind, record.Subject{}, data) }

// noteOf is note about an instance.
func (b *books) noteOf(kind record.Kind, subject record.Subject, data any) {
	if err := b.Append(kind, subject, data); err != nil {
		b.log.Error("write the journal", "kind", kind, "error", err)
	}
}

// Append implements instance.Journal.
func (b *books) Append(kind record.Kind, subject record.Subject, data any) error {
	if err := b.journal.Append(kind, subject, b.HideEvent(data)); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Intend implements instance.Ledger.
func (b *books) Intend(e ledger.Entry) (int, error) { return b.ledger.Intend(e) }

func (b *books) elapsed() time.Duration { return time.Since(b.base) }

func (b *books) now() record.Moment { return record.At(b.elapsed()) }

// subject of an instance's events in the incident that is open.
func (b *books) subject(name string) record.Subject {
	b.mu.Lock()
	defer b.mu.Unlock()
	return record.Subject{Instance: name, Generation: b.generation(name), Incident: b.incident}
}

// enter opens an incident.
func (b *books) enter(incident int) {
	b.mu.Lock()
	b.incident = incident
	b.mu.Unlock()
}

// overdue is a limit that began at a moment and has passed now.
func (b *books) overdue(limit, from time.Duration) record.Overdue {
	return record.Overdue{Limit: limit, From: from, To: b.elapsed()}
}

func (b *books) faultEvent(f FaultPlan, state record.FaultState, note string) error {
	return b.faultEventAt(f, state, b.now(), note)
}

func (b *books) faultEventAt(f FaultPlan, state record.FaultState, at record.Moment, note string) error {
	return b.Append(record.KindFault, b.subjectOf(f), record.FaultEvent{Kind: f.Spec.Kind, On: f.Spec.On, Index: f.Index,
		State: state, At: at, Note: b.Hide(note)})
}

// subjectOf a fault's events: its instance as it is now, and its own incident, whichever is open.
func (b *books) subjectOf(f FaultPlan) record.Subject {
	s := b.subject(f.Spec.On)
	s.Incident = f.Incident
	return s
}

// harnessBroke writes an error of the harness down, in the phase in which it came.
func (b *books) harnessBroke(err error) {
	b.mu.Lock()
	phase := b.inPhase
	b.mu.Unlock()
	b.note(record.KindHarness, record.HarnessError{Phase: phase, Error: b.Hide(err.Error())})
}

// passedSoFar judges the journal as it stands before the clean-up.
func (b *books) passedSoFar() bool {
	events, err := b.journal.Events()
	if err != nil {
		return false
	}
	r, err := record.Build(events)
	return err == nil && objective.SoFar(r) == record.StatusPassed
}
