package reports

import (
	"cmp"
	"strconv"
	"strings"

	"lifeboat/drills/evidence"
)

// addenda list what people said of the drills after they were sealed.
func (p auditor) addenda() section {
	if len(p.a.Addenda) == 0 {
		return section{}
	}
	t := &table{Class: "audit-addenda", Columns: p.columns("", "said_at", "of_drill", "what_said", "words", "signed_by")}
	for _, x := range p.a.Addenda {
		words := strings.TrimSpace(x.Ticket + " " + x.Text)
		if x.Kind == evidence.Finding {
			words = evidence.FindingName(x.Number) + " " + words
		}
		by := cmp.Or(x.By, p.say("audit.nobody"))
		t.Rows = append(t.Rows, []cell{text(p.l.Time(x.At)), text(x.Drill), text(p.c.Named(p.l, "addendum", x.Kind)), text(words),
			textOf(by, p.c.Named(p.l, "role", x.Role))})
	}
	return p.titled("addenda", block{Table: t})
}

// found of the drills, and what became of it.
func (p auditor) findings() section {
	if len(p.a.Findings) == 0 {
		return section{}
	}
	t := &table{Class: "audit-findings", Columns: p.columns("", "finding", "severity", "words", "owner", "due", "state", "retest")}
	for _, f := range p.a.Findings {
		b := badge{"inconclusive", "!", p.say("finding_state." + f.State)}
		switch f.State {
		case evidence.FindingClosed:
			b.Class, b.Symbol = "passed", "✓"
		case evidence.FindingOverdue:
			b.Class, b.Symbol = "failed", "✗"
		}
		sev := badge{Class: "severity-" + f.Severity, Symbol: "▲", Word: p.c.Named(p.l, "severity", f.Severity)}
		t.Rows = append(t.Rows, []cell{textOf(strings.TrimSpace(f.Series+" "+evidence.FindingName(f.Number)), f.Drill), {Badge: &sev}, text(f.Text), text(f.Owner),
			text(f.Due), {Badge: &b}, text(strings.Join(f.Retests, ", "))})
	}
	return p.titled("findings", block{Table: t})
}

// programmes hold what was run against what was planned.
func (p auditor) programmes() section {
	if len(p.a.Programmes) == 0 {
		return section{}
	}
	var blocks []block
	for _, x := range p.a.Programmes {
		t := &table{Class: "audit-programme", Columns: p.columns("--nn", "duty", "owner", "drills", "passed", "next_due", "overdue_stretch")}
		for _, d := range x.Duties {
			gaps := cell{Text: p.say("audit.no_gap")}
			if len(d.Gaps) > 0 {
				gaps = text(p.gaps(d.Gaps))
			}
			t.Rows = append(t.Rows, []cell{textOf(d.Name, p.say("audit.every", "every", d.Every)), text(d.By), text(strconv.Itoa(d.Runs)), text(strconv.Itoa(d.Passed)),
				text(p.l.Time(d.Due)), gaps})
		}
		blocks = append(blocks, block{Paragraph: p.say("audit.in_force", "name", x.Series, "from", p.l.Time(x.From), "to", p.l.Time(x.To),
			"logged", p.l.Time(x.Logged)), Table: t})
	}
	return p.titled("programmes", blocks...)
}

// gaps writes where a duty was overdue, and what explains that.
func (p auditor) gaps(all []evidence.Gap) string {
	var lines []string
	for _, g := range all {
		key := "audit.gap"
		if g.Open {
			key = "audit.gap_open"
		}
		line := p.say(key, "from", p.l.Time(g.From), "to", p.l.Time(g.To), "took", p.l.Duration(g.To.Sub(g.From), Nearest))
		if len(g.Runs) > 0 {
			line += " " + p.say("audit.gap_runs", "runs", strings.Join(g.Runs, ", "))
		}
		if len(g.Said) > 0 {
			line += " " + p.say("audit.gap_said", "words", strings.Join(g.Said, "; "))
		} else {
			line += " " + p.say("audit.gap_unexplained")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}
