package objective

import (
	"slices"

	"lifeboat/drills/record"
)

// lateBaseline: in the baseline nothing wrong was ever answered, it was only too late. How long a flow takes is known
// to nobody but its author, so that says nothing of the backup. Journals that do not say how the pulse asked were
// judged without it.
func (j *judge) lateBaseline(phase record.Phase) bool {
	u := j.r.Pulse
	if u == nil || u.Pace == nil {
		return false
	}
	bad, why := 0, ""
	for _, s := range u.Reds {
		if s.From.Late > phase.Ended {
			continue
		}
		if f := s.Facts; f == nil || f.Bad == 0 || f.Late != f.Bad {
			return false
		}
		bad, why = bad+s.Facts.Bad, s.Why
	}
	if bad == 0 {
		return false
	}
	t := u.Totals
	j.unknown("flow.late", args{"bad": number(bad), "all": number(t.Good + t.Bad + t.Unproven),
		"timeout": span(u.Pace.Timeout), "request": span(u.Pace.Request), "why": why})
	return true
}

// crowded: the flow was good by one user, and red where its iterations overlap. The engine tried.
func (j *judge) crowded() bool {
	return slices.ContainsFunc(j.r.Observations, func(o record.Observation) bool { return o.ID == "flow.crowded" })
}
