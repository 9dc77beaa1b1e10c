package reports

import (
	"io"
	"strconv"

	"lifeboat/drills/evidence"
)

// DutyLate tells whether a state of a duty is one that somebody must act on.
func DutyLate(state string) bool {
	return state != evidence.DutyDone && state != evidence.DutySoon
}

// Programme writes how the duties of a programme stand.
func Programme(w io.Writer, name string, all []evidence.DutyStanding, o Options) error {
	a := author{c: Messages(), l: o.Language.known(), o: o}
	late := 0
	t := &table{Class: "programme", Columns: a.columns("", "duty", "owner", "state", "passed_last", "due_by", "latest")}
	for _, s := range all {
		b := badge{"passed", "✓", a.say("duty." + s.State)}
		switch {
		case DutyLate(s.State):
			late++
			b.Class, b.Symbol = "failed", "✗"
		case s.State == evidence.DutySoon:
			b.Class, b.Symbol = "inconclusive", "!"
		}
		row := []cell{text(s.Name), text(s.By), {Badge: &b}, text("–"), text("–"), text("–")}
		if s.Passed != "" {
			row[3], row[4] = textOf(a.l.Time(s.At), s.Passed), text(a.l.Time(s.Due))
		}
		if s.Latest != "" {
			row[5] = textOf(a.c.Named(a.l, "status", s.Verdict), s.Latest)
		}
		t.Rows = append(t.Rows, row)
	}
	d := document{Lang: a.l, Title: a.say("duty.programme", "name", name), Status: badge{"passed", "✓", a.say("duty.all")},
		Sentence: a.say("duty.sentence", "count", strconv.Itoa(len(all)), "late", strconv.Itoa(late)),
		Sections: []section{{ID: "duties", Title: a.say("duty.title"), Blocks: []block{{Table: t}}}}}
	if late > 0 {
		d.Status = badge{"failed", "✗", a.say("duty.late")}
	}
	return d.terminal(w, o, nil)
}
