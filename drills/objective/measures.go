package objective

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"lifeboat/drills/record"
)

// outage sums the red stretches from the start of the upgrade (without one:
// from the first incident) until the pulse was stopped, and enters the sum
// into the verdict.
func (j *judge) outage() []measure {
	if j.r.Header.Trigger == record.TriggerNone {
		return []measure{{notAsked: new(reason("not_applicable.check_run", args{}))}}
	}
	if n := j.witness(); n != nil {
		return []measure{{note: n}}
	}
	from, ok := j.outageFrom()
	if !ok {
		return []measure{{note: new(reason("unmeasured.no_effect", args{}))}}
	}
	u := j.r.Pulse
	var o record.Outage
	var ran []record.Lapse
	for _, s := range u.Reds {
		if !s.Open && s.To.Late <= from.Early {
			continue
		}
		begin := record.Moment{Early: max(s.From.Early, from.Early), Late: max(s.From.Late, from.Late)}
		until := s.To
		if s.Open {
			// Its end was not seen: what came after the watching proves nothing.
			until.Early = min(until.Early, j.broke())
		}
		one := record.Between(begin, until)
		one.Lower = max(0, one.Lower-overlap(begin.Late, until.Early, j.doubted()))
		ran = append(ran, record.Lapse{From: begin.Early, To: until.Late})
		o.Count++
		o.Sum.Lower += one.Lower
		o.Sum.Upper += one.Upper
		o.Longest = max(o.Longest, one.Upper)
		if s.Planned {
			o.Planned += one.Upper
		}
		o.Open = o.Open || s.Open
	}
	for _, r := range u.Rests { // what was not looked at may have been red
		if !r.Seen && r.To.Late > from.Early && !within(r.Window, u.Reds) {
			o.Sum.Upper += max(0, r.To.Late-max(r.From.Early, from.Early))
		}
	}
	o.Open = o.Open || u.Open
	j.v.Outage = &o
	m := measure{basis: j.basis(), span: &o.Sum, ran: ran}
	if o.Open { // more red may have followed, unseen
		m.span, m.atLeast = nil, new(o.Sum.Lower)
	}
	return []measure{m}
}

// overlap is how much of a time lies in windows.
func overlap(from, to time.Duration, windows []record.Window) time.Duration {
	var sum time.Duration
	for _, w := range windows {
		sum += max(0, min(to, w.To.Late)-max(from, w.From.Early))
	}
	return sum
}

// within tells whether a time lies in a red stretch.
func within(w record.Window, reds []record.Stretch) bool {
	return slices.ContainsFunc(reds, func(s record.Stretch) bool {
		return s.From.Early <= w.From.Early && (s.Open || s.To.Late >= w.To.Late)
	})
}

// outageFrom is when counting begins.
func (j *judge) outageFrom() (record.Moment, bool) {
	if w := j.r.Upgrade; w != nil {
		return w.From, true
	}
	if len(j.r.Incidents) == 0 {
		return record.Moment{}, false
	}
	return record.At(j.r.Incidents[0].Begin), true
}

// boot: the slowest instance counts, and every planned one must have come up.
func (j *judge) boot() []measure {
	var all []measure
	for _, b := range j.r.Boots {
		if b.Unseen {
			all = append(all, measure{note: new(reason("unmeasured.unseen_boot", args{"instance": b.Subject.Instance})), scope: b.Subject.Instance})
			continue
		}
		d := b.Ready - b.Started
		if d < 0 {
			all = append(all, measure{note: new(reason("unmeasured.no_boot", args{"instance": b.Subject.Instance})), scope: b.Subject.Instance})
			continue
		}
		basis := b.Basis
		if basis == "" || basis == record.BasisSimulated {
			basis = record.BasisMeasured
		}
		m := measure{span: &record.Span{Lower: d, Upper: d}, basis: basis, scope: b.Subject.Instance,
			ran: []record.Lapse{{From: b.Started, To: b.Ready}}}
		m.verifying = j.verifying(func(x record.RestoreFact) bool {
			return x.Subject.Instance == b.Subject.Instance && x.Started >= b.Started && x.Ended <= b.Ready
		})
		if basis == record.BasisEmulated {
			m.note = new(reason("basis.emulated", args{}))
		}
		all = append(all, m)
	}
	for _, i := range j.r.Header.Instances {
		if !slices.ContainsFunc(j.r.Boots, func(b record.BootFact) bool { return b.Subject.Instance == i.Name }) {
			all = append(all, measure{note: new(reason("unmeasured.no_boot", args{"instance": i.Name})), scope: i.Name})
		}
	}
	if len(all) == 0 {
		all = append(all, measure{note: new(reason("unmeasured.no_boot", args{"instance": ""}))})
	}
	return all
}

