package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// nightAuthor writes of a night in one language.
type nightAuthor struct {
	author
	n *night.Night
}

func aboutNight(n *night.Night, o Options) nightAuthor {
	return nightAuthor{author{c: Messages(), l: o.Language.known(), r: &record.Record{}, o: o, said: map[string]bool{}}, n}
}

// NightTerminal writes a night for a screen of Options.Width columns: the worst first in a sentence, then every backup.
func NightTerminal(w io.Writer, n *night.Night, o Options) error {
	a := aboutNight(n, o)
	t := &screen{width: max(60, cmp.Or(max(0, o.Width), 100)), color: o.Color, out: w}
	b := a.proof(n.Status())
	if n.Status() == record.StatusPassed && n.Partial() {
		b = a.proof(record.StatusInconclusive)
		b.Word = a.say("night.part")
	}
	t.print("", t.paint(b.Class, t.bold(b.Symbol+" "+b.Word))+" · "+t.bold(flat(a.title())))
	t.print(wrap(flat(a.sentence()), t.width)...)
	if n.Slot != nil {
		t.print(wrap(flat(a.planned()), t.width)...)
	}
	t.print("")
	if t.err == nil {
		t.err = t.table(a.table())
	}
	if b := a.unproved(); len(b.List) > 0 {
		t.section(section{Title: a.say("night.unproved"), Blocks: []block{b}})
	}
	return t.err
}

// NightLine is what came of one check run, in a line.
func NightLine(n *night.Night, p night.Proof, o Options) string {
	a := aboutNight(n, o)
	b := a.badgeOf(p)
	return flat(strings.Join(nonEmpty(a.backup(p)+": "+b.Word, a.rung(p), a.took(p), a.why(p)), " · "))
}

func (a nightAuthor) title() string {
	if t := a.n.Title[string(a.l)]; t != "" {
		return t
	}
	if t := a.n.Title.Any(); t != "" {
		return t
	}
	return a.n.Catalogue
}

// sentence says how many of how many are proved.
func (a nightAuthor) sentence() string {
	skipped, rests, read, part := 0, 0, 0, 0
	for _, p := range a.n.Proofs {
		if p.InPart() {
			part++
		}
		switch {
		case p.LeftOut():
			skipped++
		case p.Skipped != "":
			rests++
		case p.Read:
			read++
		}
	}
	some := func(n int) string { return strings.TrimPrefix(strconv.Itoa(n), "0") }
	s := a.say("night.sentence", "proved", strconv.Itoa(a.n.Count(record.StatusPassed)-part), "planned", strconv.Itoa(len(a.n.Proofs)-skipped-read),
		"failed", strconv.Itoa(a.n.Count(record.StatusFailed)), "part", some(part), "rests", some(rests), "read", some(read), "skipped", some(skipped))
	if !a.n.Sealed() {
		s += a.say("night.unsealed")
	}
	return s
}

// planned is when it was to begin.
func (a nightAuthor) planned() string {
	if a.n.Slot == nil {
		return a.say("night.unplanned")
	}
	return a.say("night.planned", "slot", a.slot(a.n.Slot, a.n.Started))
}

func (a nightAuthor) proof(s record.Status) badge {
	b := a.status(s)
	b.Word = a.c.Named(a.l, "proof", string(s))
	return b
}

// badgeOf a proof: one that was not made tonight says so.
func (a nightAuthor) badgeOf(p night.Proof) badge {
	b := a.proof(p.Status)
	if p.Read {
		b = a.proof(record.StatusNotRun)
		b.Word = a.say("night.read")
	}
	if p.InPart() {
		b = a.proof(record.StatusInconclusive)
		b.Word = a.say("night.part")
	}
	if p.Rests != nil {
		unchanged := a.say("night.unchanged", "started", p.Started.Format("01-02 15:04"))
		if b.Word = unchanged; p.InPart() {
			b.Word = a.say("night.part_unchanged", "unchanged", unchanged)
		}
	}
	return b
}

