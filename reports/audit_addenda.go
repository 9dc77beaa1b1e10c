package reports

import (
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
		by := x.By
		if by == "" {
			by = p.say("audit.nobody")
		}
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
