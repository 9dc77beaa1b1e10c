package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// settled: whether somebody rolled back or not, the business must have stayed green at the end of the drill for as long as it
// must, whatever limits there are. One that is red then is told by business.
func (j *judge) settled(in *record.Incident) {
	u := j.r.Pulse
	if u == nil || u.Open || in.ID < len(j.r.Header.Incidents) || j.redAtEnd(in) {
		return
	}
	green := u.From.Late
	for _, s := range u.Reds {
		green = max(green, s.To.Late)
	}
	if lasted := max(0, u.To.Early-green); lasted < j.r.Header.Stable() {
		j.unknown("business.unstable", args{"incident": number(in.ID), "lasted": span(lasted), "stable_for": span(j.r.Header.Stable())})
	}
}

// business: red again after it was back, or red when the pulse was stopped.
func (j *judge) business() {
	u := j.r.Pulse
	if u == nil {
		return
	}
	for i := range j.r.Incidents {
		j.redAgain(&j.r.Incidents[i])
	}
	if j.r.Header.Trigger == record.TriggerNone {
		j.redUnasked()
	}
	if n := len(u.Reds); n > 0 && u.Reds[n-1].Open && !u.Open && !j.excusedAt(j.r.Observed) && j.brought() {
		s := u.Reds[n-1]
		if slow, ok := j.slowBusiness(s); ok {
			j.unknown("host.slow_business", slow)
			return
		}
		a := told(s, args{"since": span(s.From.Late)})
		w := j.doubted()
		doubted := len(w) > 0 && w[len(w)-1].Open                                    // by a flow that may never be green
		if doubted || j.hiccup(s) || j.silentSince() > j.r.Pace().LongestSilence() { // nobody asked whether it still was
			j.unknown("business.red_at_end", a)
			return
		}
		j.failed("business.red_at_end", a)
		j.finding("high", "business.red_at_end", a)
	}
}

// told adds what a red stretch showed: its first error, its last one where it is another, and the flow's checks that failed.
func told(s record.Stretch, a args) args {
	a["why"], a["last"], a["checks"] = s.Why, "", s.Facts.Checks()
	if s.Facts != nil && s.Facts.Last != s.Why {
		a["last"] = s.Facts.Last
	}
	if s.Facts != nil && len(s.Facts.Failed) == 1 && s.Facts.Failed[0].Name == s.Why && a["last"] == "" {
		a["why"] = "" // the one check that failed says it all
	}
	return a
}

// brought: the drill came as far as having something to show: a sound
// baseline, and every incident decided and its rollback brought to its end.
func (j *judge) brought() bool {
	if _, failed := j.baselinePhase(); failed {
		return false
	}
	if len(j.r.Incidents) == 0 && j.r.Header.Trigger != record.TriggerNone {
		return false
	}
	for _, in := range j.r.Incidents {
		undecided := in.Decision == nil && in.T3 == nil
		if undecided || in.Rollback == record.RollbackRunning || in.Rollback == record.RollbackFailed {
			return false
		}
	}
	return true
}

// redAgain: after the rollback had ended, the business turned red although it
// had been green for as long as it must stay green, or all checks had been
// passed. Shorter flickering while it comes up moves T6 instead.
func (j *judge) redAgain(in *record.Incident) {
	if in.RolledBack == nil || in.T5 == nil {
		return
	}
	end, green := j.end(in), *in.T3
	for _, s := range j.r.Pulse.Reds {
		if s.From.Late > in.T5.Late && s.From.Late > in.RolledBack.Late && s.From.Late < end {
			stable := s.From.Late-max(green.Early, in.T5.Early) >= j.r.Header.Stable()
			if j.sure(s) && (stable || j.certified(in, s.From.Late)) {
				a := told(s, args{"incident": number(in.ID), "at": span(s.From.Late)})
				if slow, ok := j.slowBusiness(s); ok {
					j.unknown("host.slow_business", slow)
					green = s.To
					continue
				}
				if j.hiccup(s) {
					j.unknown("business.red_again", a)
					green = s.To
					continue
				}
				j.failed("business.red_again", a)
				j.finding("high", "business.red_again", a)
				return
			}
		}
		green = s.To
	}
}

// hiccup: an emulated machine answered too late for less than the time that green must last. That is a limit
// missed under emulation, and so not known to be the business failing again.
func (j *judge) hiccup(s record.Stretch) bool {
	return j.basis() == record.BasisEmulated && s.To.Late-s.From.Early < j.r.Header.Stable()
}

// redUnasked: in a check run nothing is broken, so nothing may turn red once the baseline was green. A baseline ends
// green, so what was red beyond its end turned red after that.
func (j *judge) redUnasked() {
	phase, failed := j.baselinePhase()
	if failed || phase.Open {
		return
	}
	for _, s := range j.r.Pulse.Reds {
		if (s.Open || s.To.Late > phase.Ended) && j.sure(s) {
			if slow, ok := j.slowBusiness(s); ok {
				j.unknown("host.slow_business", slow)
				continue
			}
			a := told(s, args{"incident": "", "at": span(s.From.Late)})
			j.failed("business.red_again", a)
			j.finding("high", "business.red_again", a)
			return
		}
	}
}

// certified: all planned checks had been passed after the rollback by then.
func (j *judge) certified(in *record.Incident, by time.Duration) bool {
	for _, p := range j.r.Header.Checks {
		passed := false
		for _, c := range j.r.Checks {
			passed = passed || c.Name == p.Name && c.When == record.After && c.Status == record.CheckPassed &&
				c.Started >= in.T3.Early && c.Ended <= by
		}
		if !passed {
			return false
		}
	}
	return len(j.r.Header.Checks) > 0
}

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
