package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// isolation shows the probes from inside each sandbox and every attempt to get out.
func (a author) isolation() section {
	s := a.section("isolation")
	if len(a.r.Probes) == 0 {
		s.Blocks = append(
			s.Blocks,
			block{List: []cell{marked(a.badge("status", "inconclusive"), a.say("isolation.none"))}},
		)
	} else {
		s.Blocks = append(s.Blocks, a.probes())
	}
	if len(a.r.Egress) == 0 {
		s.Blocks = append(s.Blocks, block{Paragraph: a.say("isolation.quiet")})
		return s
	}
	t := &table{Class: "egress", Columns: a.columns("--n--", "instance", "target", "attempts", "when", "declared")}
	for _, e := range a.egressRows() {
		declared := marked(badge{Class: "neutral", Symbol: "–", Word: a.say("isolation.expected")}, "")
		if !e.Expected {
			declared = marked(badge{Class: "inconclusive", Symbol: "!", Word: a.say("isolation.unexpected")}, "")
		}
		t.Rows = append(
			t.Rows,
			[]cell{text(e.Subject.Instance), textOf(strings.Join(nonEmpty(e.Host, e.Target), " · "), e.Protocol),
				text(
					a.l.Count(int64(e.Count)),
				), text(a.l.Clock(a.wall(e.First)) + " – " + a.l.Clock(a.wall(e.Last))), declared},
		)
	}
	s.Blocks = append(s.Blocks, block{Caption: a.say("caption.egress"), Table: t})
	return s
}

// egressRows of one kind have a row of their own each, as many as a reader takes in; the rest of a kind is one row.
const egressRows = 10

func (a author) egressRows() []record.EgressFact {
	type kind struct {
		instance, protocol string
		expected           bool
	}
	var rows []record.EgressFact
	seen, rest, further := map[kind]int{}, map[kind]int{}, map[kind]int{}
	for _, e := range a.r.Egress {
		k := kind{e.Subject.Instance, e.Protocol, e.Expected}
		switch seen[k]++; {
		case seen[k] <= egressRows:
			rows = append(rows, e)
		case further[k] == 0:
			rest[k], further[k] = len(rows), 1
			rows = append(rows, e)
		default:
			r := &rows[rest[k]]
			further[k]++
			r.Count += e.Count
			r.Last = max(r.Last, e.Last)
		}
	}
	for k, n := range further {
		if n == 1 {
			continue
		}
		r := &rows[rest[k]]
		r.Target, r.Host = a.say("isolation.further", "targets", fmt.Sprint(n)), ""
	}
	return rows
}

// probes has one row for each kind of target; sandboxes are counted.
func (a author) probes() block {
	type row struct {
		probe   record.Probe
		count   int
		good    int
		details []string
	}
	var rows []*row
	index := map[string]*row{}
	for _, p := range a.r.Probes {
		key := fmt.Sprint(p.Target, "\x00", p.Protocol, "\x00", p.Control)
		g := index[key]
		if g == nil {
			g = &row{probe: p.Probe}
			index[key] = g
			rows = append(rows, g)
		}
		g.count++
		if p.Reached == p.Control {
			g.good++
		} else {
			g.details = append(g.details, strings.Join(nonEmpty(p.Subject.Instance, p.Address, p.Detail), " "))
		}
	}
	t := &table{Class: "probes", Columns: a.columns("", "target", "protocol", "expected", "result")}
	for _, g := range rows {
		want, result := a.say("isolation.must_refuse"), "isolation.refused"
		if g.probe.Control {
			want, result = a.say("isolation.must_reach"), "isolation.reached"
		}
		b := badge{
			Class:  "passed",
			Symbol: "✓",
			Word:   a.say(result, "good", fmt.Sprint(g.good), "count", fmt.Sprint(g.count)),
		}
		if g.good < g.count {
			b.Class, b.Symbol = "failed", "✗"
		}
		t.Rows = append(t.Rows, []cell{text(a.c.Named(a.l, "probe", g.probe.Target)), text(g.probe.Protocol), text(want),
			{Badge: &b, Small: strings.Join(g.details, " · ")}})
	}
	return block{Caption: a.say("caption.probes"), Table: t}
}

