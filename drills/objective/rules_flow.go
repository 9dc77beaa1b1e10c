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

// doubted are the times in which the flow that a new version needs was the pulse, if it was red in all of them: nobody saw
// it green on anything, so it may be one that can never be green, and its red an outage of nothing.
func (j *judge) doubted() []record.Window {
	u := j.r.Pulse
	if u == nil {
		return nil
	}
	turns := slices.DeleteFunc(slices.Clone(u.Rests), func(r record.Rest) bool { return !r.Turn })
	var all []record.Window
	for i := 0; i < len(turns); i += 2 { // every other turn leads back
		w := record.Window{From: turns[i].To, To: u.To, Open: true}
		if i+1 < len(turns) {
			w.To, w.Open = turns[i+1].From, false
		}
		if turns[i].Open || !slices.ContainsFunc(u.Reds, func(s record.Stretch) bool {
			return s.From.Early < w.From.Early && (s.Open || s.To.Late > w.To.Late)
		}) {
			return nil
		}
		all = append(all, w)
	}
	return all
}

// doubtedIn is the flow whose red alone says that an incident was one. A check that was good before the upgrade and failed
// after it is another witness.
func (j *judge) doubtedIn(in *record.Incident) string {
	if in.Trigger != record.TriggerUpgrade || slices.ContainsFunc(j.results(record.Broken, record.CheckFailed),
		func(c record.CheckResult) bool { return c.Incident == in.ID && j.goodBefore(c) }) {
		return ""
	}
	end := j.end(in)
	if slices.ContainsFunc(j.doubted(), func(w record.Window) bool { return w.From.Late >= in.Begin && w.From.Late <= end }) {
		return j.r.Header.FlowAfter
	}
	return ""
}

func (j *judge) goodBefore(c record.CheckResult) bool {
	return slices.ContainsFunc(j.results(record.Before, record.CheckPassed), func(b record.CheckResult) bool {
		return b.Name == c.Name && b.Layer == c.Layer
	})
}
