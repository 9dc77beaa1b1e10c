package record

import (
	"cmp"
	"slices"
	"time"
)

// edge is the pulse turning red or green.
type edge struct {
	red bool
	at  Moment
	why string
	of  *RedFacts // of the stretch that a green edge ends
}

func (b *Builder) pulse(e Event, p PulseEvent) {
	if p.At == (Moment{}) {
		p.At = At(e.Elapsed)
	}
	if b.r.Pulse == nil {
		b.r.Pulse = &Pulse{Window: Window{From: p.At, Open: true}}
	}
	u := b.r.Pulse
	switch p.State {
	case PulseStarted:
		u.Pace = p.Pace
	case PulseRed, PulseGreen:
		red := p.State == PulseRed
		if n := len(b.edges); n == 0 || b.edges[n-1].red != red {
			b.edges = append(b.edges, edge{red: red, at: ordered(p.At), why: p.Why, of: p.Red})
		}
	case PulseRests:
		u.Rests = append(u.Rests, Rest{Window: Window{From: ordered(p.At), Open: true}, Flow: p.Why, Seen: p.Seen})
	case PulseTurns:
		u.Rests = append(u.Rests, Rest{Window: Window{From: ordered(p.At), Open: true}, Flow: p.Why, Scenario: p.Scenario, Turn: true})
	case PulseGoesOn:
		if n := len(u.Rests); n > 0 {
			u.Rests[n-1].To, u.Rests[n-1].Open = ordered(p.At), false
			u.Rests[n-1].Seen = u.Rests[n-1].Seen && p.Seen
		}
	case PulseStopped:
		u.Late, b.red, u.Asked, u.Unasked = p.Late, p.Red, p.Asked, p.Unasked
		if u.Broken == "" {
			u.To, u.Open, u.Totals = ordered(p.At), false, p.Totals
		}
	case PulseBroken:
		u.Late, b.red, u.Asked, u.Unasked = p.Late, p.Red, p.Asked, p.Unasked
		u.To, u.Open, u.Broken = ordered(p.At), true, p.Why
		u.Broken = cmp.Or(u.Broken, "the stream ended")
		u.Totals = p.Totals
	}
}

// ordered keeps a bracket a bracket, whatever a journal says.
func ordered(m Moment) Moment { return Moment{Early: min(m.Early, m.Late), Late: max(m.Early, m.Late)} }

// finishPulse makes stretches of the edges. A stretch whose end was not seen
// lasts as long as anybody watched.
func (b *Builder) finishPulse() {
	u := b.r.Pulse
	if u == nil {
		return
	}
	if u.Open && u.Broken == "" {
		u.To = At(b.r.Observed)
	}
	for _, e := range b.edges {
		if e.red {
			u.Reds = append(u.Reds, Stretch{Window: Window{From: e.at, To: u.To, Open: true}, Why: e.why})
			continue
		}
		if n := len(u.Reds); n > 0 {
			u.Reds[n-1].To, u.Reds[n-1].Open, u.Reds[n-1].Facts = e.at, false, e.of
		}
	}
	if n := len(u.Reds); n > 0 && u.Reds[n-1].Open {
		u.Reds[n-1].Facts = b.red
	}
	for i := range u.Rests {
		if u.Rests[i].Open {
			u.Rests[i].To = u.To
		}
	}
	for i := range u.Reds {
		u.Reds[i].Incident = b.incidentAt(u.Reds[i].From.Late)
		u.Reds[i].Planned = b.planned(u.Reds[i])
	}
}

// planned: the stretch lies wholly inside an upgrade, before any fault of it. Where faults break things, what its last
// step interrupts is planned as well, though it is seen or ends a moment later: the fault waits for that.
func (b *Builder) planned(s Stretch) bool {
	if w := b.r.Upgrade; w != nil && b.plannedIn(*w, s) {
		return true
	}
	return slices.ContainsFunc(b.begun, func(w Window) bool { return b.plannedIn(w, s) })
}

func (b *Builder) plannedIn(w Window, s Stretch) bool {
	if s.Open || s.From.Late < w.From.Early || (!w.Open && s.To.Early > w.To.Late && b.r.Header.Trigger != TriggerFault) {
		return false
	}
	for _, in := range b.r.Incidents {
		for _, f := range in.Faults {
			if f.Injected != nil && f.Injected.Early < s.To.Late && f.Injected.Late > w.From.Early {
				return false
			}
		}
	}
	return true
}

// green tells what the pulse said at a moment: whether it was green, and
// whether that is known at all.
func (b *Builder) green(at time.Duration) (green, known bool) {
	u := b.r.Pulse
	if u == nil || u.From.Early > at || (u.Broken != "" && u.To.Late < at) {
		return false, false
	}
	for _, e := range slices.Backward(b.edges) {
		if e.at.Late <= at {
			return !e.red, true
		}
	}
	// No edge before: as good as the first that follows says it is not, or else as the totals say.
	if len(b.edges) > 0 {
		return b.edges[0].red, b.edges[0].red
	}
	return true, u.Totals.Good > 0
}
