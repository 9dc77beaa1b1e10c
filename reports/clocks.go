package reports

import (
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// clock is one of T0 to T8 of an incident.
type clock struct {
	Name string // T0
	At   record.Moment
}

// clocksOf lists the clocks of an incident that were reached, in their order. T8
// belongs to the drill and is only given with the last incident.
func clocksOf(r *record.Record, in record.Incident, last bool) []clock {
	var list []clock
	for i, m := range []*record.Moment{in.T0, in.T1, in.T2, in.T3, in.T4, in.T5, in.T6, in.T7} {
		if m != nil {
			list = append(list, clock{fmt.Sprintf("T%d", i), *m})
		}
	}
	if last && r.Cleanup.T8 != nil {
		list = append(list, clock{"T8", *r.Cleanup.T8})
	}
	return list
}

func (a author) happened() section {
	s := a.section("happened")
	s.Note = a.say("note.happened")
	if t := a.timeline(840); t != nil {
		s.Blocks = append(s.Blocks, block{Timeline: t})
	}
	if o := a.v.Outage; o != nil && o.Count > 0 {
		s.Blocks = append(s.Blocks, block{Paragraph: a.outage(o)})
	}
	for i, in := range a.r.Incidents {
		s.Blocks = append(s.Blocks, a.incident(in, i == len(a.r.Incidents)-1)...)
	}
	if p := a.r.Pulse; p != nil {
		s.Blocks = append(s.Blocks, a.pulse(p)...)
	} else {
		s.Blocks = append(s.Blocks, block{Paragraph: a.say("pulse.none")})
	}
	return s
}

func (a author) incident(in record.Incident, last bool) []block {
	pairs := []pair{{a.say("incident.trigger"), text(a.c.Named(a.l, "trigger", string(in.Trigger)))}}
	for _, f := range in.Faults {
		pairs = append(pairs, pair{a.say("incident.fault"), a.fault(f)})
	}
	if in.Rule != "" {
		pairs = append(pairs, pair{a.say("incident.rule"), code(in.Rule)})
	}
	if d := in.Decision; d != nil {
		pairs = append(pairs, pair{a.say("incident.decision"), a.decision(d)})
	}
	if in.Rollback != "" {
		pairs = append(pairs, pair{a.say("incident.rollback"), textOf(a.c.Named(a.l, "rollback", string(in.Rollback)), a.told(in.Error))})
	}
	caption := ""
	if len(a.r.Incidents) > 1 {
		caption = a.incidentName(in.ID)
	}
	if in.T0 == nil {
		return []block{{Caption: caption, Pairs: pairs}, {Paragraph: a.say("clock.none")}}
	}
	t := &table{Class: "clocks", Columns: a.columns("--nn-", "clock", "wall", "since_start", "since_t0", "means")}
	var missing []string
	reached := clocksOf(a.r, in, last)
	at := map[string]record.Moment{}
	for _, c := range reached {
		at[c.Name] = c.At
	}
	for i := range 9 {
		name := fmt.Sprintf("T%d", i)
		if i == 8 && !last {
			continue
		}
		means := a.say("clock." + name)
		if i == 6 && !last {
			means = a.say("clock.until_next")
		}
		if i == 0 && in.T0Source != "" {
			means = a.say("clock.seen_by", "means", means, "source", a.c.Named(a.l, "t0_source", in.T0Source))
		}
		m, ok := at[name]
		if !ok {
			missing = append(missing, a.say("clock.missing", "clock", name, "means", means))
			continue
		}
		t.Rows = append(
			t.Rows,
			[]cell{text(name), text(a.clock(m, Up)), a.sinceStart(m), a.sinceT0(in.T0, m, i), text(means)},
		)
	}
	blocks := []block{{Caption: caption, Pairs: pairs}, {Table: t}}
	if len(missing) > 0 {
		blocks = append(blocks, block{Paragraph: a.say("clock.not_reached", "clocks", strings.Join(missing, a.say("follows.and")))})
	}
	return blocks
}

// clock is the time of day of one bound of a moment, no finer than the moment is known.
func (a author) clock(m record.Moment, r Rounding) string {
	if m.Early == m.Late {
		return a.l.Clock(a.wall(m.Late))
	}
	at := m.Late
	if r == Down {
		at = m.Early
	}
	return a.l.ClockTo(a.wall(at), max(stepOf(record.Span{Lower: m.Early, Upper: m.Late}, 0), 100*time.Millisecond), r)
}

// sinceStart writes the later bound, and the earlier one beside it where they differ.
func (a author) sinceStart(m record.Moment) cell {
	if m.Early == m.Late {
		return text(a.l.durationTo(m.Late, 100*time.Millisecond, Nearest))
	}
	s := record.Span{Lower: m.Early, Upper: m.Late}
	step := max(stepOf(s, 0), 100*time.Millisecond)
	return cell{Text: a.l.durationTo(m.Late, step, Up),
		Hint: a.say("clock.not_before", "early", a.l.durationTo(m.Early, step, Down))}
}

// sinceT0 is the same upper bound as that of the objectives.
func (a author) sinceT0(t0 *record.Moment, m record.Moment, i int) cell {
	if t0 == nil {
		return text("–")
	}
	if i == 0 {
		return text(a.l.durationTo(0, 100*time.Millisecond, Up))
	}
	return text(a.l.Bound(record.Between(*t0, m), Up))
}

func (a author) fault(f record.FaultFact) cell {
	where := f.Kind
	if f.On != "" {
		where = a.say("incident.fault_on", "kind", f.Kind, "on", f.On)
	}
	var parts []string
	if f.Injected != nil {
		parts = append(parts, a.say("incident.injected", "at", a.l.Clock(a.wall(f.Injected.Late))))
	}
	if f.Effective != nil {
		parts = append(parts, a.say("incident.effective", "at", a.l.Clock(a.wall(f.Effective.Late))))
	} else {
		parts = append(parts, a.say("incident.no_effect"))
	}
	parts = append(parts, a.say("incident.state", "state", a.c.Named(a.l, "fault_state", string(f.State))))
	if f.Note != "" {
		parts = append(parts, a.told(f.Note))
	}
	return textOf(where, strings.Join(parts, " · "))
}

func (a author) decision(d *record.Decision) cell {
	what := a.c.Named(a.l, "decision", string(d.Outcome))
	if len(d.Scope) > 0 {
		what = a.say("incident.scope", "what", what, "scope", strings.Join(d.Scope, ", "))
	}
	by := a.say("incident.by", "by", d.By)
	if d.By == string(record.BasisSimulated) {
		by = a.say("incident.by_nobody")
	}
	return textOf(what, strings.Join(nonEmpty(by, d.Reason), " · "))
}

func nonEmpty(list ...string) []string {
	var kept []string
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// mostStretches keeps a business that flickers for hours from filling a book; record.json has them all.
const mostStretches = 40

// pulse is the witness in figures: how many iterations, and each red stretch.
func (a author) pulse(p *record.Pulse) []block {
	t := p.Totals
	line := a.say(
		"pulse.totals",
		"pace",
		a.pace(),
		"all",
		a.l.Count(int64(t.Good+t.Bad+t.Unproven)),
		"good",
		a.l.Count(int64(t.Good)),
		"bad",
		a.l.Count(int64(t.Bad)),
		"unproven",
		orEmpty(t.Unproven),
		"dropped",
		orEmpty(t.Dropped),
		"p95",
		positive(t.P95),
		"limits",
		a.givesUp(),
	)
	blocks := []block{{Paragraph: line}}
	if m := a.r.Pace().Measured; m != nil {
		blocks = append(blocks, block{Paragraph: a.say("pulse.measured", "runs", a.l.Count(int64(m.Iterations)),
			"shortest", m.Shortest.String(), "longest", m.Longest.String(), "request", positive(m.Request))})
	}
	if p.Broken != "" {
		blocks = append(
			blocks,
			block{List: []cell{marked(a.badge("status", "inconclusive"), a.say("pulse.broken", "why", p.Broken))}},
		)
	}
	for _, r := range p.Rests {
		blocks = append(blocks, block{Paragraph: a.rest(r)})
	}
	if len(p.Reds) == 0 {
		return blocks
	}
	tab := &table{Class: "reds", Columns: a.columns("nnnn-", "stretch", "from", "to", "lasted", "why")}
	for i, s := range p.Reds[:min(len(p.Reds), mostStretches)] {
		to, lasted := a.say(
			"pulse.open",
		), a.say(
			"objective.at_least_plain",
			"lower",
			a.l.Duration(max(0, a.r.Ended-s.From.Late), Down),
		)
		if !s.Open {
			to = a.clock(s.To, Up)
			lasted = a.l.Bound(record.Between(s.From, s.To), Up)
		}
		why := s.Why
		if s.Planned {
			why = strings.Join(nonEmpty(a.say("pulse.planned"), why), " · ")
		}
		tab.Rows = append(
			tab.Rows,
			[]cell{text(fmt.Sprint(i + 1)), text(a.clock(s.From, Down)), text(to), text(lasted),
				{Text: why, Small: a.redSmall(s)}},
		)
	}
	blocks = append(blocks, block{Table: tab})
	if more := len(p.Reds) - mostStretches; more > 0 {
		blocks = append(blocks, block{Paragraph: a.say("more", "count", fmt.Sprint(more))})
	}
	return blocks
}

// redSmall are the flow's checks that failed in a red stretch, and its last error where it is not the first.
func (a author) redSmall(s record.Stretch) string {
	if s.Facts == nil {
		return ""
	}
	var parts []string
	if checks := s.Facts.Checks(); checks != "" {
		parts = append(parts, a.say("pulse.failed", "checks", checks))
	}
	if last := s.Facts.Last; last != "" && last != s.Why {
		parts = append(parts, a.say("pulse.last", "error", last))
	}
	return strings.Join(parts, " · ")
}

func orEmpty(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func positive(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.String()
}

// phases is the legend of the timeline: every phase with its number, however short.
func (a author) phases() block {
	t := &table{Class: "phases", Columns: a.columns("n-nn-", "number", "phase", "began", "took", "outcome")}
	for i, p := range a.r.Phases {
		out := a.badge("outcome", string(p.Outcome))
		row := []cell{text(fmt.Sprint(i + 1)), text(a.c.Named(a.l, "phase", p.Name)), text(a.l.Clock(a.wall(p.Started))),
			text(a.l.Duration(max(0, p.Ended-p.Started), Nearest)), {Badge: &out, Small: a.told(p.Error)}}
		if p.Outcome == record.OutcomeNotReached {
			row[2], row[3] = text("–"), text("–")
		}
		t.Rows = append(t.Rows, row)
	}
	return block{Caption: a.say("caption.phases"), Table: t}
}
