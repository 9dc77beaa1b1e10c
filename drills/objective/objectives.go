package objective

import (
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// measure is what was found for one objective and one subject of it.
type measure struct {
	span      *record.Span   // bounds of what was measured
	atLeast   *time.Duration // instead: it had not come by then
	basis     record.Basis
	scope     string         // the instance, backup or incident
	note      *record.Reason // why there is no figure, or what the figure is worth
	notAsked  *record.Reason // the objective does not apply to this drill
	forPeople bool           // a simulated decision: what is left of the limit is people's
	ran       []record.Lapse // when its time ran, at the widest; empty: it is not a time that a host can lengthen
	moved     time.Duration  // the part of the span that only red stretches made which the host explains
	movedBy   string         // by which of its figures
	verifying time.Duration  // the part of the span that went into digests
}

// rule measures one objective; several subjects give several measures, the worst is judged.
type rule struct {
	name    string
	measure func(*judge) []measure
}

// rules in the order in which reports show them.
var rules = []rule{
	{"start_rollback", func(j *judge) []measure { return j.each(startRollback) }},
	{"business_back", func(j *judge) []measure { return j.each(businessBack) }},
	{"restored", func(j *judge) []measure { return j.each(restored) }},
	{"outage", (*judge).outage},
	{"detect", func(j *judge) []measure { return j.each(detect) }},
	{"decide", func(j *judge) []measure { return j.each(decide) }},
	{"act", func(j *judge) []measure { return j.each(act) }},
	{"boot", (*judge).boot},
	{"data_loss", (*judge).dataLoss},
	{"age", (*judge).age},
}

func (j *judge) objectives() {
	limits := map[string][]time.Duration{}
	for _, o := range j.r.Header.Objectives {
		limits[o.Name] = append(limits[o.Name], o.Limit)
	}
	for _, r := range rules {
		measures := r.measure(j)
		for _, limit := range limits[r.name] {
			j.hold(r.name, limit, measures)
		}
		if len(limits[r.name]) == 0 {
			j.unlimited(r.name, measures)
		}
		delete(limits, r.name)
	}
	for _, o := range j.r.Header.Objectives { // in the header's order: what is left is not known
		for _, limit := range limits[o.Name] {
			j.hold(o.Name, limit, []measure{{note: new(reason("unmeasured.unknown_objective", args{"objective": o.Name}))}})
		}
		delete(limits, o.Name)
	}
}

func reason(id string, a args) record.Reason { return record.Reason{ID: id, Args: a} }

// hold judges every measure of an objective and keeps the worst.
func (j *judge) hold(name string, limit time.Duration, measures []measure) {
	if len(measures) == 0 {
		measures = []measure{{note: new(reason("unmeasured.no_effect", args{}))}}
	}
	var worst record.Judged
	var why record.Reason
	for i, m := range measures {
		got, r := judgeOne(name, limit, m)
		got, r = j.slowly(got, r, m)
		if i == 0 || worse(got, worst) {
			worst, why = got, r
		}
	}
	j.v.Objectives = append(j.v.Objectives, worst)
	switch worst.Status {
	case record.StatusPassed:
		j.held++
		return
	case record.StatusNotRun:
		return
	case record.StatusFailed:
		j.finding("high", why.ID, why.Args)
	}
	j.reason(worst.Status, why.ID, why.Args)
	if worst.Measured == nil {
		n := why
		if worst.Note != nil {
			n = *worst.Note
		}
		n.Status = ""
		j.unmeasured(n)
	}
}

// worse compares first by status, then by the figure.
func worse(a, b record.Judged) bool {
	rank := map[record.Status]int{record.StatusNotRun: 0, record.StatusPassed: 1, record.StatusInconclusive: 2,
		record.StatusFailed: 3}
	if rank[a.Status] != rank[b.Status] {
		return rank[a.Status] > rank[b.Status]
	}
	return figure(a) > figure(b)
}

func figure(x record.Judged) time.Duration {
	switch {
	case x.Upper != nil:
		return *x.Upper
	case x.Lower != nil:
		return *x.Lower
	}
	return -1
}

// judgeOne holds one measure against a limit. Upper bound ≤ limit: held, equal
// holds. Lower bound > limit: missed. Across the limit, or nothing: not known.
func judgeOne(name string, limit time.Duration, m measure) (record.Judged, record.Reason) {
	out := record.Judged{Name: name, Limit: limit, Basis: m.basis, Scope: m.scope, Note: m.note, Verifying: m.verifying}
	a := args{"objective": name, "limit": span(limit), "scope": m.scope}
	verdict := func(s record.Status, id string, more ...string) (record.Judged, record.Reason) {
		for i := 0; i+1 < len(more); i += 2 {
			a[more[i]] = more[i+1]
		}
		out.Status = s
		r := reason(id, a)
		if out.Note == nil && s != record.StatusPassed && id != "objective.missed" && id != "objective.not_measured" {
			out.Note = &r
		}
		return out, r
	}
	switch {
	case m.notAsked != nil:
		out.Status, out.Note = record.StatusNotRun, m.notAsked
		return out, *m.notAsked
	case m.atLeast != nil:
		out.Lower = m.atLeast
		x := []string{"at_least", span(*m.atLeast)}
		switch {
		case *m.atLeast <= limit:
			return verdict(record.StatusInconclusive, "objective.unfinished", x...)
		case m.basis == record.BasisEmulated:
			return verdict(record.StatusInconclusive, "objective.emulated_missed", "measured", span(*m.atLeast))
		case m.basis == record.BasisProjected:
			return verdict(record.StatusInconclusive, "objective.projected", "measured", span(*m.atLeast))
		}
		return verdict(record.StatusFailed, "objective.not_recovered", x...)
	case m.span == nil:
		delete(a, "scope")
		return verdict(record.StatusInconclusive, "objective.not_measured")
	}
	s := *m.span
	margin := limit - s.Upper
	out.Measured, out.Lower, out.Upper, out.Margin = &s.Upper, &s.Lower, &s.Upper, &margin
	switch {
	case m.basis == record.BasisProjected:
		return verdict(record.StatusInconclusive, "objective.projected", "measured", span(s.Upper))
	case s.Upper <= limit:
		if m.forPeople {
			out.Note = new(reason("basis.time_for_people", args{"left": span(margin)}))
		}
		return verdict(record.StatusPassed, "")
	case s.Lower <= limit:
		return verdict(record.StatusInconclusive, "objective.across", "lower", span(s.Lower), "upper", span(s.Upper))
	case m.basis == record.BasisEmulated:
		return verdict(record.StatusInconclusive, "objective.emulated_missed", "measured", span(s.Upper))
	}
	return verdict(record.StatusFailed, "objective.missed", "measured", span(s.Upper), "over", span(-margin))
}

// unlimited enters what was measured without a limit, the longest of its measures.
func (j *judge) unlimited(name string, measures []measure) {
	var worst *record.Judged
	for _, m := range measures {
		if m.span == nil {
			continue
		}
		got, _ := judgeOne(name, m.span.Upper, m)
		if worst == nil || figure(got) > figure(*worst) {
			worst = &got
		}
	}
	if worst == nil {
		return
	}
	worst.Limit, worst.Margin, worst.Status, worst.Unlimited = 0, nil, record.StatusNotRun, true
	if n := worst.Note; n != nil && (!strings.HasPrefix(n.ID, "basis.") || n.ID == "basis.time_for_people") {
		worst.Note = nil // it speaks of a limit
	}
	j.v.Objectives = append(j.v.Objectives, *worst)
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 1, 64) + "%" }
