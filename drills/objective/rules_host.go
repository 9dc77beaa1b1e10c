package objective

import (
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
	if !h.Outweighs(over) {
		return got, why
	}
	held, by := h.Most()
	n := reason("host.slow_objective", args{"objective": got.Name, "scope": got.Scope, "limit": span(got.Limit),
		"measured": span(*took), "over": span(over), "held": span(held), "by": by})
	got.Status, got.Note = record.StatusInconclusive, &n
	return got, n
}
