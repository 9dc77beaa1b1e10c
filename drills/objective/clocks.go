package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// each measures an objective for every incident, with the basis that its kind has.
func (j *judge) each(one func(*judge, *record.Incident) measure) []measure {
	if j.r.Header.Trigger == record.TriggerNone {
		return []measure{{notAsked: new(reason("not_applicable.check_run", args{}))}}
	}
	var all []measure
	for i := range j.r.Incidents {
		in := &j.r.Incidents[i]
		m := one(j, in)
		m.scope = "incident " + number(in.ID)
		if b := j.basis(); b != record.BasisMeasured {
			m.basis = b
			if b == record.BasisEmulated && m.note == nil && m.span != nil {
				m.note = new(reason("basis.emulated", args{}))
			}
		}
		all = append(all, m)
	}
	return all
}

// basis of everything that was timed on the instances: the weakest of theirs.
func (j *judge) basis() record.Basis {
	b := record.BasisMeasured
	weaker := func(x record.Basis) {
		if x == record.BasisProjected || x == record.BasisEmulated && b != record.BasisProjected {
			b = x
		}
	}
	for _, i := range j.r.Header.Instances {
		weaker(i.Basis)
	}
	for _, x := range j.r.Boots {
		weaker(x.Basis)
	}
	return b
}

func simulated(in *record.Incident) bool {
	return in.Decision != nil && in.Decision.By == record.BySimulated
}

// stays: it was decided not to roll back, and nobody did.
func stays(in *record.Incident) *record.Reason {
	if in.Decision == nil || in.Decision.RollsBack() || in.T3 != nil {
		return nil
	}
	return new(reason("not_applicable.no_rollback", args{"decision": string(in.Decision.Outcome)}))
}

// from measures the time from one clock to another; a clock that never came
// gives "at least as long as it was watched".
func (j *judge) from(a, b *record.Moment) measure {
	m := measure{basis: record.BasisMeasured}
	switch {
	case a == nil:
		m.note = new(reason("unmeasured.no_effect", args{}))
	case b == nil:
		m.lasted(a, j.r.Observed)
	default:
		m.span, m.ran = new(record.Between(*a, *b)), []record.Lapse{{From: a.Early, To: b.Late}}
	}
	return m
}

// lasted: what began at a moment had not come to its end by a time that is known.
func (m *measure) lasted(a *record.Moment, until time.Duration) {
	m.atLeast, m.ran = new(max(0, until-a.Late)), []record.Lapse{{From: a.Late, To: until}}
}

func startRollback(j *judge, in *record.Incident) measure {
	if n := stays(in); n != nil {
		return measure{notAsked: n}
	}
	m := j.from(in.T0, in.T3)
	if simulated(in) {
		m.basis, m.forPeople = record.BasisSimulated, true
	}
	return m
}

func detect(j *judge, in *record.Incident) measure {
	if in.Trigger == record.TriggerOrder && in.T1 == nil {
		return measure{notAsked: new(reason("not_applicable.order", args{}))}
	}
	return j.from(in.T0, in.T1)
}

func decide(j *judge, in *record.Incident) measure {
	from := in.T1
	if in.Trigger == record.TriggerOrder && from == nil {
		from = in.T0
	}
	m := j.from(from, in.T2)
	if from == nil {
		m = notReached()
	}
	if simulated(in) {
		m.basis, m.forPeople = record.BasisSimulated, true
	}
	return m
}

func act(j *judge, in *record.Incident) measure {
	if n := stays(in); n != nil {
		return measure{notAsked: n}
	}
	if in.T2 == nil && in.T3 != nil && in.Trigger == record.TriggerOrder {
		return measure{notAsked: new(reason("not_applicable.order", args{}))}
	}
	if in.T2 == nil {
		return notReached()
	}
	return j.from(in.T2, in.T3)
}

func notReached() measure {
	return measure{basis: record.BasisMeasured, note: new(reason("unmeasured.not_reached", args{}))}
}

