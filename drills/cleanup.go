package drills

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// cleanupWithin bounds the whole clean-up; what is left then is reported.
const cleanupWithin = 3 * time.Minute

// cleanup stops the pulse, heals, destroys, and proves that nothing is left. It
// returns what is still there. With keep, a drill that did not pass is left as it is.
func (d *drill) cleanup(ctx context.Context, keep bool) []record.CleanupEvent {
	ctx, cancel := context.WithTimeout(ctx, cleanupWithin)
	defer cancel()
	if err := d.Append(record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: record.PhaseCleanup}); err != nil {
		d.opt.Log.Error("write the journal", "error", err)
	}
	if d.pulse != nil {
		if err := d.pulse.stop(ctx); err != nil {
			d.note(record.KindHarness, record.HarnessError{Phase: record.PhaseCleanup, Error: d.secrets.hide(err.Error())})
		}
	}
	if err := d.collectEgress(ctx); err != nil {
		d.note(record.KindHarness, record.HarnessError{Phase: record.PhaseCleanup, Error: d.secrets.hide(err.Error())})
	}
	if keep && !d.passedSoFar() {
		return d.keepAll(ctx)
	}
	left := CleanUp(ctx, CleanRequest{Scope: d.scope, Kit: d.kit, Mark: d.ledger.Mark, Hide: d.secrets.hide,
		Report: d.noteOf})
	end := record.PhaseEvent{Phase: record.PhaseCleanup, Outcome: record.OutcomeDone}
	if len(left) > 0 {
		end.Outcome, end.Error = record.OutcomeFailed, fmt.Sprintf("%d things are left", len(left))
	}
	d.note(record.KindPhase, end)
	return left
}

// keepAll leaves everything to the reaper's deadline and says what is left and how to remove it.
func (d *drill) keepAll(ctx context.Context) []record.CleanupEvent {
	kept := record.CleanupEvent{State: "kept", Fix: "lifeboat sweep --kept", DiskLost: d.disks.served()}
	if d.kit.Remains != nil {
		names, err := d.kit.Remains(ctx, d.scope)
		if err != nil {
			kept.Error = d.secrets.hide(err.Error())
		}
		kept.Left = names
	}
	d.note(record.KindCleanup, kept)
	d.note(record.KindPhase, record.PhaseEvent{Phase: record.PhaseCleanup, Outcome: record.OutcomeSkipped})
	if d.keeper != nil {
		if err := d.keeper.Keep(); err != nil {
			d.opt.Log.Error("hand over to the reaper", "error", err)
		}
		d.keeper = nil
	}
	return nil
}

// collectEgress writes down what the restored machines tried to reach.
func (d *drill) collectEgress(ctx context.Context) error {
	var errs []error
	for _, driver := range d.grounds() {
		r, ok := driver.(instance.EgressReporter)
		if !ok {
			continue
		}
		facts, err := r.Egress(ctx)
		errs = append(errs, err)
		for _, f := range facts {
			f.Expected = expected(d.plan.Scenario.Egress.Expected, f.Egress)
			errs = append(errs, d.Append(record.KindEgress, f.Subject, f.Egress))
		}
	}
	return errors.Join(errs...)
}

func expected(list []string, e record.Egress) bool {
	for _, x := range list {
		if x == e.Target || x == e.Host || (e.Host != "" && x == hostOf(e.Target, e.Host)) {
			return true
		}
	}
	return false
}

// hostOf puts a host name in the place of a target's address: "api.example.com:443".
func hostOf(target, host string) string {
	for i := len(target) - 1; i >= 0; i-- {
		if target[i] == ':' {
			return host + target[i:]
		}
	}
	return host
}

// CleanRequest is one clean-up, by the drill itself, by its reaper or by a sweep.
type CleanRequest struct {
	Scope ledger.Scope
	Kit   Kit
	Mark  func(id int, state ledger.State, failure error) error // into the ledger; nil: nobody listens
	// Report is handed the events that are to be written down: of the clean-up, and of the faults that it ended.
	Report func(kind record.Kind, subject record.Subject, data any)
	Hide   func(text string) string // takes secrets out of what is reported and marked; nil: nobody knows any
}

func (r CleanRequest) report(e record.CleanupEvent) {
	r.Report(record.KindCleanup, record.Subject{}, e)
}

// healed writes what became of a fault into the fault's own life, too.
func (r CleanRequest) healed(of ledger.Entry, e record.CleanupEvent) {
	if f := of.Fault; f != nil {
		r.Report(record.KindFault, of.Subject, record.FaultEvent{Kind: f.Kind, On: f.On, Index: f.Index, State: e.State,
			Note: e.Error})
	}
}

// CleanUp undoes everything in a drill's ledger, faults first, and looks again
// until nothing that carries its label is left. It returns what is.
func CleanUp(ctx context.Context, r CleanRequest) []record.CleanupEvent {
	if r.Hide == nil {
		r.Hide = func(text string) string { return text }
	}
	entries, err := ledger.Load(r.Scope.Home)
	if err != nil {
		left := record.CleanupEvent{What: "ledger", Name: r.Scope.Home, State: "failed", Error: err.Error(), Fix: "lifeboat sweep"}
		r.report(left)
		return []record.CleanupEvent{left}
	}
	var left []record.CleanupEvent
	count := 0
	settled := func(out ledger.Outcome) { // at once: who looks on sees it go on, and a crash in between leaves the truth
		e := record.CleanupEvent{What: out.Entry.What, Name: out.Entry.Name, Entry: out.Entry.ID, State: string(out.State)}
		if out.Err != nil { // an undo repeats what a restored system said
			e.Error, e.Fix = r.Hide(out.Err.Error()), out.Entry.Fix
			out.Err = errors.New(e.Error)
			left = append(left, e)
		} else {
			count++
		}
		r.report(e)
		r.healed(out.Entry, e)
		if r.Mark != nil {
			if err := r.Mark(out.Entry.ID, out.State, out.Err); err != nil {
				r.report(record.CleanupEvent{What: "ledger", State: "failed", Error: err.Error()})
			}
		}
	}
	ledger.Unwind(ctx, ledger.UnwindRequest{Scope: r.Scope, Entries: entries, Undoers: r.Kit.Undoers, Report: settled})
	return append(left, prove(ctx, r, count, len(left) == 0)...)
}

// prove looks for what still carries the drill's label.
func prove(ctx context.Context, r CleanRequest, count int, clean bool) []record.CleanupEvent {
	var names []string
	if r.Kit.Remains != nil {
		var err error
		if names, err = r.Kit.Remains(ctx, r.Scope); err != nil {
			e := record.CleanupEvent{State: "incomplete", Error: r.Hide(err.Error()), Fix: "lifeboat sweep"}
			r.report(e)
			return []record.CleanupEvent{e}
		}
	}
	if len(names) > 0 || !clean {
		e := record.CleanupEvent{State: "incomplete", Left: names, Fix: "lifeboat sweep"}
		r.report(e)
		if len(names) == 0 {
			return nil
		}
		return []record.CleanupEvent{e}
	}
	r.report(record.CleanupEvent{State: "proved", Count: count})
	return nil
}
