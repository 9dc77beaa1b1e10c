package drills

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/machines"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// Result of a drill that took a number.
type Result struct {
	Drill   string
	Dir     string
	Record  *record.Record
	Verdict record.Verdict
	Left    []record.CleanupEvent // what could not be cleaned up, each with the command that does it
}

// journalName is the file of a drill's events in its folder.
const journalName = "journal.ndjson"

// drill is one running drill.
type drill struct {
	kit      Kit
	plan     *Plan
	opt      Options
	id, dir  string
	base     time.Time
	journal  *record.Journal
	ledger   *ledger.File
	scope    ledger.Scope
	room     *machines.Room
	opening  sync.Mutex // guards flows
	flows    verifier.Flows
	pulse    *pulse
	host     *hostWatch
	reaper   Reaper
	clean    bool // it is proved that nothing is left
	secrets  *secrets
	incident int
	silent   []FaultPlan // of the incident, on machines that have not answered since
	bitten   []FaultPlan // of all incidents, seen to bite and not seen to be gone
	ruled    int         // the incident for which the trigger rule was armed last
	decided  bool        // an incident has been decided, and rolled back where that was decided, and no fault was asked since
	rolled   bool        // a rollback of it has begun
	// rollbackAt is when the latest rollback started: a green window counts from there.
	rollbackAt time.Duration
	back       bool // the business was back after the latest rollback, and still was when all checks had been asked

	mu        sync.Mutex
	inPhase   string               // the latest; it stays when the phase has ended
	throttles map[string]*throttle // by backup, set by faults
	before    map[string]verifier.Facts
	screens   int                            // kept below raw/
	controls  map[string]verifier.FlowResult // of flows before decoys, by what was asked
	throws    map[asker]bool                 // flows that have no checks: they throw, and were seen to
	disks     disks
	reached   reached
}

// Run runs a plan. The error means that nothing was started: *RefusedError or a
// home that cannot be used. After that there is a Result, or a *BrokenError.
func Run(ctx context.Context, kit Kit, p *Plan, opt Options) (*Result, error) {
	if refusals := append(slices.Clone(p.Refusals), p.tryHost(ctx, kit)...); len(refusals) > 0 {
		return nil, &RefusedError{Reasons: refusals}
	}
	d, err := open(kit, p, opt)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer d.room.Close()
	stopInbox := d.watchInbox(ctx, cancel)
	d.watchHost(ctx)
	stopSpace := d.watchSpace(ctx, cancel)
	err = d.phases(ctx)
	if err != nil {
		d.explain(ctx, err)
	}
	stopSpace()
	left := d.cleanup(context.WithoutCancel(ctx), opt.Keep && ctx.Err() == nil)
	d.closeDisks()
	d.host.end()
	stopInbox()
	res, err := d.seal(left)
	if err != nil {
		return nil, &BrokenError{Drill: d.id, Left: len(left), Err: err}
	}
	return res, nil
}

// open takes a number, and opens journal, ledger and reaper, in this order.
func open(kit Kit, p *Plan, opt Options) (*drill, error) {
	now := time.Now()
	id := record.NewID(now)
	dir, err := filepath.Abs(filepath.Join(opt.Home, "drills", id))
	if err != nil {
		return nil, fmt.Errorf("find the home directory: %w", err)
	}
	d := &drill{
		kit: kit, plan: p, opt: opt, id: id, dir: dir, base: now,
		throttles: map[string]*throttle{}, before: map[string]verifier.Facts{}, controls: map[string]verifier.FlowResult{},
		throws:  map[asker]bool{},
		secrets: secretsOf(p.Scenario),
	}
	d.opt.Log = d.secrets.logger(opt.Log)
	d.disks.life, d.disks.end = context.WithCancel(context.Background())
	d.scope = ledger.Scope{Drill: id, Owner: ledger.Self(), Deadline: now.Add(p.Scenario.Deadline.Std()), Home: dir}
	site := instance.Site{Scope: d.scope, Journal: d, Ledger: d, Log: d.opt.Log, Base: now,
		Network: instance.Network{Range: p.Scenario.Network.Prefix, Avoid: p.speaksTo()}}
	if d.room, err = machines.Open(kit.Instances, p.Kinds, site); err != nil {
		return nil, &RefusedError{Reasons: []string{d.secrets.hide(err.Error())}}
	}
	if err := beginsUnproved(filepath.Dir(filepath.Dir(dir)), id); err != nil {
		return nil, fmt.Errorf("enter the drill in its home: %w; is --home writable", err)
	}
	for _, sub := range []string{"raw", "inbox", "reports"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the drill's folder: %w; is --home writable", err)
		}
	}
	// The ledger first: it says who owns the journal, from the journal's first event on.
	if d.ledger, err = ledger.Open(dir, d.scope); err != nil {
		return nil, err
	}
	p.started.Enter(d.scope, d.ledger, d.opt.Log)
	journal := filepath.Join(dir, journalName)
	err = record.WithNumber(opt.Home, p.Scenario.Series, journal, func(number int) (err error) {
		d.journal, err = record.Create(journal, d.header(number), now, opt.Clock)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal: %w", err), d.ledger.Close())
	}
	if opt.Watch.Event != nil {
		if err := d.journal.Tell(opt.Watch.Event); err != nil {
			return nil, errors.Join(fmt.Errorf("read the journal: %w", err), d.journal.Close(), d.ledger.Close())
		}
	}
	return d, nil
}

