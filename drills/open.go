package drills

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
	"lifeboat/verifier"
)

// open takes a number, and opens the drill's room, its ledger and its journal, in this order.
func open(kit Kit, p *Plan, opt Options) (*drill, error) {
	now := time.Now()
	id := record.NewID(now)
	dir, err := filepath.Abs(filepath.Join(opt.Home, "drills", id))
	if err != nil {
		return nil, fmt.Errorf("find the home directory: %w", err)
	}
	b := &books{Known: secrets.Of(p.Scenario), id: id, dir: dir, base: now}
	b.log = b.Logger(opt.Log)
	d := &drill{books: b, kit: kit, plan: p, opt: opt,
		scope: ledger.Scope{Drill: id, Owner: ledger.Self(), Deadline: now.Add(p.Scenario.Deadline.Std() + opt.Patience), Home: dir}}
	site := instance.Site{Scope: d.scope, Journal: b, Ledger: b, Log: b.log, Base: now,
		Network: instance.Network{Range: p.Scenario.Network.Prefix, Avoid: p.speaksTo()}}
	if d.room, err = machines.Open(kit.Instances, p.Kinds, site); err != nil {
		return nil, &RefusedError{Reasons: []string{b.Hide(err.Error())}}
	}
	b.generation = d.room.Generation
	d.assemble()
	if err := beginsUnproved(filepath.Dir(filepath.Dir(dir)), id); err != nil {
		return nil, fmt.Errorf("enter the drill in its home: %w; is --home writable", err)
	}
	if err := beginsUnlogged(filepath.Dir(filepath.Dir(dir)), id); err != nil {
		return nil, fmt.Errorf("enter the drill in its home: %w; is --home writable", err)
	}
	for _, sub := range []string{"raw", "inbox", "reports"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the drill's folder: %w; is --home writable", err)
		}
	}
	return d, d.openBooks()
}

// openBooks opens the ledger first: it says who owns the journal, from the journal's first event on.
func (d *drill) openBooks() (err error) {
	if d.ledger, err = ledger.Open(d.dir, d.scope); err != nil {
		return err
	}
	d.plan.started.Enter(d.scope, d.ledger, d.log)
	journal := filepath.Join(d.dir, journalName)
	err = record.WithNumber(d.opt.Home, d.plan.Scenario.Series, journal, func(number int) (err error) {
		d.journal, err = record.Create(journal, d.begun(number), d.base, d.opt.Clock)
		return err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("open the journal: %w", err), d.ledger.Close())
	}
	if d.opt.Watch.Event != nil {
		if err := d.journal.Tell(d.opt.Watch.Event); err != nil {
			return errors.Join(fmt.Errorf("read the journal: %w", err), d.journal.Close(), d.ledger.Close())
		}
	}
	return nil
}

// assemble makes the parts of the drill, each with those that it needs.
func (d *drill) assemble() {
	b, p, room := d.books, d.plan, d.room
	at := site{b, p, room}
	d.host = &hostWatch{books: b, room: room, read: d.kit.Host}
	slow := &throttles{books: b, by: map[string]*throttle{}}
	d.disks = &disks{books: b, throttles: slow, broken: map[string]error{}}
	d.disks.life, d.disks.end = context.WithCancel(context.Background())
	d.shows = &diagnoses{books: b, room: room, order: p.Order}
	spoken := &reached{books: b, room: room, flows: map[string]bool{}, checks: map[string]spell{}}
	held := &trees{}
	d.restores = &restores{site: at, trees: held, host: d.host, throttles: slow, disks: d.disks, progress: d.opt.Watch.Progress,
		only: d.opt.UpTo == record.UpToRead}
	k6 := &flows{room: room, with: d.kit.Flows, log: b.log, controls: map[string]verifier.FlowResult{}, throwing: map[asker]bool{}}
	d.business = &business{books: b, plan: p, host: d.host, flows: k6, reached: spoken, told: d.opt.Watch.Sample}
	d.business.trials = &trials{books: b, plan: p, flows: k6, run: d.business.run}
	d.boots = &boots{site: at, host: d.host, restores: d.restores, disks: d.disks, shows: d.shows,
		served: d.business.servedSince}
	d.checks = &checks{site: at, host: d.host, before: map[string]verifier.Facts{},
		target: &target{site: at, trees: held, reached: spoken, boots: d.boots, business: d.business}}
	d.trigger = &trigger{books: b, plan: p, business: d.business}
	d.faults = &faults{site: at, throttles: slow, shows: d.shows, trigger: d.trigger}
	d.operator = &operator{site: at, host: d.host, restores: d.restores, boots: d.boots, shows: d.shows,
		checks: d.checks, renew: d.business.renew}
}
