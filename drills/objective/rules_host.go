package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// A limit of time that was overrun is the host's where the host held up what was waited for by at least what the limit
// was overrun by. No answer is ever the host's, and nothing is held because of it: what was failed is not known.

// heldUp tells whether that is so of a limit that passed between two moments, and by which figure.
func (j *judge) heldUp(from, to, over time.Duration) (a args, ok bool) {
	h := j.r.HeldUp(from, to)
	held, by := h.Most()
	return args{"over": span(over), "held": span(held), "by": by}, h.Outweighs(over)
}

// overdue is heldUp of a limit that the engine waited for.
func (j *judge) overdue(o *record.Overdue) (a args, ok bool) {
	if o == nil || o.Limit <= 0 || o.To-o.From < o.Limit {
		return nil, false
	}
	a, ok = j.heldUp(o.From, o.To, o.Over())
	a["limit"] = span(o.Limit)
	return a, ok
}

// slowBoot: an instance that was not ready in time, on a host that was held up.
func (j *judge) slowBoot(x record.RestoreFact) bool {
	a, ok := j.overdue(x.Overdue)
	if !ok {
		return false
	}
	a["instance"], a["backup"], a["why"] = x.Subject.Instance, x.Backup, x.BackupBad
	j.unknown("host.slow_boot", a)
	return true
}

// slowRollback: the same of a rollback that ended by a limit of time.
func (j *judge) slowRollback(in *record.Incident) bool {
	a, ok := j.overdue(in.Overdue)
	if !ok {
		return false
	}
	a["incident"], a["error"] = number(in.ID), in.Error
	j.unknown("host.slow_rollback", a)
	return true
}

// slowCheck: the same of a check that had no answer.
func (j *judge) slowCheck(c record.CheckResult) bool {
	a, ok := j.overdue(c.Overdue)
	if !ok {
		return false
	}
	a["check"], a["layer"], a["message"] = c.Name, string(c.Layer), c.Message
	j.unknown("host.slow_check", a)
	return true
}

// slowly turns an objective that was missed into one that is not known, where the host outweighs what it was missed by.
// The stretches are those in which its time ran.
func (j *judge) slowly(got record.Judged, why record.Reason, m measure) (record.Judged, record.Reason) {
	if got.Status != record.StatusFailed || len(m.ran) == 0 {
		return got, why
	}
	took := got.Lower
	if got.Upper != nil {
		took = got.Upper
	}
	var h record.Held
	for _, s := range m.ran {
		h = h.Plus(j.r.HeldUp(s.From, s.To))
	}
	over := *took - got.Limit
	held, by := h.Most()
	if m.moved > held {
		held, by = m.moved, m.movedBy
	}
	if held <= 0 || held < over {
		return got, why
	}
	n := reason("host.slow_objective", args{"objective": got.Name, "scope": got.Scope, "limit": span(got.Limit),
		"measured": span(*took), "over": span(over), "held": span(held), "by": by})
	got.Status, got.Note = record.StatusInconclusive, &n
	return got, n
}

// moves is by how much red stretches that the host explains moved the moment from which the business stayed green: it
// would have, but for them. until is that moment, or the end of the latest of them.
func (j *judge) moves(m *measure, in *record.Incident, until time.Duration) {
	if in.T3 == nil || in.T5 == nil {
		return
	}
	back, by := in.T5.Late, ""
	for _, s := range j.r.Pulse.Reds {
		if s.From.Late <= in.T5.Late || s.From.Late > until {
			continue
		}
		if a, ok := j.slowBusiness(s); ok {
			by = a["by"]
			continue
		}
		back, by = s.To.Late, ""
	}
	if by != "" {
		m.moved, m.movedBy = max(0, until-back), by
	}
}

// slowBusiness: a red stretch that a busy host explains. Either nothing was wrong in it but the time of its iterations,
// and it lasted longer than one of them may by no more than the host held up; or it is the one in which the business was
// waited for in vain, and since then it gave no wrong answer.
func (j *judge) slowBusiness(s record.Stretch) (args, bool) {
	f := s.Facts
	if f == nil || f.Bad == 0 {
		return nil, false
	}
	if limit := j.r.Pace().Limit(j.r.Header.LatencyLimit); f.Late == f.Bad && limit > 0 {
		if a, ok := j.overdue(&record.Overdue{Limit: limit, From: f.From, To: max(f.To, f.From+limit)}); ok {
			return j.red(s, a), true
		}
	}
	for _, o := range j.r.Waited {
		if s.From.Late > o.To || !s.Open && s.To.Late < o.To || f.Answer >= o.From {
			continue
		}
		if a, ok := j.overdue(&o); ok {
			return j.red(s, a), true
		}
	}
	return nil, false
}

