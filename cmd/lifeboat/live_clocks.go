package main

import (
	"time"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// clocks run from the earliest confirmed effect (T0) of the incident that is
// open. They are for the people who watch; the verdict has the record's own.
type clocks struct {
	incident int
	armed    bool // from here on a red pulse is an effect
	order    bool // T0 is the order, whatever the pulse says
	t0       *time.Duration
	started  *time.Duration // the rollback began (T3)
	verified *time.Duration // every check has passed after the rollback
	unproved bool           // verification ended otherwise
	bad      bool           // a check after the rollback did not pass
	none     bool           // decided: no rollback
}

func (c *clocks) event(e drills.EventSeen, s *scenarios.Scenario, p *pulseRow) {
	switch d := e.Data.(type) {
	case record.UpgradeEvent:
		if s.Trigger == record.TriggerUpgrade && d.State == "started" {
			c.armed, c.incident = true, 1
		}
	case record.IncidentEvent:
		c.open(e, d)
	case record.PulseEvent:
		if d.State == "red" && c.armed {
			c.effect(d.At.Early)
		}
	case record.FaultEvent:
		if d.State == "injected" && s.Trigger == record.TriggerFault {
			c.armed = true
		}
		if d.State == "effective" && c.armed {
			c.effect(d.At.Early)
		}
	case record.Decision:
		c.none = !d.RollsBack()
	case record.RollbackEvent:
		if d.State == "started" && c.started == nil {
			at := e.Elapsed
			c.started = &at
		}
	case record.CheckResult:
		switch {
		case d.When == "broken" && d.Status == record.CheckFailed && c.armed:
			c.effect(d.Started)
		case d.When == "after" && d.Status != record.CheckPassed:
			c.bad = true
		}
	case record.PhaseEvent:
		c.phase(e.Elapsed, d, p)
	}
}

// open begins the clocks of an incident. Where the upgrade is what breaks they run already.
func (c *clocks) open(e drills.EventSeen, d record.IncidentEvent) {
	id := max(1, e.Subject.Incident)
	if id != c.incident {
		*c = clocks{incident: id}
	}
	c.armed = d.Trigger != record.TriggerFault // then it begins with the first injection
	if d.Trigger == record.TriggerOrder {
		c.effect(d.At.Early)
		c.order = true
	}
}

// effect keeps the earliest one, at its early bound: the clock never shows more time than is left.
func (c *clocks) effect(at time.Duration) {
	if c.t0 == nil || (at < *c.t0 && !c.order) {
		c.t0 = &at
	}
}

func (c *clocks) phase(at time.Duration, d record.PhaseEvent, p *pulseRow) {
	switch {
	case d.Phase == record.PhaseVerify && d.Outcome == record.OutcomeDone && c.started != nil:
		if c.bad || p.state == "red" || p.state == "broken" {
			c.unproved = true
			return
		}
		c.verified = &at
	case d.Phase == record.PhaseVerify && d.Outcome == record.OutcomeFailed,
		d.Phase == record.PhaseCleanup && d.Outcome == "" && c.verified == nil:
		c.unproved = true
	}
}

// countdown is one objective on the board.
type countdown struct {
	name  string
	limit time.Duration
	left  time.Duration // below zero: over
	state countdownState
}

type countdownState int

const (
	countdownWaiting  countdownState = iota // no T0 yet
	countdownRunning                        //
	countdownReached                        // left stands still
	countdownUnproved                       // verification ended without every check passed
	countdownNone                           // no rollback was decided
)

// countdowns of the two objectives that a rollback is held to.
func (b *board) countdowns() []countdown {
	var all []countdown
	c := b.clocks
	for _, o := range []struct {
		name     string
		at       *time.Duration
		unproved bool
	}{{"start_rollback", c.started, c.started == nil && c.unproved}, {"restored", c.verified, c.unproved}} {
		limit, ok := b.scenario.Objectives[o.name]
		if !ok || len(b.scenario.Incidents) == 0 {
			continue
		}
		d := countdown{name: o.name, limit: limit.Std(), left: limit.Std()}
		switch {
		case c.none:
			d.state = countdownNone
		case c.t0 == nil && o.unproved:
			d.state = countdownUnproved
		case c.t0 == nil:
		case o.at != nil:
			d.state, d.left = countdownReached, d.limit-(*o.at-*c.t0)
		case o.unproved:
			d.state, d.left = countdownUnproved, d.limit-(b.now-*c.t0)
		default:
			d.state, d.left = countdownRunning, d.limit-(b.now-*c.t0)
		}
		all = append(all, d)
	}
	return all
}
