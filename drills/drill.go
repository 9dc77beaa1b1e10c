package drills

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
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

// drill is one running drill: the course of its phases, and the parts that it goes through with.
type drill struct {
	*books
	kit      Kit
	plan     *Plan
	opt      Options
	scope    ledger.Scope
	room     *machines.Room
	host     *hostWatch
	disks    *disks
	shows    *diagnoses
	restores *restores
	business *business
	boots    *boots
	checks   *checks
	trigger  *trigger
	faults   *faults
	operator *operator
	reaper   Reaper
	clean    bool // it is proved that nothing is left
	back     bool // the business was back after the latest rollback, and still was when all checks had been asked
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
	d.host.start(ctx)
	stopSpace := d.watchSpace(ctx, cancel, kit.Space, p.Scenario.FreeDisk)
	err = d.phases(ctx)
	underWay := d.base // whatever was asked of an engine has been answered
	if err != nil {
		d.explain(ctx, err)
		underWay = time.Now()
	}
	stopSpace()
	left := d.cleanup(context.WithoutCancel(ctx), opt.Keep && ctx.Err() == nil, underWay)
	d.disks.close()
	d.host.end()
	stopInbox()
	res, err := d.seal(left)
	if err != nil {
		return nil, &BrokenError{Drill: d.id, Left: len(left), Err: err}
	}
	return res, nil
}

// phases runs the drill up to clean-up. What it returns has not been written down yet.
func (d *drill) phases(ctx context.Context) (err error) {
	if err := d.keepScenario(d.plan.Scenario); err != nil {
		return err
	}
	if d.kit.Reaper != nil {
		k, err := d.kit.Reaper(ctx, d.scope)
		if err != nil {
			return fmt.Errorf("start the reaper: %w", err)
		}
		d.reaper = k
		if err := k.Hide(d.List()); err != nil {
			return fmt.Errorf("tell the reaper what to hide: %w", err)
		}
	}
	ahead := d.sealAhead(ctx)
	defer func() { ahead(err) }()
	if err := d.plan.readProfiles(ctx, d.Hide); err != nil {
		return err
	}
	if d.opt.UpTo == record.UpToRead {
		if err := d.phase(ctx, record.PhasePrecheck, d.restores.look); err != nil {
			return err
		}
		if err := d.turn(ctx); err != nil {
			return err
		}
		return d.phase(ctx, record.PhaseRestore, d.restores.read)
	}
	s := d.plan.Scenario
	steps := []struct {
		name string
		run  func(context.Context) error
		skip bool
	}{
		{record.PhasePrecheck, d.precheck, false},
		{record.PhaseRestore, d.boots.all, false},
		{record.PhasePrepare, d.prepare, len(s.Prepare) == 0},
		{record.PhaseBaseline, d.baseline, false},
		{record.PhaseUpgrade, d.upgrade, len(s.Upgrade) == 0},
	}
	for _, st := range steps {
		if st.skip {
			continue
		}
		if st.name == record.PhaseRestore {
			if err := d.turn(ctx); err != nil {
				return err
			}
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

// turn waits until it may restore.
func (d *drill) turn(ctx context.Context) error {
	if d.opt.Turn == nil {
		return nil
	}
	return d.opt.Turn(ctx)
}