// red adds what is told of a red stretch.
func (j *judge) red(s record.Stretch, a args) args {
	a["at"], a["why"] = span(s.From.Late), s.Why
	return a
}

// slowBaseline: a business that was not green in time after the restore, and gave no wrong answer, on such a host.
func (j *judge) slowBaseline(phase record.Phase) bool {
	if j.r.Pulse == nil {
		return false
	}
	for _, o := range j.r.Waited {
		if o.From < phase.Started || o.To > phase.Ended {
			continue
		}
		answered := false
		for _, s := range j.r.Pulse.Reds {
			since := s.Open || s.To.Late >= o.From
			answered = answered || s.From.Late <= o.To && since && (s.Facts == nil || s.Facts.Answer >= o.From)
		}
		if a, ok := j.overdue(&o); ok && !answered {
			j.unknown("host.slow_business", j.red(record.Stretch{Window: record.Window{From: record.At(o.From)}, Why: phase.Error}, a))
			return true
		}
	}
	return false
}

// skew holds the parts of one system against each other: by how much the moments to which its backups are consistent lie apart. It is asked where the
// scenario limits it, or where several backups make one instance.
func (j *judge) skew() {
	limit := j.r.Header.MaxSkew
	if limit <= 0 && !slices.ContainsFunc(j.r.Header.Instances, func(i record.InstancePlan) bool { return len(i.With) > 0 }) {
		return
	}
	var parts []record.RestorePoint
	for _, p := range j.r.RestorePoints {
		if p.Loaded && !slices.ContainsFunc(parts, func(o record.RestorePoint) bool { return o.Backup == p.Backup }) {
			parts = append(parts, p)
		}
	}
	var older, newer record.RestorePoint
	known := 0
	for _, p := range parts {
		if p.ConsistentTo.IsZero() {
			if limit > 0 {
				j.unknown("skew.unmeasured", args{"backup": p.Backup})
			}
			continue
		}
		if known++; known == 1 || p.ConsistentTo.Before(older.ConsistentTo) {
			older = p
		}
		if known == 1 || p.ConsistentTo.After(newer.ConsistentTo) {
			newer = p
		}
	}
	if known < 2 {
		if limit > 0 && known == len(parts) {
			j.unknown("skew.alone", nil)
		}
		return
	}
	apart := newer.ConsistentTo.Sub(older.ConsistentTo)
	a := args{"older": older.Backup, "newer": newer.Backup, "skew": span(apart)}
	if limit > 0 && apart > limit {
		a["limit"] = span(limit)
		j.limitMissed("skew.exceeded", a)
		return
	}
	j.observe("skew.known", a)
}

// excusedAt: by then the drill had left its course for a reason that is not the system's, so what did not come, or went
// wrong, proves nothing. What was proved before that stays: lifeboat that stumbles in the clean-up takes no finding back.
func (j *judge) excusedAt(t time.Duration) bool {
	lacks := slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool {
		return (x.ImageBad+x.Unread != "" || x.Lack != nil) && x.Ended <= t
	})
	leak := slices.ContainsFunc(j.r.Probes, func(p record.ProbeFact) bool { return p.Reached && !p.Control })
	broke := slices.ContainsFunc(j.r.Harness, func(h record.HarnessError) bool { return h.At <= t })
	jumped := slices.ContainsFunc(j.r.Jumps, func(p record.Jump) bool { return p.From < t })
	return lacks || leak || broke || jumped || j.r.Status != record.RunCompleted && t >= j.r.Observed
}

// excusedEnd: the same of something that ended the drill at t. What the harness broke by is written down after that, and
// before the clean-up begins.
func (j *judge) excusedEnd(t time.Duration) bool {
	return j.excusedAt(t) ||
		slices.ContainsFunc(j.r.Harness, func(h record.HarnessError) bool { return h.At <= j.r.Observed })
}

// sure: a red stretch was seen by a drill on its course.
func (j *judge) sure(s record.Stretch) bool {
	return !j.excusedAt(j.r.Observed) || !s.Open && s.To.Late < j.broke()
}

// broke is when the harness first broke, the clocks jumped, or the drill stopped being watched.
func (j *judge) broke() time.Duration {
	at := j.r.Observed
	for _, h := range j.r.Harness {
		at = min(at, h.At)
	}
	for _, p := range j.r.Jumps {
		at = min(at, p.From)
	}
	return at
}

// clocks: what was watched while the host slept, or while a clock was set, was not watched by one clock.
func (j *judge) clocks() {
	for _, p := range j.r.Jumps {
		if p.From >= j.r.Observed { // clean-up has no figure
			continue
		}
		a := args{"from": span(p.From), "to": span(p.To), "counted": span(p.Counted), "wall": span(p.Wall), "boot": ""}
		if p.Boot != 0 {
			a["boot"] = span(p.Boot)
		}
		j.unknown("clock.jumped", a)
	}
}
