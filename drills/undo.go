package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// CleanRequest is one clean-up, by the drill itself, by its reaper or by a sweep.
type CleanRequest struct {
	Scope ledger.Scope
	Kit   Kit
	Mark  func(id int, state ledger.State, failure error) error // into the ledger; nil: nobody listens
	// Report is handed the events that are to be written down: of the clean-up, and of the faults that it ended.
	Report func(kind record.Kind, subject record.Subject, data any)
	// Hide takes secrets out of what is reported and marked; nil: nobody knows them, and what restored systems answer to
	// the undoing of a fault is not kept.
	Hide func(text string) string
	// Since is when whatever may still be under way on an engine was begun; zero: until now.
	Since time.Time
}

func (r CleanRequest) report(e record.CleanupEvent) {
	r.Report(record.KindCleanup, record.Subject{}, e)
}

// healed writes what became of a fault into the fault's own life, too.
func (r CleanRequest) healed(of ledger.Entry, e record.CleanupEvent) {
	if f := of.Fault; f != nil {
		r.Report(record.KindFault, of.Subject, record.FaultEvent{Kind: f.Kind, On: f.On, Index: f.Index, State: record.FaultState(e.State),
			Note: e.Error})
	}
}

// Cleaned is how a clean-up ended.
type Cleaned struct {
	Left     []record.CleanupEvent // what could not be undone, or is still there
	Unproved error                 // nobody could be asked what is still there
}

// Clean tells whether it is proved that nothing is left.
func (c Cleaned) Clean() bool { return len(c.Left) == 0 && c.Unproved == nil }

// phase is the end of the phase.
func (c Cleaned) phase() record.PhaseEvent {
	end := record.PhaseEvent{Phase: record.PhaseCleanup, Outcome: record.OutcomeDone}
	switch {
	case len(c.Left) > 0:
		end.Outcome, end.Error = record.OutcomeFailed, fmt.Sprintf("%d things are left", len(c.Left))
	case c.Unproved != nil:
		end.Outcome, end.Error = record.OutcomeFailed, "what is left could not be looked for: "+c.Unproved.Error()
	}
	return end
}

// CleanUp undoes everything in a drill's ledger, faults first, and looks again
// until nothing that carries its label is left. It returns what is.
func CleanUp(ctx context.Context, r CleanRequest) Cleaned {
	ctx = context.WithoutCancel(ctx) // its limits are its own
	entries, err := ledger.Load(r.Scope.Home)
	if err != nil {
		left := record.CleanupEvent{What: "ledger", Name: r.Scope.Home, State: record.CleanupFailed, Error: err.Error(), Fix: "lifeboat sweep"}
		r.report(left)
		return Cleaned{Left: []record.CleanupEvent{left}}
	}
	var failed []ledger.Outcome
	count := 0
	ledger.Unwind(ctx, ledger.UnwindRequest{Scope: r.Scope, Entries: entries, Undoers: r.Kit.Undoers, Within: cleanupWithin, Since: r.Since,
		Report: func(out ledger.Outcome) { // at once: who looks on sees it go on, and a crash in between leaves the truth
			if out.Err != nil {
				failed = append(failed, out)
			} else {
				count++
			}
			r.settled(out)
		}})
	latecomers := slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.What != "engine" })
	return r.prove(ctx, failed, count, func() {
		ledger.Unwind(ctx, ledger.UnwindRequest{Scope: r.Scope, Entries: latecomers, Undoers: r.Kit.Undoers, Retry: -1, Within: proofWithin})
	})
}

// settled writes down what became of an entry.
func (r CleanRequest) settled(out ledger.Outcome) {
	e := r.event(out)
	r.report(e)
	r.healed(out.Entry, e)
	if r.Mark == nil {
		return
	}
	var failure error
	if e.Error != "" {
		failure = errors.New(e.Error)
	}
	if err := r.Mark(out.Entry.ID, out.State, failure); err != nil {
		r.report(record.CleanupEvent{What: "ledger", State: record.CleanupFailed, Error: err.Error()})
	}
}

func (r CleanRequest) event(out ledger.Outcome) record.CleanupEvent {
	e := record.CleanupEvent{What: out.Entry.What, Name: out.Entry.Name, Entry: out.Entry.ID, State: record.CleanupState(out.State)}
	if out.Err != nil { // an undo repeats what a restored system said
		e.Error, e.Fix = r.hide(out.Err.Error()), out.Entry.Fix
		if r.Hide == nil && out.Entry.What == "fault" {
			e.Error = withheld
		}
	}
	return e
}

// withheld stands in the place of an answer that may hold secrets.
const withheld = "it could not be undone; the answer is not kept, since it may hold secrets that only the dead drill knew"

func (r CleanRequest) hide(text string) string {
	if r.Hide == nil {
		return text
	}
	return r.Hide(text)
}

// prove looks for what still carries the drill's label. What a busy engine made after all was removed is swept again.
func (r CleanRequest) prove(ctx context.Context, failed []ledger.Outcome, count int, sweep func()) Cleaned {
	var done Cleaned
	names, err := r.remains(ctx, len(failed) == 0)
	if err == nil && len(names) > 0 && len(failed) == 0 {
		sweep()
		names, err = r.remains(ctx, true)
	}
	if err != nil {
		done.Unproved = errors.New(r.hide(err.Error()))
	}
	for _, out := range failed {
		if r.Kit.Remains != nil && err == nil && len(names) == 0 && onEngine(out.Entry) { // it went with what it was part of
			out.State, out.Err = ledger.Gone, nil
			count++
			r.settled(out)
			continue
		}
		done.Left = append(done.Left, r.event(out))
	}
	switch {
	case len(names) > 0:
		e := record.CleanupEvent{State: record.CleanupIncomplete, Left: names, Fix: "lifeboat sweep"}
		r.report(e)
		done.Left = append(done.Left, e)
	case done.Unproved != nil:
		r.report(record.CleanupEvent{State: record.CleanupUnproved, Error: done.Unproved.Error(), Fix: "lifeboat sweep"})
	case len(done.Left) > 0:
		r.report(record.CleanupEvent{State: record.CleanupIncomplete, Fix: "lifeboat sweep"})
	default:
		r.report(record.CleanupEvent{State: record.CleanupProved, Count: count})
	}
	return done
}

// onEngine tells what stands on an engine, or in something that does: where nothing with the drill's label is left, it
// is gone as well.
func onEngine(e ledger.Entry) bool {
	return slices.Contains([]string{"container", "network", "volume", "image", "engine", "fault"}, e.What)
}

// remains lists what is left, once it was removed well or the engine had its time; an engine that does not answer is
// asked again.
func (r CleanRequest) remains(ctx context.Context, removed bool) ([]string, error) {
	if r.Kit.Remains == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, proofWithin)
	defer cancel()
	for began := time.Now(); ; {
		names, err := r.Kit.Remains(ctx, r.Scope)
		lasting := err == nil && (len(names) == 0 || !removed || time.Since(began) > settlesWithin)
		if lasting || instance.Pause(ctx, lookEvery) != nil {
			return names, err
		}
	}
}