func (a nightAuthor) backup(p night.Proof) string {
	return strings.Join(nonEmpty(p.Backup, p.Point), " ")
}

// rung is the highest that was reached, with its number.
func (a nightAuthor) rung(p night.Proof) string {
	h := objective.Highest(p.Rungs)
	if h < 0 {
		return ""
	}
	return strconv.Itoa(h) + " " + a.c.Named(a.l, "rung", string(p.Rungs[h].Name))
}

func (a nightAuthor) took(p night.Proof) string {
	if p.Took == 0 {
		return ""
	}
	return a.l.Duration(p.Took.Round(time.Second), Nearest)
}

// why is the first reason of what is not proved.
func (a nightAuthor) why(p night.Proof) string {
	switch {
	case p.Rests != nil && p.InPart():
		p.Rests, p.Skipped = nil, ""
		return a.why(p) + " · " + a.say("night.rests", "drill", p.Drill, "started", p.Started.Format("2006-01-02 15:04"))
	case p.Rests != nil:
		return a.say("night.rests", "drill", p.Drill, "started", p.Started.Format("2006-01-02 15:04"))
	case p.Skipped != "":
		return a.c.Named(a.l, "skipped", p.Skipped)
	case p.InPart():
		return a.say("night.part_of", "only", p.Part.Only, "left", p.Part.Left)
	case p.Status == record.StatusPassed:
		return ""
	case p.Why != nil:
		if p.Said != nil {
			a.r = &record.Record{Checks: []record.CheckResult{{Name: p.Why.Args["check"], Message: p.Why.Args["message"], Said: p.Said}}}
		}
		return a.words(*p.Why)
	}
	return p.Error
}

func (a nightAuthor) table() *table {
	t := &table{Columns: []column{{Title: a.say("night.backup")}, {Title: a.say("night.proof")}, {Title: a.say("night.rung")},
		{Title: a.say("night.took"), Number: true}, {Title: a.say("night.point")}, {Title: a.say("night.owner")}}}
	for _, p := range a.n.Proofs {
		b := a.badgeOf(p)
		var points []string
		for _, x := range p.Points {
			points = append(points, x.Point)
		}
		t.Rows = append(t.Rows, []cell{{Text: p.Backup}, {Badge: &b}, {Text: a.rung(p)}, {Text: a.took(p)},
			{Text: strings.Join(points, ", ")}, {Text: p.Owner}})
	}
	return t
}

// unproved says of everything that is not proved why, and what to do now, what failed first.
func (a nightAuthor) unproved() block {
	var list []cell
	for _, failed := range []bool{true, false} {
		for _, p := range a.n.Proofs {
			if p.Status == record.StatusPassed && !p.InPart() || p.LeftOut() || p.Read || (p.Status == record.StatusFailed) != failed {
				continue
			}
			b := a.badgeOf(p)
			c := cell{Badge: &b, Text: a.backup(p) + ": " + a.why(p), Small: p.Drill}
			if p.Why != nil {
				c.Next = a.author.next(*p.Why)
			}
			list = append(list, c)
		}
	}
	return block{List: list}
}