// businessBack is T6 − T0. Without T6 the pulse says how long the business was
// surely not back.
func businessBack(j *judge, in *record.Incident) measure {
	if n := stays(in); n != nil {
		return measure{notAsked: n}
	}
	if n := j.witness(); n != nil {
		return measure{note: n}
	}
	if in.T0 == nil || in.T6 != nil {
		m := j.decided(in, j.from(in.T0, in.T6))
		if in.T6 != nil {
			j.moves(&m, in, in.T6.Late)
		}
		return m
	}
	m := measure{basis: record.BasisMeasured}
	m.lasted(in.T0, j.notBackBy(in))
	j.moves(&m, in, j.notBackBy(in))
	if !j.redAtEnd(in) && *m.atLeast < j.r.Observed {
		m.note = new(reason("unmeasured.not_stable", args{"stable_for": span(j.r.Header.Stable())}))
	}
	return m
}

// witness says why the pulse cannot tell when the business was back; nil: it can.
func (j *judge) witness() *record.Reason {
	switch u := j.r.Pulse; {
	case u == nil:
		return new(reason("pulse.missing", args{}))
	case !u.Open && u.Totals.Good+u.Totals.Bad == 0:
		return new(reason("pulse.empty", args{}))
	}
	return nil
}

// notBackBy is a time until which the business was surely not back for good:
// the end of watching where it is red then, or else its last turning green.
func (j *judge) notBackBy(in *record.Incident) time.Duration {
	end := min(j.end(in), j.r.Observed)
	if in.T3 == nil || in.T5 == nil && j.redAtEnd(in) {
		return end
	}
	by := in.T3.Early
	for _, s := range j.r.Pulse.Reds {
		switch {
		case s.From.Late > end:
		case s.Open || s.To.Early > end:
			by = max(by, end)
		default:
			by = max(by, s.To.Early)
		}
	}
	return by
}

// redAtEnd: the business was red when this incident's time was over.
func (j *judge) redAtEnd(in *record.Incident) bool {
	end := j.end(in)
	return slices.ContainsFunc(j.r.Pulse.Reds, func(s record.Stretch) bool { return s.From.Late <= end && (s.Open || s.To.Late > end) })
}

// restored is T7 − T0. Without T7 it was surely not restored before the
// business was back, and not at all while the rollback runs or a check fails.
func restored(j *judge, in *record.Incident) measure {
	if n := stays(in); n != nil {
		return measure{notAsked: n}
	}
	if n := j.witness(); n != nil {
		return measure{note: n}
	}
	if in.T0 == nil || in.T7 != nil {
		m := j.decided(in, j.from(in.T0, in.T7))
		m.verifying = j.verifying(func(x record.RestoreFact) bool {
			return x.Subject.Incident == in.ID && x.During == record.PhaseRollback
		})
		if in.T6 != nil {
			j.moves(&m, in, in.T6.Late)
		}
		return m
	}
	if in.Rollback != record.RollbackDone || j.failedAfter(in) {
		return j.from(in.T0, nil)
	}
	m := measure{basis: record.BasisMeasured}
	if in.T6 == nil {
		m.lasted(in.T0, j.notBackBy(in))
		j.moves(&m, in, j.notBackBy(in))
		return m
	}
	m.note = new(reason("unmeasured.not_verified", args{}))
	m.lasted(in.T0, in.T6.Early)
	return m
}

// verifying sums the time that some restores spent on digests of their own pass.
func (j *judge) verifying(of func(record.RestoreFact) bool) (sum time.Duration) {
	for _, x := range j.r.Restores {
		if of(x) {
			sum += x.Verifying
		}
	}
	return sum
}

// failedAfter: a check of the verification that closes this incident failed, and not for want of time on a busy host.
func (j *judge) failedAfter(in *record.Incident) bool {
	own := j.verified(in)
	return slices.ContainsFunc(j.results(record.After, record.CheckFailed), func(c record.CheckResult) bool {
		_, slow := j.overdue(c.Overdue)
		return !slow && c.Ended >= in.T3.Early && (!own || c.Incident == in.ID)
	})
}

// verified tells whether an incident has a verification of its own; one that has none is closed by a later one's.
func (j *judge) verified(in *record.Incident) bool {
	return slices.ContainsFunc(j.r.Checks, func(c record.CheckResult) bool {
		return c.When == record.After && c.Incident == in.ID && in.T3 != nil && c.Ended >= in.T3.Early
	})
}

// decided adds what a simulated decision means for a time that contains it.
func (j *judge) decided(in *record.Incident, m measure) measure {
	if m.span != nil && m.note == nil && simulated(in) && in.T1 != nil && in.T2 != nil {
		m.note = new(reason("basis.simulated_decision", args{"took": span(record.Between(*in.T1, *in.T2).Upper)}))
	}
	return m
}
