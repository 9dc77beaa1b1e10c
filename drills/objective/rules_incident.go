package objective

import (
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// degradedAbove is the share of iterations that proved nothing, above which a
// pulse is no witness any more.
const degradedAbove = 0.01

// degraded: too many iterations asked nothing or could not be started.
func degraded(t record.PulseTotals) bool {
	all := t.Good + t.Bad + t.Unproven + t.Dropped
	return float64(t.Unproven+t.Dropped) > degradedAbove*float64(all)
}

// pulse: the witness itself must be worth believing.
func (j *judge) pulse() {
	h, u := j.r.Header, j.r.Pulse
	if u == nil {
		if h.PulseRate > 0 {
			j.unknown("pulse.missing", args{})
		}
		return
	}
	if u.Broken != "" {
		j.unknown("pulse.broken", args{"why": u.Broken, "at": span(u.To.Late)})
	} else if u.Open && j.r.Status == record.RunCompleted {
		j.unknown("pulse.broken", args{"why": "", "at": span(u.To.Late)})
	}
	if u.Open && u.Broken == "" {
		return // the totals come with its end
	}
	if len(u.Unasked) > 0 {
		j.unknown("flow.unasked", args{"flow": h.Flow, "unasked": strings.Join(u.Unasked, ", ")})
	}
	t := u.Totals
	all := t.Good + t.Bad + t.Unproven + t.Dropped
	if t.Good+t.Bad == 0 && u.Broken == "" {
		j.unknown("pulse.empty", args{})
	}
	if all > 0 && degraded(t) {
		share := float64(t.Good+t.Bad) / float64(all)
		j.unknown("pulse.degraded", args{"good": number(t.Good), "bad": number(t.Bad), "unproven": number(t.Unproven),
			"dropped": number(t.Dropped), "share": percent(share)})
	}
	if longest := j.r.Pace().LongestSilence(); j.silence() > longest {
		j.unknown("pulse.silent", args{"silence": span(j.silence()), "longest": span(longest)})
	}
	// A stream that fell silent without saying so: half of what the rate promises is missing.
	const shortest = 10 * time.Second
	lasted := u.To.Early - u.From.Late
	for _, r := range u.Rests {
		lasted -= r.To.Late - r.From.Early
	}
	var want float64
	if slowest := j.r.Pace().Slowest(); slowest > 0 {
		want = float64(lasted) / float64(slowest) / 2
	}
	if lasted > shortest && u.Broken == "" && float64(all) < want {
		j.unknown("pulse.sparse", args{"seen": number(all), "expected": number(int(2 * want))})
	}
}

// silence is the longest time in which nobody asked the business, up to the end of watching: a pulse's last sample may
// lie long before that.
func (j *judge) silence() time.Duration {
	return max(j.r.Pulse.Totals.Silence, j.silentSince())
}

// silentSince is for how long nobody had asked any more when watching ended, beyond what an iteration may take whose end
// was not seen. A pulse that broke says so itself.
func (j *judge) silentSince() time.Duration {
	if j.r.Pulse.Open {
		return 0
	}
	since := j.r.Observed - j.r.Pulse.To.Late
	if p := j.r.Pace(); p.Blind > 0 {
		since -= p.Timeout
	}
	return max(0, since)
}

// incidents: each planned one must have come, bitten, been decided, and its rollback ended.
func (j *judge) incidents() {
	h := j.r.Header
	if h.Trigger == record.TriggerNone {
		return
	}
	last := max(1, len(h.Incidents))
	for _, in := range j.r.Incidents {
		// The numbers of a journal are not trusted to be small.
		last = min(max(last, in.ID), len(h.Incidents)+len(j.r.Incidents)+1)
	}
	for id := 1; id <= last; id++ {
		in := j.incident(id)
		if in == nil {
			j.unknown("incident.missing", args{"incident": number(id)})
			continue
		}
		j.effect(in)
		j.handled(in)
		j.removed(in)
		j.inGreen(in)
		j.idle(in)
	}
}

func (j *judge) incident(id int) *record.Incident {
	for i := range j.r.Incidents {
		if j.r.Incidents[i].ID == id {
			return &j.r.Incidents[i]
		}
	}
	return nil
}

// unsaid is the error of a rollback, without what is said of a backup already.
func (j *judge) unsaid(err string) string {
	_, boot, _ := strings.Cut(err, ": ")
	boot, _, _ = strings.Cut(boot, "; it printed last: ")
	if boot != "" && slices.ContainsFunc(j.v.Reasons, func(r record.Reason) bool {
		return r.ID == "backup.bad" && strings.HasPrefix(r.Args["why"], boot)
	}) {
		return ""
	}
	return err
}

// effect: a fault must have bitten, and where there is a trigger the pulse or a check must have seen it.
func (j *judge) effect(in *record.Incident) {
	id := number(in.ID)
	for _, f := range in.Faults {
		if f.Effective == nil && (f.Injected != nil || f.NoEffect || f.State == record.FaultFailed) {
			a := faultArgs(in.ID, f, f.Note)
			if !f.NoEffect && in.T0 != nil && in.Trigger != record.TriggerOrder && j.seen(in) {
				j.unknown("fault.unconfirmed", a) // something turned red: that the fault did nothing is not known
				continue
			}
			j.unknown("fault.no_effect", a)
		}
	}
	for _, p := range j.r.Header.Incidents {
		planned := slices.Sorted(slices.Values(p.Faults))
		if !slices.ContainsFunc(in.Faults, func(f record.FaultFact) bool { return f.Index > 0 }) {
			planned = slices.Compact(planned) // a journal that does not number them took equal ones for one
		}
		if p.ID == in.ID && len(in.Faults) < len(planned) && in.RolledBack != nil {
			j.unknown("fault.no_effect", args{"fault": strings.Join(planned, ", "), "on": "", "incident": id, "why": ""})
		}
	}
	if in.Trigger == record.TriggerOrder {
		return
	}
	switch {
	case in.T0 == nil && !slices.ContainsFunc(j.v.Reasons, func(r record.Reason) bool {
		return r.ID == "fault.no_effect" && r.Args["incident"] == id
	}):
		j.unknown("fault.no_effect", args{"fault": "", "on": "", "incident": id, "why": ""})
	case in.T0 == nil:
	case !j.seen(in):
		j.unknown("fault.unseen", args{"incident": id})
	default:
		if flow := j.doubtedIn(in); flow != "" {
			j.unknown("flow.never_green", args{"flow": flow, "incident": id})
		}
	}
}

// seen: the pulse was red in the incident, beyond planned downtime, or a check failed.
func (j *judge) seen(in *record.Incident) bool {
	for _, c := range j.results(record.Broken, record.CheckFailed) {
		if c.Incident == in.ID {
			return true
		}
	}
	if j.r.Pulse == nil {
		return false
	}
	end := j.end(in)
	for _, s := range j.r.Pulse.Reds {
		began := s.From.Late >= in.Breaks()
		lasted := s.Open || s.To.Late > in.T0.Late // red before, and still red when the fault had bitten
		if !s.Planned && s.From.Late <= end && (began || lasted) {
			return true
		}
	}
	return false
}

// end of an incident: the beginning of the next, or the end of watching.
func (j *judge) end(in *record.Incident) time.Duration {
	for i := range j.r.Incidents {
		if n := j.r.Incidents[i]; n.ID > in.ID {
			return n.Begin
		}
	}
	if j.r.Pulse != nil {
		return j.r.Pulse.To.Late
	}
	return j.r.Observed
}

// detected: a rule that was waited for in vain is why nobody decided.
func (j *judge) detected(in *record.Incident) {
	if in.T1 != nil || in.Decision != nil {
		return
	}
	for _, p := range j.r.Header.Incidents {
		waited := slices.ContainsFunc(j.r.Phases, func(x record.Phase) bool {
			return x.Name == record.PhaseDetect && x.Outcome == record.OutcomeFailed && x.Started >= in.Begin &&
				x.Started <= j.end(in) && x.Ended-x.Started >= p.Within
		})
		if p.ID == in.ID && p.Rule != "" && waited {
			j.unknown("detect.silent", args{"rule": p.Rule, "within": span(p.Within), "incident": number(in.ID)})
		}
	}
}

// handled: a decision, and the rollback that it asked for.
func (j *judge) handled(in *record.Incident) {
	id := number(in.ID)
	j.detected(in)
	decided := in.Decision != nil
	if !decided && (in.T3 == nil || in.Trigger != record.TriggerOrder) {
		j.unknown("incident.undecided", args{"incident": id})
	}
	switch {
	case !decided && in.T3 == nil:
	case decided && !in.Decision.RollsBack() && in.T3 == nil:
		j.settled(in)
	case in.Rollback == record.RollbackDone && in.T6 == nil:
		j.settled(in)
	case in.Rollback == record.RollbackDone:
	case in.Rollback == record.RollbackFailed && (in.RolledBack == nil || j.excusedEnd(in.RolledBack.Late)):
		j.unknown("rollback.unknown", args{"incident": id, "error": in.Error})
	case in.Rollback == record.RollbackFailed && j.slowRollback(in):
	case in.Rollback == record.RollbackFailed:
		a := args{"incident": id, "error": j.unsaid(in.Error)}
		j.failed("rollback.failed", a)
		j.finding("high", "rollback.failed", a)
	default:
		j.unknown("rollback.unfinished", args{"incident": id})
	}
}
