package main

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// countdown is one objective on the board.
type countdown struct {
	name  string
	limit time.Duration
	left  time.Duration // below zero: over
	took  record.Span   // with countdownReached
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

// countdowns of the two objectives that a rollback is held to, by the record's own clocks: from the earliest moment in
// which the effect can have been, so that they never show more time than is left.
func (b *board) countdowns() []countdown {
	in := b.incident
	if in == nil {
		in = &record.Incident{}
	}
	over := b.judged() // nothing that has not come will come
	var all []countdown
	for _, o := range []struct {
		name string
		at   *record.Moment
	}{{"start_rollback", in.T3}, {"restored", in.T7}} {
		limit, ok := b.scenario.Objectives[o.name]
		if !ok || len(b.scenario.Incidents) == 0 {
			continue
		}
		d := countdown{name: o.name, limit: limit.Std(), left: limit.Std()}
		switch {
		case in.Decision != nil && !in.Decision.RollsBack():
			d.state = countdownNone
		case in.T0 == nil && over:
			d.state = countdownUnproved
		case in.T0 == nil:
		case o.at != nil:
			d.took = record.Between(*in.T0, *o.at)
			d.state, d.left = countdownReached, d.limit-d.took.Upper
		case over:
			d.state, d.left = countdownUnproved, d.limit-(b.now-in.T0.Early)
		default:
			d.state, d.left = countdownRunning, d.limit-(b.now-in.T0.Early)
		}
		all = append(all, d)
	}
	return all
}

// judged tells whether the clocks stand still: clean-up has begun, and the pulse, whose last word they wait for, has ended.
func (b *board) judged() bool {
	begun := slices.ContainsFunc(b.phases, func(p phaseRow) bool {
		return p.name == record.PhaseCleanup && p.state != phaseWaiting
	})
	return begun && (!b.pulse.started || b.pulse.final)
}
