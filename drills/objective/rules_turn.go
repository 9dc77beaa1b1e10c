package objective

import (
	"slices"

	"lifeboat/drills/record"
)

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
