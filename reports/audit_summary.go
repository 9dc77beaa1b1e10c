package reports

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// auditTerminal are the sections that a person at a prompt wants; on paper the summary of the period stands whole.
var auditTerminal = []string{"audit-wrong", "audit-whom", "audit-drills", "audit-series", "audit-programmes", "audit-nights", "audit-findings",
	"audit-addenda", "audit-deviations", "audit-weak", "audit-notices", "audit-unproved"}

// numbered is what people call a drill: its series and its number.
func numbered(l evidence.Leaf) string {
	return strings.TrimSpace(l.Series + " " + strconv.Itoa(l.Number))
}

func (p auditor) facts() []pair {
	passed := map[string]bool{}
	for _, x := range p.a.Drills {
		passed[serviceOf(x)] = passed[serviceOf(x)] || x.Verdict == record.StatusPassed
	}
	proved := 0
	for _, ok := range passed {
		if ok {
			proved++
		}
	}
	return []pair{
		{p.say("audit.fact.services"), text(p.say("audit.fact.proved", "count", strconv.Itoa(len(passed)), "proved", strconv.Itoa(proved)))},
		{p.say("audit.log"), textOf(p.a.Bundle.Origin, p.say("audit.records", "size", p.l.Count(p.a.Size)))},
	}
}

// serviceOf is what a drill was about: its service, or else its series.
func serviceOf(x evidence.DrillResult) string {
	if x.Service != "" {
		return x.Service
	}
	return x.Series
}

// byService are the drills of each service, in the order in which the services come first.
func (p auditor) byService() (names []string, drills map[string][]evidence.DrillResult) {
	drills = map[string][]evidence.DrillResult{}
	for _, x := range p.a.Drills {
		name := serviceOf(x)
		if drills[name] == nil {
			names = append(names, name)
		}
		drills[name] = append(drills[name], x)
	}
	return names, drills
}

// services say of each what was run, and when it passed last.
func (p auditor) services() section {
	names, drills := p.byService()
	if len(names) == 0 {
		return section{}
	}
	t := &table{Class: "audit-services", Columns: p.columns("-nnnn", "service_of", "drills", "passed", "failed", "other", "passed_last")}
	for _, name := range names {
		count := map[record.Status]int{}
		customer, last := "", cell{Text: p.say("audit.never")}
		var at time.Time
		for _, x := range drills[name] {
			count[x.Verdict]++
			if x.Shown != nil && x.Shown.Customer != "" {
				customer = x.Shown.Customer
			}
			if x.Verdict == record.StatusPassed && !x.Started.Before(at) {
				at, last = x.Started, textOf(p.l.Time(x.Started), numbered(x.Leaf))
			}
		}
		all, passed, failed := len(drills[name]), count[record.StatusPassed], count[record.StatusFailed]
		t.Rows = append(t.Rows, []cell{textOf(name, customer), text(strconv.Itoa(all)), text(strconv.Itoa(passed)), text(strconv.Itoa(failed)),
			text(strconv.Itoa(all - passed - failed)), last})
	}
	return p.titled("services", block{Table: t})
}

// target is an objective with a limit, as the drills of one service held it.
type target struct {
	name                  string
	limit                 time.Duration
	held, missed, unknown int
	share                 float64
	worst                 *record.Judged
	of                    evidence.DrillResult
}

// targets hold what each service was to keep against what was measured, the worst of each.
func (p auditor) targets() section {
	names, drills := p.byService()
	var blocks []block
	for _, name := range names {
		t := &table{Class: "audit-targets", Columns: p.columns("-nnnnnn", "objective", "limit", "held", "missed", "undecided", "worst", "margin", "in_drill")}
		for _, x := range targetsOf(drills[name]) {
			worst, margin, in := text(p.say("objective.not_measured")), text("–"), cell{}
			if x.worst != nil {
				worst, margin, in = cell{Text: p.measured(*x.worst), Hint: p.bounds(*x.worst)}, text(p.margin(*x.worst)), text(numbered(x.of.Leaf))
				if b := x.worst.Basis; b != "" && b != record.BasisMeasured {
					worst.Small = p.c.Named(p.l, "basis", string(b))
				}
			}
			t.Rows = append(t.Rows, []cell{text(p.c.Named(p.l, "objective", x.name)), text(p.l.Limit(x.limit)), text(strconv.Itoa(x.held)),
				text(strconv.Itoa(x.missed)), text(strconv.Itoa(x.unknown)), worst, margin, in})
		}
		if len(t.Rows) > 0 {
			blocks = append(blocks, block{Caption: name, Table: t})
		}
	}
	if len(blocks) == 0 {
		return section{}
	}
	s := p.titled("targets", blocks...)
	s.Note = p.say("note.objectives")
	return s
}

// targetsOf gathers them. A limit that was changed within the period is another target.
func targetsOf(drills []evidence.DrillResult) (all []*target) {
	for _, d := range drills {
		if d.Shown == nil {
			continue
		}
		for i := range d.Shown.Objectives {
			j := &d.Shown.Objectives[i]
			if j.Unlimited || j.Status == record.StatusNotRun { // it is none of this kind of drill
				continue
			}
			at := slices.IndexFunc(all, func(x *target) bool { return x.name == j.Name && x.limit == j.Limit })
			if at < 0 { // beside what else was the limit of it
				at = cmp.Or(slices.IndexFunc(all, func(x *target) bool { return x.name == j.Name })+1, len(all))
				all = slices.Insert(all, at, &target{name: j.Name, limit: j.Limit})
			}
			all[at].add(d, j)
		}
	}
	return all
}

