package record

import (
	"cmp"
	"slices"
	"time"
)

// broken is a check that failed while the system was broken: an effect that can be seen.
type broken struct {
	incident int
	at       Moment
}

// incident returns the incident that an event is about; it is made when a
// journal speaks of it for the first time.
func (b *Builder) incident(e Event) *Incident {
	id := e.Subject.Incident
	if id <= 0 {
		id = max(1, b.current())
		if e.Kind == KindIncident {
			id = b.current() + 1
		}
	}
	if i, ok := b.at[id]; ok {
		return &b.r.Incidents[i]
	}
	b.at[id] = len(b.r.Incidents)
	b.r.Incidents = append(b.r.Incidents, Incident{ID: id, Trigger: b.r.Header.Trigger, Begin: e.Elapsed})
	return &b.r.Incidents[len(b.r.Incidents)-1]
}

// current is the incident that was opened last, 0 before any.
func (b *Builder) current() int {
	if n := len(b.r.Incidents); n > 0 {
		return b.r.Incidents[n-1].ID
	}
	return 0
}

func (b *Builder) opened(e Event, x IncidentEvent) {
	in := b.incident(e)
	if x.Trigger != "" {
		in.Trigger = x.Trigger
	}
	if in.Trigger == TriggerOrder && in.T0 == nil {
		in.T0, in.T0Source = new(moment(x.At, e)), "order"
	}
}

func (b *Builder) detected(e Event, x Detected) {
	if in := b.incident(e); in.T1 == nil {
		in.T1, in.Rule = new(moment(x.At, e)), x.Rule
	}
}

func (b *Builder) decided(e Event, x Decision) {
	if in := b.incident(e); in.T3 == nil {
		x.At = moment(x.At, e)
		in.T2, in.Decision = &x.At, &x
	}
}

func (b *Builder) rollback(e Event, x RollbackEvent) {
	in, at := b.incident(e), At(e.Elapsed)
	if in.T3 == nil {
		in.T3, in.Rollback = &at, RollbackRunning
	}
	if x.State == RollbackDone || x.State == RollbackFailed {
		in.Rollback, in.Error, in.RolledBack, in.Overdue = x.State, x.Error, &at, x.Overdue
	}
}

// moment of a fact; a fact that does not say it happened when it was written.
func moment(m Moment, e Event) Moment {
	if m == (Moment{}) {
		return At(e.Elapsed)
	}
	return ordered(m)
}

func (b *Builder) fault(e Event, f FaultEvent) {
	in := b.incident(e)
	same := func(x FaultFact) bool { return x.Index == f.Index && x.Kind == f.Kind && x.On == f.On }
	i := slices.IndexFunc(in.Faults, same)
	if i < 0 {
		in.Faults = append(in.Faults, FaultFact{Kind: f.Kind, On: f.On, Index: f.Index})
		i = len(in.Faults) - 1
	}
	x := &in.Faults[i]
	x.State = f.State
	if f.Note != "" {
		x.Note = f.Note
	}
	at := moment(f.At, e)
	switch {
	case f.State == FaultInjected && x.Injected == nil:
		x.Injected = &at
	case f.State == FaultEffective && x.Effective == nil:
		x.Effective = &at
	case f.State == FaultEnded:
		x.Ended = &at
	case f.After > 0:
		x.Again = append(x.Again, FaultAsked{After: f.After, State: f.State, Expected: f.Expected, At: at, Note: f.Note})
	case f.State == FaultNoEffect:
		x.NoEffect, x.Effective = true, nil // also of what was taken for effective before
	}
}

func (b *Builder) check(e Event, c CheckResult) {
	c.Incident = cmp.Or(c.Incident, e.Subject.Incident, b.current())
	b.r.Checks = append(b.r.Checks, c)
	if c.When == Broken && c.Status == CheckFailed {
		b.broken = append(b.broken, broken{c.Incident, ordered(Moment{c.Started, c.Ended})})
	}
}

// incidentAt is the incident that was open at a moment, 0 for none.
func (b *Builder) incidentAt(at time.Duration) int {
	id := 0
	for _, in := range b.r.Incidents {
		if in.Begin <= at {
			id = in.ID
		}
	}
	return id
}

// begins says from when on each incident is open, in order: from its first
// event, its first injection, or, where the upgrade is what breaks, the upgrade's start.
func (b *Builder) begins() {
	ins := b.r.Incidents
	for i := range ins {
		for _, f := range ins[i].Faults {
			if f.Injected != nil {
				ins[i].Begin = min(ins[i].Begin, f.Injected.Early)
			}
		}
	}
	slices.SortStableFunc(ins, func(x, y Incident) int { return cmp.Compare(x.ID, y.ID) })
	if len(ins) > 0 && ins[0].Trigger == TriggerUpgrade && b.r.Upgrade != nil {
		ins[0].Begin = min(ins[0].Begin, b.r.Upgrade.From.Early)
	}
	for i := 1; i < len(ins); i++ {
		ins[i].Begin = max(ins[i].Begin, ins[i-1].Begin)
	}
}

func (b *Builder) finishIncidents() {
	for i := range b.r.Incidents {
		in := &b.r.Incidents[i]
		if in.T0 == nil {
			b.effect(in, b.end(i))
		}
		if in.T3 == nil {
			continue
		}
		b.booted(in, b.end(i))
		b.recovered(in, b.end(i), i+1 < len(b.r.Incidents))
		b.verified(in)
	}
}

// end of an incident: the next one, or the end of the pulse, or of watching.
func (b *Builder) end(i int) Moment {
	if i+1 < len(b.r.Incidents) {
		return At(b.r.Incidents[i+1].Begin)
	}
	if b.r.Pulse != nil {
		return b.r.Pulse.To
	}
	return At(b.r.Observed)
}

// goesOn: a drill that was sealed is over. Only the reaper may go on, with what was kept or what it finds when it could
// not know of the seal; what else it writes changes nothing.
func (b *Builder) goesOn(e Event) bool {
	_, known := b.at[e.Subject.Incident]
	return e.Kind == KindCleanup || e.Kind == KindTorn || e.Kind == KindFault && known // what the clean-up made of it
}

// cleaned follows each thing to its last state: what the harness could not
// remove and the reaper could is not left.
func (b *Builder) cleaned(e Event, c CleanupEvent) {
	k := &b.r.Cleanup
	settled := func(same func(CleanupEvent) bool) { k.Failed = slices.DeleteFunc(k.Failed, same) }
	same := func(o CleanupEvent) bool { return o.What == c.What && o.Name == c.Name && o.Entry == c.Entry }
	switch c.State {
	case CleanupUndone:
		settled(same)
		k.Undone += max(1, c.Count)
	case CleanupGone:
		settled(same)
	case CleanupFailed:
		settled(same)
		k.Failed, k.T8 = append(k.Failed, c), nil
	case CleanupIncomplete:
		settled(func(o CleanupEvent) bool { return o.State == CleanupIncomplete })
		k.Failed, k.T8 = append(k.Failed, c), nil
	case CleanupUnproved:
		k.Unproved, k.T8 = c.Error, nil
	case CleanupKept:
		if len(c.Left) == 0 && c.Name != "" {
			c.Left = []string{c.Name}
		}
		k.Kept, k.DiskLost = append(k.Kept, c.Left...), append(k.DiskLost, c.DiskLost...)
	case CleanupProved:
		settled(func(o CleanupEvent) bool { return o.State == CleanupIncomplete })
		k.T8, k.Unproved = new(At(e.Elapsed)), ""
	}
	k.By = e.Actor
}
