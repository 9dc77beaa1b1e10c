package reports

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/internal/timestamp"
)

// Audit writes what the verification of a bundle found: terminal, markdown, html or xlsx.
func Audit(w io.Writer, format string, r *evidence.Result, o Options) error {
	p := auditor{author{c: Messages(), l: o.Language.known(), o: o}, r}
	if format == "xlsx" {
		return p.xlsx(w)
	}
	d := p.document()
	switch format {
	case "terminal":
		return d.terminal(w, o, auditTerminal)
	case "markdown":
		return d.markdown(w)
	case "html":
		return d.html(w, nil)
	}
	return fmt.Errorf("find format %q: choose one of terminal, markdown, html, xlsx", format)
}

// auditor writes the page of a verification.
type auditor struct {
	author
	a *evidence.Result
}

func (p auditor) document() document {
	d := document{Lang: p.l, ID: p.a.Bundle.Origin, Status: badge{"failed", "✗", p.say("audit.refused")}, Facts: p.facts(),
		Footer: p.say("audit.footer", "log", p.a.Bundle.Origin, "size", p.l.Count(p.a.Size)) + "\n" + p.say("audit.footer_root", "root", p.a.Root)}
	switch {
	case p.a.Verified():
		d.Status = badge{"passed", "✓", p.say("audit.verified")}
	case len(p.a.Wrong) == 0:
		d.Status = badge{"inconclusive", "?", p.say("audit.unconfirmed")}
	}
	d.Title = p.say("audit.chosen", "count", strconv.Itoa(len(p.a.Bundle.Chosen)))
	if p.a.Bundle.Whole() {
		d.Title = p.say("audit.period", "from", p.l.Time(p.a.Bundle.From), "to", p.l.Time(p.a.Bundle.To), "series", strings.Join(p.a.Bundle.Series, ", "))
	}
	count := map[record.Status]int{}
	for _, x := range p.a.Drills {
		count[x.Verdict]++
	}
	passed, failed := count[record.StatusPassed], count[record.StatusFailed]
	d.Sentence = p.say("audit.sentence", "drills", strconv.Itoa(len(p.a.Drills)), "passed", strconv.Itoa(passed), "failed", strconv.Itoa(failed),
		"other", strconv.Itoa(len(p.a.Drills)-passed-failed), "nights", strconv.Itoa(len(p.a.Nights)))
	for _, s := range []section{p.found("wrong", p.a.Wrong), p.services(), p.targets(), p.trends(), p.unpassed(), p.whom(), p.drills(), p.series(), p.programmes(),
		p.nights(), p.findings(), p.addenda(), p.deviations(), p.weak(), p.found("notices", p.notices()), p.unproved(), p.controls(), p.signoffs()} {
		if len(s.Blocks) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

func (p auditor) titled(id string, blocks ...block) section {
	return section{ID: "audit-" + id, Title: p.say("audit.title." + id), Blocks: blocks}
}

// shownOf is how many sentences of one kind a page has; the rest is counted. A newer build may write every report otherwise.
func shownOf(id string) int {
	if id == "audit.report_other_build" {
		return 1
	}
	return 10
}

// found lists sentences; of many of one kind the first.
func (p auditor) found(id string, reasons []record.Reason) section {
	var list []cell
	seen := map[string]int{}
	for _, r := range reasons {
		if seen[r.ID]++; seen[r.ID] <= shownOf(r.ID) {
			list = append(list, text(p.c.Sentence(p.l, r)))
		}
	}
	for _, r := range reasons {
		if more := seen[r.ID] - shownOf(r.ID); more > 0 {
			list = append(list, text(p.say("audit.more", "count", strconv.Itoa(more), "like", p.c.Sentence(p.l, r))))
			seen[r.ID] = 0
		}
	}
	if len(list) == 0 {
		return section{}
	}
	return p.titled(id, block{List: list})
}

// whom says on whose word all this is believed.
func (p auditor) whom() section {
	signers := p.say("audit.nobody")
	if len(p.a.Signers) > 0 {
		signers = strings.Join(p.a.Signers, ", ")
	}
	since := p.say("audit.no_older")
	if p.a.Since > 0 {
		since = p.say("audit.since", "size", p.l.Count(p.a.Since))
	}
	stamp := p.say("audit.no_stamp")
	if s := p.a.Stamp; s != nil {
		stamp = p.say("audit.stamp", "time", p.l.Time(s.Time), "by", s.By, "policy", s.Policy, "serial", s.Serial)
	}
	rendered := 0
	for _, x := range p.a.Drills {
		if x.Rendered {
			rendered++
		}
	}
	return p.titled("whom", block{Pairs: []pair{
		{p.say("audit.signed_by"), text(signers)},
		{p.say("audit.log"), textOf(p.a.Bundle.Origin, p.say("audit.records", "size", p.l.Count(p.a.Size)))},
		{p.say("audit.root"), code(p.a.Root)},
		{p.say("audit.older"), text(since)},
		{p.say("audit.stamped"), text(stamp)},
		{p.say("audit.rendered"), text(p.say("audit.rendered_again", "count", strconv.Itoa(rendered), "drills", strconv.Itoa(len(p.a.Drills))))},
	}})
}

func (p auditor) drills() section {
	if len(p.a.Drills) == 0 {
		return section{}
	}
	t := &table{Class: "audit-drills", Columns: p.columns("", "number", "begun_at", "scenario", "verdict", "restore_points", "signed_by")}
	for _, x := range p.a.Drills {
		b := p.status(x.Verdict)
		var points []string
		for _, s := range x.Subjects {
			points = append(points, s.Backup+" "+shortDigest(s.Digest))
		}
		run := ""
		if x.Status != record.RunCompleted {
			run = p.c.Named(p.l, "run", string(x.Status))
		} else if x.Part {
			run = p.c.Named(p.l, "status", "part")
		}
		t.Rows = append(t.Rows, []cell{textOf(numbered(x.Leaf), x.ID), p.begun(x.Leaf, x.Slot),
			textOf(x.Scenario, x.Service), {Badge: &b, Small: run}, text(strings.Join(points, ", ")),
			textOf(strings.Join(x.By, ", "), p.stamped(x.Stamps))})
	}
	return p.titled("drills", block{Table: t})
}

// stamped says when signatures were there at the latest.
func (p auditor) stamped(all []timestamp.Stamp) string {
	var times []string
	for _, s := range all {
		times = append(times, p.l.Time(s.Time))
	}
	if len(times) == 0 {
		return ""
	}
	return p.say("audit.stamped_at", "times", strings.Join(times, ", "))
}

// shortDigest is enough of a digest to find it in the bundle.
func shortDigest(d string) string {
	if len(d) > 19 {
		return d[:19] + "…"
	}
	return d
}

func (p auditor) series() section {
	if len(p.a.Series) == 0 {
		return section{}
	}
	t := &table{Class: "audit-series", Columns: p.columns("--nnnn", "series", "numbers", "drills", "passed", "failed", "other")}
	for _, s := range p.a.Series {
		t.Rows = append(t.Rows, []cell{text(s.Series), text(fmt.Sprintf("%d – %d", s.First, s.Last)), text(strconv.Itoa(s.Drills)),
			text(strconv.Itoa(s.Passed)), text(strconv.Itoa(s.Failed)), text(strconv.Itoa(s.Other))})
	}
	says := "audit.complete"
	if slices.ContainsFunc(p.a.Wrong, func(r record.Reason) bool {
		return strings.HasPrefix(r.ID, "audit.number_") || strings.HasPrefix(r.ID, "audit.leaf_") || r.ID == "audit.drill_missing"
	}) {
		says = "audit.incomplete"
	}
	return p.titled("series", block{Paragraph: p.say(says), Table: t}, p.slots())
}

func (p auditor) nights() section {
	if len(p.a.Nights) == 0 {
		return section{}
	}
	t := &table{Class: "audit-nights", Columns: p.columns("--nnnnnnnn", "catalogue", "begun_at", "planned", "passed", "in_part", "failed", "other",
		"rests", "left_out", "not_run")}
	for _, n := range p.a.Nights {
		row := []cell{textOf(n.Series, n.ID), p.begun(n.Leaf, n.Slot)}
		for _, x := range []int{n.Planned, n.Passed, n.Part, n.Failed, n.Other, n.Rests, n.LeftOut, n.NotRun} {
			row = append(row, text(strconv.Itoa(x)))
		}
		t.Rows = append(t.Rows, row)
	}
	return p.titled("nights", block{Table: t})
}

// weak gathers what weakens the proofs, and which drills say so.
func (p auditor) weak() section {
	by := map[string][]string{}
	var order []string
	enter := func(sentence, drill string) {
		if by[sentence] == nil {
			order = append(order, sentence)
		}
		if !slices.Contains(by[sentence], drill) {
			by[sentence] = append(by[sentence], drill)
		}
	}
	for _, x := range p.a.Drills {
		if x.Shown == nil {
			continue
		}
		for _, w := range x.Shown.Weak {
			enter(w, numbered(x.Leaf))
		}
	}
	var list []cell
	for _, s := range order {
		list = append(list, textOf(s, strings.Join(by[s], ", ")))
	}
	if len(list) == 0 {
		return section{}
	}
	return p.titled("weak", block{List: list})
}

// unproved is what no such bundle proves.
func (p auditor) unproved() section {
	var list []cell
	for _, key := range []string{"clock", "reports", "elsewhere", "exporter"} {
		list = append(list, text(p.say("audit.unproved."+key)))
	}
	return p.titled("unproved", block{List: list})
}

// begun is when a drill or night began, and when it was to begin where somebody said so.
func (p auditor) begun(l evidence.Leaf, slot *time.Time) cell {
	if slot == nil {
		return text(p.l.Time(l.Started))
	}
	return textOf(p.l.Time(l.Started), p.say("audit.planned_for", "slot", p.slot(slot, l.Started)))
}

// slotOf is a slot in a cell of its own.
func (p auditor) slotOf(slot *time.Time, l evidence.Leaf) cell {
	if slot == nil {
		return text(p.say("evidence.unknown"))
	}
	return text(p.l.Time(slot.In(l.Started.Location())))
}

// slots say of how many drills and nights it is known when they were to begin, and how late the latest was: a completeness statement says what it
// cannot see, too.
func (p auditor) slots() block {
	all, known, late := 0, 0, time.Duration(0)
	count := func(l evidence.Leaf, slot *time.Time) {
		if all++; slot != nil {
			known, late = known+1, max(late, l.Started.Sub(*slot).Round(time.Second))
		}
	}
	for _, x := range p.a.Drills {
		count(x.Leaf, x.Slot)
	}
	for _, x := range p.a.Nights {
		count(x.Leaf, x.Slot)
	}
	by := ""
	if late > 0 {
		by = p.l.Limit(late)
	}
	return block{Paragraph: p.say("audit.slots", "known", strconv.Itoa(known), "all", strconv.Itoa(all), "by", by)}
}