// dataLoss (RPO): from the moment a restore point is consistent to, to the
// effect, or to the reference time that the scenario declares.
func (j *judge) dataLoss() []measure {
	h := j.r.Header
	var until []record.Moment // in wall-clock time since the drill's start
	switch {
	case h.Reference != nil:
		until = append(until, record.At(h.Reference.Sub(h.Started)))
	case h.Trigger == record.TriggerNone:
		until = append(until, record.At(0))
	default:
		for i := range j.r.Incidents {
			in := &j.r.Incidents[i]
			if n := stays(in); n != nil && len(j.r.Incidents) == 1 {
				return []measure{{notAsked: n}}
			}
			if in.T0 != nil && stays(in) == nil {
				until = append(until, *in.T0)
			}
		}
	}
	if len(until) == 0 {
		return []measure{{note: new(reason("unmeasured.no_effect", args{}))}}
	}
	return j.consistent(func(p record.RestorePoint) []record.Span {
		var all []record.Span
		before := h.Started.Sub(p.ConsistentTo)
		for _, u := range until {
			all = append(all, record.Span{Lower: before + u.Early, Upper: before + u.Late})
		}
		return all
	})
}

// age of the restore points when the drill started.
func (j *judge) age() []measure {
	return j.consistent(func(p record.RestorePoint) []record.Span {
		d := j.r.Header.Started.Sub(p.ConsistentTo)
		if p.Age != 0 {
			d = p.Age
		}
		return []record.Span{{Lower: d, Upper: d}}
	})
}

// consistent measures every restore point of which it is known to when it is
// consistent. One that claims to be younger than what it is held against
// proves that a clock is wrong, and no figure comes of it.
func (j *judge) consistent(spans func(record.RestorePoint) []record.Span) []measure {
	var all []measure
	for _, p := range j.r.RestorePoints {
		if p.ConsistentTo.IsZero() && p.Loaded { // another backup's time says nothing about this one's content
			all = append(all, measure{note: new(reason("unmeasured.no_consistency_time", args{})), scope: p.Backup})
		}
		if p.ConsistentTo.IsZero() {
			continue
		}
		for _, s := range spans(p) {
			m := measure{basis: record.BasisMeasured, scope: p.Backup}
			if s.Lower < 0 {
				m.note = new(reason("unmeasured.consistent_after", args{"backup": p.Backup}))
			} else {
				m.span = &s
			}
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		all = append(all, measure{note: new(reason("unmeasured.no_consistency_time", args{}))})
	}
	return all
}

// throughput says what each restore of a rollback delivered, and what this
// backup's size would need for the objective "restored" to be held.
func (j *judge) throughput() {
	limit, ok := j.limit("restored")
	for _, x := range j.r.Restores {
		in := j.incident(x.Subject.Incident)
		took := x.Ended - x.Started
		if x.During != record.PhaseRollback || x.Digest == "" || x.Bytes <= 0 || took <= 0 || x.Bad() != "" {
			continue
		}
		a := args{"backup": x.Backup, "bytes": strconv.FormatInt(x.Bytes, 10), "took": span(took),
			"rate": rate(x.Bytes, took), "needed": ""}
		missed := false
		if ok && in != nil && in.T0 != nil {
			total := j.r.Observed - in.T0.Early
			if in.T7 != nil {
				total = record.Between(*in.T0, *in.T7).Upper
			}
			if budget := limit - (total - took); budget > 0 {
				a["needed"] = rate(x.Bytes, budget)
			}
			missed = total > limit
		}
		j.observe("restore.throughput", a)
		if missed && a["needed"] != "" {
			f := args{"objective": "restored"}
			maps.Copy(f, a)
			j.finding("medium", "restore.too_slow", f)
		}
	}
}

func (j *judge) limit(name string) (time.Duration, bool) {
	for _, o := range j.r.Header.Objectives {
		if o.Name == name {
			return o.Limit, true
		}
	}
	return 0, false
}

// rate in whole bytes a second.
func rate(bytes int64, in time.Duration) string {
	return strconv.FormatInt(int64(float64(bytes)/in.Seconds()), 10)
}