// phases runs the drill up to clean-up. What it returns has not been written down yet.
func (d *drill) phases(ctx context.Context) error {
	if err := d.keepScenario(); err != nil {
		return err
	}
	if d.kit.Reaper != nil {
		k, err := d.kit.Reaper(ctx, d.scope)
		if err != nil {
			return fmt.Errorf("start the reaper: %w", err)
		}
		d.reaper = k
		if err := k.Hide(d.secrets.list()); err != nil {
			return fmt.Errorf("tell the reaper what to hide: %w", err)
		}
	}
	s := d.plan.Scenario
	steps := []struct {
		name string
		run  func(context.Context) error
		skip bool
	}{
		{record.PhasePrecheck, d.precheck, false},
		{record.PhaseRestore, d.restoreAll, false},
		{record.PhasePrepare, d.prepare, len(s.Prepare) == 0},
		{record.PhaseBaseline, d.baseline, false},
		{record.PhaseUpgrade, d.upgrade, len(s.Upgrade) == 0},
	}
	for _, st := range steps {
		if st.skip {
			continue
		}
		if err := d.phase(ctx, st.name, st.run); err != nil {
			return err
		}
	}
	if s.Trigger == record.TriggerNone { // everything was asked, and nothing has changed since
		return d.room.Intact(ctx)
	}
	if err := d.incidents(ctx); err != nil {
		return err
	}
	return d.phase(ctx, record.PhaseVerify, d.verify)
}

// phase brackets fn with events.
func (d *drill) phase(ctx context.Context, name string, fn func(context.Context) error) error {
	d.mu.Lock()
	d.inPhase = name
	d.mu.Unlock()
	if err := d.Append(record.KindPhase, d.subject(""), record.PhaseEvent{Phase: name}); err != nil {
		return err
	}
	err := fn(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	end := record.PhaseEvent{Phase: name, Outcome: record.OutcomeDone}
	if err != nil {
		end.Outcome, end.Error = record.OutcomeFailed, d.secrets.hide(err.Error())
	}
	return errors.Join(err, d.Append(record.KindPhase, d.subject(""), end))
}

// note appends an event and complains to the log when even that fails: there is nobody left to tell.
func (d *drill) note(kind record.Kind, data any) { d.noteOf(kind, record.Subject{}, data) }

func (d *drill) noteOf(kind record.Kind, subject record.Subject, data any) {
	if err := d.Append(kind, subject, data); err != nil {
		d.opt.Log.Error("write the journal", "kind", kind, "error", err)
	}
}

// Append implements instance.Journal.
func (d *drill) Append(kind record.Kind, subject record.Subject, data any) error {
	if err := d.journal.Append(kind, subject, d.secrets.hideEvent(data)); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Intend implements instance.Ledger.
func (d *drill) Intend(e ledger.Entry) (int, error) { return d.ledger.Intend(e) }

func (d *drill) elapsed() time.Duration { return time.Since(d.base) }

func (d *drill) now() record.Moment { return record.At(d.elapsed()) }

// subject of an instance's events in the incident that is open.
func (d *drill) subject(name string) record.Subject {
	d.mu.Lock()
	defer d.mu.Unlock()
	return record.Subject{Instance: name, Generation: d.room.Generation(name), Incident: d.incident}
}

// passedSoFar judges the journal as it stands before the clean-up.
func (d *drill) passedSoFar() bool {
	r, err := d.build()
	return err == nil && objective.SoFar(r) == record.StatusPassed
}