// NightJUnit writes a suite for each backup with a case for each rung: nothing that is not proved is green.
func NightJUnit(w io.Writer, n *night.Night, o Options) error {
	a := aboutNight(n, o)
	all := junitSuites{Name: printable(a.title()), Time: xmlSeconds(n.Ended.Sub(n.Started))}
	whole := junitCase{Class: "night", Name: printable(n.Catalogue), Time: all.Time}
	status := n.Status()
	if status == record.StatusPassed && n.Partial() { // pipelines take what is skipped for good, and show it
		status = record.StatusNotRun
	}
	whole.result(status, a.sentence(), a.sentence())
	suite := junitSuite{Name: "night", Time: all.Time, Cases: []junitCase{whole}}
	if n.Slot != nil {
		suite.Properties = append(suite.Properties, junitProperty{"planned", n.Slot.Format(time.RFC3339)})
	}
	all.add(&record.Record{Header: record.Header{Started: n.Started}}, suite)
	for _, p := range n.Proofs {
		s := junitSuite{Name: printable(a.backup(p)), Time: xmlSeconds(p.Took), Properties: []junitProperty{
			{"night", n.Night}, {"drill", p.Drill}, {"number", fmt.Sprint(p.Number)}, {"series", printable(p.Series)},
			{"verdict", string(p.Status)}, {"journal", p.Journal}, {"owner", printable(p.Owner)}}}
		c := junitCase{Class: s.Name, Name: "verdict", Time: s.Time}
		status := p.Status
		if p.Rests != nil {
			s.Properties = append(s.Properties, junitProperty{"rests_on", p.Drill})
		}
		if status == record.StatusNotRun && p.Skipped == "" { // it was asked for; pipelines take what is skipped for good
			status = record.StatusInconclusive
		}
		if p.Read || p.InPart() {
			status = record.StatusNotRun
		}
		c.result(status, a.why(p), a.why(p))
		s.Cases = append(s.Cases, c)
		for i, r := range p.Rungs {
			c := junitCase{Class: s.Name, Name: strconv.Itoa(i) + " " + a.c.Named(a.l, "rung", string(r.Name)), Time: xmlSeconds(0)}
			switch r.State {
			case objective.RungFailed:
				c.result(record.StatusFailed, strings.Join(r.Of, ", "), a.why(p))
			case objective.RungUnasked:
				c.result(record.StatusNotRun, a.say("night.unasked"), strings.Join(r.Of, ", "))
			}
			s.Cases = append(s.Cases, c)
		}
		all.add(&record.Record{Header: record.Header{Started: p.Started}}, s)
	}
	return writeJUnit(w, all)
}

// NightJSON writes what the journal of a night says, with its verdict.
func NightJSON(w io.Writer, n *night.Night, _ Options) error {
	return json.NewEncoder(w).Encode(struct {
		Verdict record.Status `json:"verdict"`
		Partial bool          `json:"partial,omitempty"` // backups were left out, or proved in part alone: it is no proof of the catalogue
		*night.Night
	}{n.Status(), n.Partial(), n})
}

// StandingTerminal writes how backups stand, for a screen of Options.Width columns.
func StandingTerminal(w io.Writer, all []night.Standing, o Options) error {
	a := aboutNight(&night.Night{}, o)
	t := &screen{width: max(60, cmp.Or(max(0, o.Width), 100)), color: o.Color, out: w}
	rows := &table{Columns: []column{{Title: a.say("night.backup")}, {Title: a.say("night.state")}, {Title: a.say("night.proved")},
		{Title: a.say("night.rung")}, {Title: a.say("night.time")}, {Title: a.say("night.owner")}, {Title: a.say("night.why")}}}
	classes := map[night.State]badge{night.Proved: {Class: "passed", Symbol: "✓"}, night.Failed: {Class: "failed", Symbol: "✗"}}
	for _, s := range all {
		b, known := classes[s.State]
		if !known {
			b = badge{Class: "inconclusive", Symbol: "?"}
		}
		b.Word = a.c.Named(a.l, "standing", string(s.State))
		proved, rung, why := "", "", ""
		if !s.Proof.IsZero() {
			proved = s.Proof.Format("2006-01-02 15:04")
		}
		if s.Latest != nil {
			rung, why = a.rung(*s.Latest), a.why(*s.Latest)
		}
		rows.Rows = append(rows.Rows, []cell{{Text: s.Backup}, {Badge: &b}, {Text: proved}, {Text: rung}, {Text: a.forecast(s.Time)}, {Text: s.Owner}, {Text: why}})
	}
	return t.table(rows)
}

// StandingJSON writes how backups stand, an object in a line for each.
func StandingJSON(w io.Writer, all []night.Standing, _ Options) error {
	e := json.NewEncoder(w)
	for _, s := range all {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}