// cleanup is the proof that nothing was left, or the list of what was.
func (a author) cleanup() section {
	c := a.r.Cleanup
	s := a.section("cleanup")
	by := cmp.Or(c.By, record.ActorLifeboat)
	switch {
	case c.T8 != nil && len(c.Failed) == 0 && len(c.Kept) == 0:
		s.Blocks = append(s.Blocks, block{List: []cell{marked(badge{Class: "passed", Symbol: "✓"},
			a.say("cleanup.proved", "count", fmt.Sprint(c.Undone), "at", a.l.Clock(a.wall(c.T8.Late)), "by", by))}})
	case len(c.Kept) > 0:
		s.Blocks = append(s.Blocks, block{Paragraph: a.say("cleanup.kept", "what", strings.Join(c.Kept, ", "),
			"deadline", positive(a.r.Header.Deadline), "disks", strings.Join(c.DiskLost, ", "))})
	case len(c.Failed) == 0:
		s.Blocks = append(
			s.Blocks,
			block{List: []cell{marked(badge{Class: "inconclusive", Symbol: "?"}, a.say("cleanup.unproved"))}},
		)
	}
	if len(c.Failed) > 0 {
		t := &table{Class: "left", Columns: a.columns("", "what", "error", "fix")}
		for _, f := range c.Failed {
			t.Rows = append(
				t.Rows,
				[]cell{
					text(strings.Join(nonEmpty(f.What, f.Name, strings.Join(f.Left, ", ")), " ")),
					text(a.told(f.Error)),
					code(f.Fix),
				},
			)
		}
		s.Blocks = append(
			s.Blocks,
			block{List: []cell{marked(badge{Class: "failed", Symbol: "✗"}, a.say("cleanup.failed"))}},
			block{Table: t},
		)
	}
	return s
}

func (a author) steps() section {
	s := a.section("steps")
	if len(a.r.Phases) > 0 {
		s.Blocks = append(s.Blocks, a.phases())
	}
	if len(a.r.Steps) == 0 {
		return s
	}
	t := &table{Class: "steps", Columns: a.columns("--nn-", "phase", "step", "began", "took", "outcome")}
	var blocks []block
	for _, st := range a.r.Steps {
		b := a.badge("outcome", string(st.Outcome))
		phase := text(a.c.Named(a.l, "phase", st.Phase))
		if st.Subject.Incident > 0 && len(a.r.Incidents) > 1 {
			phase.Small = a.incidentName(st.Subject.Incident)
		}
		row := []cell{
			phase,
			textOf(a.told(st.What), instanceIfElse(st)),
			text(a.l.Clock(a.wall(st.Started))),
			text(a.l.Duration(max(0, st.Ended-st.Started), Nearest)),
			{Badge: &b, Small: a.told(st.Error)},
		}
		if st.Outcome == record.OutcomeNotReached || st.Outcome == record.OutcomeSkipped {
			row[2], row[3] = text("–"), text("–")
		}
		t.Rows = append(t.Rows, row)
		if st.Outcome == record.OutcomeFailed && st.Output != "" {
			blocks = append(blocks, block{Caption: a.say("caption.output", "step", st.What), Pre: st.Output})
		}
	}
	s.Blocks = append(s.Blocks, block{Caption: a.say("caption.steps"), Table: t})
	s.Blocks = append(s.Blocks, blocks...)
	return s
}

// instanceIfElse names the instance where the step's words do not.
func instanceIfElse(st record.StepFact) string {
	if st.Subject.Instance == "" || strings.Contains(st.What, st.Subject.Instance) {
		return ""
	}
	return st.Subject.Instance
}

func (a author) observations() section {
	var list []cell
	for _, o := range slices.Concat(a.r.Observations, a.v.Observations) {
		if o.ID == "restore.throughput" || o.ID == "flow.hollow" || o.ID == "boot.hidden" || o.ID == "store.check_failed" || o.ID == "store.unchecked" {
			continue // stands with its backup, or beside the verdict
		}
		list = append(list, text(a.c.Observation(a.l, o)))
	}
	for _, n := range a.r.Notes {
		list = append(list, textOf(n.Text, a.say("note.by", "who", n.Actor, "at", a.l.Clock(a.wall(n.At)))))
	}
	if len(list) == 0 {
		return section{}
	}
	return a.section("observations", block{List: list})
}

func (a author) signatures() section { return a.section("signatures", a.form(a.r.Header.People)...) }

// form has room for hands; who signs is known where people are named.
func (a author) form(people map[string]string) []block {
	t := &table{Class: "signatures", Columns: a.columns("", "role", "name", "signature", "date")}
	for _, role := range []string{"commander", "reviewer", "management"} {
		name := cell{Text: people[role]}
		if name.Text == "" {
			name = cell{Blank: true}
		}
		t.Rows = append(t.Rows, []cell{text(a.say("role." + role)), name, {Blank: true}, {Blank: true}})
	}
	return []block{{Paragraph: a.say("signatures.next")}, {Table: t}}
}