func (x *target) add(d evidence.DrillResult, j *record.Judged) {
	switch j.Status {
	case record.StatusPassed:
		x.held++
	case record.StatusFailed:
		x.missed++
	default:
		x.unknown++
	}
	used := j.Measured
	if used == nil {
		used = j.Lower
	}
	if used == nil {
		return
	}
	if share := used.Seconds() / max(j.Limit.Seconds(), 1e-9); x.worst == nil || share > x.share {
		x.worst, x.share, x.of = j, share, d
	}
}

// unpassed are the drills that did not pass: why, what people wrote of the cause, and which findings came of it.
func (p auditor) unpassed() section {
	t := &table{Class: "audit-unpassed", Columns: p.columns("", "number", "begun_at", "verdict", "reason", "root_cause", "findings_of")}
	for _, x := range p.a.Drills {
		if x.Verdict == record.StatusPassed {
			continue
		}
		why := p.say("audit.unreadable")
		if x.Shown != nil {
			why = x.Shown.Why
		}
		b := p.status(x.Verdict)
		cause := p.said(x.ID, evidence.RootCause, evidence.Correction)
		if len(cause) == 0 {
			cause = []string{p.say("audit.no_cause")}
		}
		var found []string
		for _, f := range p.a.Findings {
			if f.Drill == x.ID {
				found = append(found, evidence.FindingName(f.Number)+" "+p.say("finding_state."+f.State))
			}
		}
		if len(found) == 0 {
			found = []string{p.say("audit.no_finding")}
		}
		t.Rows = append(t.Rows, []cell{textOf(numbered(x.Leaf), x.ID), text(p.l.Time(x.Started)), {Badge: &b}, text(why),
			text(strings.Join(cause, " ")), text(strings.Join(found, ", "))})
	}
	if len(t.Rows) == 0 {
		return section{}
	}
	return p.titled("unpassed", block{Table: t})
}

// said is what people who are believed said of a drill, in these kinds.
func (p auditor) said(drill string, kinds ...string) (words []string) {
	for _, x := range p.a.Addenda {
		if x.Drill == drill && x.By != "" && slices.Contains(kinds, x.Kind) {
			words = append(words, p.say("audit.says", "by", x.By, "words", x.Text))
		}
	}
	return words
}

// selfApproval is told among the deviations.
const selfApproval = "audit.self_approval"

// deviations are what went otherwise than it should have: who approved what they ran, corrections, and what was done by hand.
func (p auditor) deviations() section {
	var list []cell
	for _, r := range p.a.Notices {
		if r.ID == selfApproval {
			list = append(list, text(p.c.Sentence(p.l, r)))
		}
	}
	for _, x := range p.a.Drills {
		for _, words := range p.said(x.ID, evidence.Correction) {
			list = append(list, text(p.say("audit.corrected", "drill", numbered(x.Leaf), "words", words)))
		}
		if x.Shown == nil {
			continue
		}
		for _, n := range x.Shown.Noted {
			list = append(list, textOf(n[0], n[1]))
		}
	}
	if len(list) == 0 {
		return section{}
	}
	return p.titled("deviations", block{List: list})
}

// notices but those that are told elsewhere.
func (p auditor) notices() []record.Reason {
	return slices.DeleteFunc(slices.Clone(p.a.Notices), func(r record.Reason) bool { return r.ID == selfApproval })
}

// signoffs say who stands for the drills of the period, and leave room for hands.
func (p auditor) signoffs() section {
	t := &table{Class: "audit-signoffs", Columns: p.columns("", "role", "name", "what_said", "of_drills")}
	stands := map[string]bool{}
	var order []string
	of := map[string][]string{}
	for _, x := range p.a.Addenda {
		if x.By == "" || x.Kind != evidence.SignOff && x.Kind != evidence.Approval {
			continue
		}
		stands[x.Drill] = true
		key := strings.Join([]string{x.Role, x.By, x.Kind}, "\x00")
		if of[key] == nil {
			order = append(order, key)
		}
		of[key] = append(of[key], strings.TrimSpace(p.nameOf(x.Drill)+" "+x.Ticket))
	}
	for _, key := range order {
		role, rest, _ := strings.Cut(key, "\x00")
		by, kind, _ := strings.Cut(rest, "\x00")
		t.Rows = append(t.Rows, []cell{text(p.c.Named(p.l, "role", role)), text(by), text(p.c.Named(p.l, "addendum", kind)), text(strings.Join(of[key], ", "))})
	}
	var blocks []block
	if len(t.Rows) > 0 {
		blocks = append(blocks, block{Table: t})
	}
	var nobody []string
	for _, x := range p.a.Drills {
		if !stands[x.ID] {
			nobody = append(nobody, numbered(x.Leaf))
		}
	}
	if len(nobody) > 0 {
		blocks = append(blocks, block{Paragraph: p.say("audit.not_signed_off", "count", strconv.Itoa(len(nobody)), "drills", strings.Join(nobody, ", "))})
	}
	return p.titled("signoffs", append(blocks, p.form(nil)...)...)
}

// nameOf is what people call a drill of the bundle, or its id.
func (p auditor) nameOf(drill string) string {
	for _, x := range p.a.Drills {
		if x.ID == drill {
			return numbered(x.Leaf)
		}
	}
	return drill
}
