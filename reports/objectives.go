package reports

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

func (a author) objectives() section {
	if len(a.v.Objectives) == 0 {
		return section{}
	}
	t := &table{
		Class:   "objectives",
		Columns: a.columns("-nn-n-", "objective", "limit", "measured", "share", "margin", "verdict"),
	}
	free := &table{Class: "unlimited", Columns: a.columns("-n-", "measured_too", "measured", "means")}
	for _, j := range a.v.Objectives {
		if !j.Unlimited {
			t.Rows = append(t.Rows, a.objective(j))
			continue
		}
		free.Rows = append(free.Rows, []cell{text(a.objectiveName(j)), {Text: a.measured(j), Hint: a.bounds(j)},
			{Text: a.objectiveMeans(j), Small: a.objectiveSmall(j)}})
	}
	s := a.section("objectives")
	if len(t.Rows) > 0 {
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	if len(free.Rows) > 0 {
		s.Blocks = append(s.Blocks, block{Table: free})
	}
	s.Note = a.say("note.objectives")
	return s
}

func (a author) objective(j record.Judged) []cell {
	name := cell{Text: a.objectiveName(j), Hint: a.objectiveMeans(j), Small: a.objectiveSmall(j)}
	verdict := marked(a.badge("held", string(j.Status)), "")
	if j.Basis == record.BasisEmulated || j.Basis == record.BasisProjected {
		verdict.Small = a.c.Named(a.l, "basis", string(j.Basis))
	}
	return []cell{
		name,
		text(a.l.Limit(j.Limit)),
		{Text: a.measured(j), Hint: a.bounds(j)},
		{Bar: a.bar(j)},
		text(a.margin(j)),
		verdict,
	}
}

// objectiveMeans says from which clock to which it is measured.
func (a author) objectiveMeans(j record.Judged) string {
	if key := "objective_means." + j.Name; a.c.HasLabel(key) {
		return a.say(key)
	}
	return ""
}

func (a author) objectiveName(j record.Judged) string {
	name := a.c.Named(a.l, "objective", j.Name)
	number, incident := strings.CutPrefix(j.Scope, incidentScope)
	switch {
	case incident && len(a.r.Incidents) <= 1:
	case incident:
		id, _ := strconv.Atoi(number) // of the judge: it is one
		name += a.say("objective.scope", "scope", a.incidentName(id))
	case j.Scope != "":
		name += a.say("objective.scope", "scope", j.Scope)
	}
	return name
}

// objectiveSmall is the basis, where it is not plainly measured, and the note.
func (a author) objectiveSmall(j record.Judged) string {
	var parts []string
	if j.Basis != "" && j.Measured != nil && j.Basis != record.BasisMeasured {
		parts = append(parts, a.c.Named(a.l, "basis", string(j.Basis)))
	}
	if j.Verifying > 0 && j.Measured != nil {
		parts = append(parts, a.say("objective.verifying", "verifying", a.l.Duration(j.Verifying, Up),
			"without", a.l.Duration(max(0, *j.Measured-j.Verifying), Up)))
	}
	known := j.Note != nil && j.Note.ID == "basis.emulated" && len(parts) > 0                   // it says what the basis says
	if j.Note != nil && !known && !a.reasoned(*j.Note) && j.Note.ID != "objective.unfinished" { // the figure says that one
		note := *j.Note
		if note.ID == "basis.time_for_people" {
			note.Args = map[string]string{"left": a.margin(j)}
		}
		parts = append(parts, a.words(note))
	}
	return strings.Join(parts, " · ")
}

// reasoned tells whether a note stands among the reasons already.
func (a author) reasoned(n record.Reason) bool {
	return slices.ContainsFunc(
		a.v.Reasons,
		func(r record.Reason) bool { return r.ID == n.ID && maps.Equal(r.Args, n.Args) && !r.Follows },
	)
}

// measured writes the upper bound; "≥ X, not recovered" where it never came back.
func (a author) measured(j record.Judged) string {
	switch {
	case j.Measured != nil:
		return a.l.durationTo(*j.Measured, step(j), Up)
	case j.Lower != nil:
		return a.say("objective.at_least", "lower", a.l.Duration(*j.Lower, Down))
	default:
		return a.say("objective.not_measured")
	}
}

// step is to what everything that is said of a measured objective is written.
func step(j record.Judged) time.Duration {
	s := record.Span{Lower: *j.Measured, Upper: *j.Measured}
	if j.Lower != nil {
		s.Lower = *j.Lower
	}
	return stepOf(s, j.Limit)
}

// figured writes the figures of a reason as those of its objective are.
func (a author) figured(args map[string]string) {
	i := slices.IndexFunc(a.v.Objectives, func(j record.Judged) bool {
		return j.Name == args["objective"] && j.Scope == args["scope"] && j.Measured != nil
	})
	if i < 0 {
		return
	}
	for name, r := range map[string]Rounding{"measured": Up, "upper": Up, "over": Up, "lower": Down} {
		if d, err := time.ParseDuration(args[name]); err == nil {
			args[name] = a.l.durationTo(d, step(a.v.Objectives[i]), r)
		}
	}
}

// bounds names the lower bound where it differs from the upper one as written.
func (a author) bounds(j record.Judged) string {
	if j.Measured == nil || j.Lower == nil {
		return ""
	}
	lower := a.l.durationTo(*j.Lower, step(j), Down)
	if lower == a.measured(j) || *j.Lower < step(j) { // "at least 0.00 s" says nothing
		return ""
	}
	return a.say("objective.bounds", "lower", lower)
}

// margin is written to the step of the measured figure, so that limit − measured = margin on paper too.
func (a author) margin(j record.Judged) string {
	switch {
	case j.Measured != nil && j.Margin != nil:
		if *j.Margin < 0 {
			return a.say("objective.over", "over", a.l.durationTo(-*j.Margin, step(j), Up))
		}
		return a.l.durationTo(*j.Margin, step(j), Down)
	case j.Lower != nil && *j.Lower > j.Limit:
		over := *j.Lower - j.Limit
		return a.say("objective.over_at_least", "over", a.l.durationTo(over, resolution(*j.Lower), Down))
	}
	return "–"
}

// bar draws the share of the limit that was used. Beyond the limit the scale
// grows, so that the limit's mark moves to the left and the excess is seen.
func (a author) bar(j record.Judged) *bar {
	used := j.Measured
	if used == nil {
		used = j.Lower
	}
	if used == nil || j.Limit <= 0 {
		return nil
	}
	share := used.Seconds() / j.Limit.Seconds() * 100
	b := &bar{Class: string(j.Status), Label: percent(share), Limit: 100, Used: max(share, 0.8)}
	if j.Measured == nil {
		b.Label = "≥ " + b.Label
	}
	if share > 100 {
		whole := min(share, 400)
		b.Limit = 100 / whole * 100
		b.Used, b.Over = b.Limit, 100-b.Limit
	}
	return b
}

// percent writes one digit below ten and never rounds onto 0 or onto 100 from either side.
func percent(p float64) string {
	switch {
	case p > 0 && p < 0.05:
		return "< 0.1 %"
	case p < 10:
		return fmt.Sprintf("%.1f %%", p)
	case p > 99 && p < 100:
		return "> 99 %"
	case p > 100 && p < 101:
		return "> 100 %"
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// asked is a time between two answers of the pulse, of which the upper bound is known: it is unsure by an interval.
func (a author) asked(upper time.Duration) record.Span {
	return record.Span{Lower: max(0, upper-a.r.Pace().Period()), Upper: upper}
}

// longest is the red stretch of this upper bound, which is written as the drawing and the table of stretches have it.
func (a author) longest(upper time.Duration) record.Span {
	if a.r.Pulse != nil {
		for _, s := range a.r.Pulse.Reds {
			if span := record.Between(s.From, s.To); !s.Open && span.Upper == upper {
				return span
			}
		}
	}
	return a.asked(upper)
}

func (a author) outage(o *record.Outage) string {
	args := []string{"count", fmt.Sprint(o.Count), "lower", a.l.Bound(o.Sum, Down), "upper", a.l.Bound(o.Sum, Up),
		"longest", a.l.Bound(a.longest(o.Longest), Up), "planned", ""}
	if o.Planned > 0 {
		args[len(args)-1] = a.l.Bound(a.asked(o.Planned), Up)
	}
	if o.Open {
		return a.say("outage.open", args...)
	}
	return a.say("outage.sum", args...)
}

// findings are tables for hands: owner, due date and the drill that closes it stay blank.
func (a author) findings() section {
	if len(a.v.Findings) == 0 {
		return a.section("findings", block{Paragraph: a.say("findings.none")})
	}
	t := &table{Class: "findings", Columns: a.columns("", "severity", "finding", "owner", "due", "retest")}
	for i, f := range sortedFindings(a.v) {
		r := record.Reason{ID: f.ID, Args: f.Args}
		sev := badge{Class: "severity-" + f.Severity, Symbol: "▲", Word: a.c.Named(a.l, "severity", f.Severity)}
		t.Rows = append(t.Rows, []cell{
			{Badge: &sev, Small: fmt.Sprintf("F%d", i+1)},
			{Text: a.words(r), Next: a.next(r)},
			{Blank: true}, {Blank: true}, {Blank: true},
		})
	}
	return a.section("findings", block{Table: t})
}
