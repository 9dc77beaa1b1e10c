package drills

import (
	"context"
	"errors"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// The limits of a clean-up. Each has a time of its own, so that what takes long spoils nothing that comes after it.
const (
	witnessWithin = time.Minute      // for the pulse to stop and the attempts to get out to be read
	cleanupWithin = 3 * time.Minute  // for all that is undone; what is left then is reported
	proofWithin   = time.Minute      // for the engine to say what is left
	settlesWithin = 10 * time.Second // for what was removed to be gone from its lists
	lookEvery     = 500 * time.Millisecond
)

// cleanup stops the pulse, heals, destroys, and proves that nothing is left. It
// returns what is still there. With keep, a drill that did not pass is left as it is. What may be under way on an engine was begun
// by since.
func (d *drill) cleanup(ctx context.Context, keep bool, since time.Time) []record.CleanupEvent {
	d.note(record.KindPhase, record.PhaseEvent{Phase: record.PhaseCleanup})
	d.closeWitness(ctx)
	d.host.lastWords(ctx)
	if keep && !d.passedSoFar() {
		return d.keepAll(ctx)
	}
	done := CleanUp(ctx, CleanRequest{Scope: d.scope, Kit: d.kit, Mark: d.ledger.Mark, Hide: d.Hide,
		Report: d.noteOf, Since: since})
	d.note(record.KindPhase, done.phase())
	d.clean = done.Clean()
	return done.Left
}

// closeWitness stops the pulse and reads what the restored machines tried to reach.
func (d *drill) closeWitness(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, witnessWithin)
	defer cancel()
	for _, closing := range []func(context.Context) error{d.business.pulse.stop, d.collectEgress, d.business.reached.write} {
		if err := closing(ctx); err != nil {
			d.note(record.KindHarness, record.HarnessError{Phase: record.PhaseCleanup, Error: d.Hide(err.Error())})
		}
	}
	d.collectHidden(ctx)
}

// keepAll leaves everything to the reaper's deadline and says what is left and how to remove it.
func (d *drill) keepAll(ctx context.Context) []record.CleanupEvent {
	kept := record.CleanupEvent{State: record.CleanupKept, Fix: "lifeboat sweep --kept", DiskLost: d.disks.served()}
	if d.kit.Remains != nil {
		ctx, cancel := context.WithTimeout(ctx, proofWithin)
		defer cancel()
		names, err := d.kit.Remains(ctx, d.scope)
		if err != nil {
			kept.Error = d.Hide(err.Error())
		}
		kept.Left = names
	}
	d.note(record.KindCleanup, kept)
	if err := d.unheld(); err != nil {
		d.log.Error("write the journal", "error", err)
	}
	d.note(record.KindPhase, record.PhaseEvent{Phase: record.PhaseCleanup, Outcome: record.OutcomeSkipped})
	if d.reaper != nil {
		if err := d.reaper.Keep(); err != nil {
			d.log.Error("hand over to the reaper", "error", err)
		}
		d.reaper = nil
	}
	return nil
}

// collectEgress writes down what the restored machines tried to reach.
func (d *drill) collectEgress(ctx context.Context) error {
	var errs []error
	for _, driver := range d.room.Bases() {
		r, ok := instance.As[instance.EgressReporter](driver)
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
	return slices.Contains(list, e.Target) || slices.Contains(list, e.Host) || e.Host != "" && slices.Contains(list, hostOf(e.Target, e.Host))
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
