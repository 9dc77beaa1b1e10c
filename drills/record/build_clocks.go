package record

import (
	"cmp"
	"time"
)

// defaultStable is used where a journal does not say how long green must last.
const defaultStable = 60 * time.Second

// Stable is how long the business must stay green to count as back.
func (h Header) Stable() time.Duration {
	if h.StableFor <= 0 {
		return defaultStable
	}
	return h.StableFor
}

// effect finds T0: the earliest effect that was confirmed. The earliest of
// several brackets lies between the least of their early and of their late bounds.
func (b *Builder) effect(in *Incident, end Moment) {
	from, _ := in.injected() // nothing of this incident can have happened before
	earliest := func(m Moment, source string) {
		m.Early = min(max(m.Early, from), m.Late)
		switch {
		case in.T0 == nil:
			in.T0, in.T0Source = &m, source
		case m.Late < in.T0.Late:
			in.T0, in.T0Source = &Moment{min(m.Early, in.T0.Early), m.Late}, source
		default:
			in.T0.Early = min(in.T0.Early, m.Early)
		}
	}
	for _, f := range in.Faults {
		if f.Effective != nil {
			earliest(*f.Effective, "fault")
		}
	}
	if m, ok := b.firstRed(in, end); ok {
		earliest(m, "pulse")
	}
	for _, c := range b.broken {
		if c.incident == in.ID && (in.T0 == nil || c.at.Late < in.T0.Late) {
			earliest(Moment{Early: min(max(from, in.Begin), c.at.Late), Late: c.at.Late}, "check")
		}
	}
}

// injected is when the first fault of an incident was injected, at the earliest.
func (in *Incident) injected() (first time.Duration, any bool) {
	for _, f := range in.Faults {
		if f.Injected != nil && (!any || f.Injected.Early < first) {
			first, any = f.Injected.Early, true
		}
	}
	return first, any
}

// Breaks is from when on what turns red may be this incident's doing: where faults break things the first injection,
// else its begin. What was red between the two is the upgrade's.
func (in *Incident) Breaks() time.Duration {
	if first, any := in.injected(); any && in.Trigger == TriggerFault {
		return max(in.Begin, first)
	}
	return in.Begin
}

// firstRed is the first red edge of an incident; planned downtime is none.
// Where the business was red already when the fault came, and stayed red, the
// fault counts from its injection: late detection must not look early.
func (b *Builder) firstRed(in *Incident, end Moment) (Moment, bool) {
	if b.r.Pulse == nil {
		return Moment{}, false
	}
	for _, s := range b.r.Pulse.Reds {
		if s.Planned || s.From.Late > end.Late {
			continue
		}
		if s.From.Late >= in.Breaks() {
			return s.From, true
		}
		for _, f := range in.Faults {
			if f.Injected == nil || !s.Open && s.To.Early <= f.Injected.Late {
				continue
			}
			if f.Effective != nil && (s.Open || s.To.Late > f.Effective.Late) {
				return *f.Injected, true
			}
		}
	}
	return Moment{}, false
}

// booted finds T4: the last instance that became ready after the rollback
// began, before the next incident. Where nobody asked one of them whether it is ready, nobody knows which was the last.
func (b *Builder) booted(in *Incident, end Moment) {
	last := in.ID == b.current()
	unseen := false
	for _, f := range b.r.Boots {
		own := f.Subject.Incident == in.ID
		if !own && (f.Subject.Incident != 0 || (!last && f.Ready > end.Late)) {
			continue
		}
		if f.Ready >= in.T3.Early && (in.T4 == nil || f.Ready > in.T4.Late) {
			in.T4 = new(At(f.Ready))
		}
		unseen = unseen || f.Ready >= in.T3.Early && f.Unseen
	}
	if unseen {
		in.T4 = nil
	}
}

// recovered finds T5 and T6 on the pulse between the rollback's start and the
// incident's end.
func (b *Builder) recovered(in *Incident, end Moment, followed bool) {
	green, known := b.green(in.T3.Early)
	var since *Moment // of the green window that is open
	if known && green {
		since = in.T3
	}
	var first *Moment
	for _, e := range b.edges {
		if e.at.Late <= in.T3.Early || followed && e.at.Late >= end.Early {
			continue
		}
		if e.red {
			since = nil
			continue
		}
		at := e.at
		since = &at
		if first == nil {
			first = &at
		}
	}
	if first == nil {
		first = since
	}
	in.T5 = first
	u := b.r.Pulse
	whole := u != nil && (!u.Open || followed && u.To.Early >= end.Early) && u.Totals.Good+u.Totals.Bad > 0
	if u != nil && u.Open && followed && u.Broken == "" {
		whole = true // it still ran when the next incident began
	}
	if since != nil && whole && end.Early-since.Late >= b.r.Header.Stable() {
		in.T6 = since
	}
}

// verified finds T7: the business is back and every check that was planned
// has passed, asked after this rollback.
func (b *Builder) verified(in *Incident) {
	if in.T6 == nil || len(b.r.Header.Checks) == 0 {
		return
	}
	var last time.Duration
	for _, p := range b.r.Header.Checks {
		ended, ok := b.passed(p, in)
		if !ok {
			return
		}
		last = max(last, ended)
	}
	in.T7 = &Moment{Early: max(in.T6.Early, last), Late: max(in.T6.Late, last)}
}

// passed says when a check's last result after a rollback came, and whether
// all its results were good. Without a result of this incident those of later ones count.
func (b *Builder) passed(p CheckPlan, in *Incident) (ended time.Duration, ok bool) {
	incident := 0
	for _, c := range b.r.Checks {
		if c.Name != p.Name || c.Layer != p.Layer || c.When != After || c.Incident < in.ID || c.Ended < in.T3.Early {
			continue
		}
		incident = cmp.Or(incident, c.Incident)
		if c.Incident != incident {
			break
		}
		if c.Status != CheckPassed {
			return 0, false
		}
		ended, ok = max(ended, c.Ended), true
	}
	return ended, ok
}
