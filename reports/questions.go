package reports

import (
	"fmt"
	"slices"

	"lifeboat/drills/record"
)

// question is a check with its answers before, while broken and after.
type question struct {
	Name    string
	Layer   record.Layer
	Answers map[record.When]*record.CheckResult
}

// final is the answer that counts: after the rollback; in a check run the only one.
func (q question) final(t record.Trigger) *record.CheckResult {
	if once := q.Answers[record.Once]; once != nil {
		return once
	}
	if after := q.Answers[record.After]; after != nil || t != record.TriggerNone {
		return after
	}
	return q.Answers[record.Before]
}

// severity orders the answers, so that of several to one question the worst is shown.
var severity = map[record.CheckStatus]int{
	record.CheckPassed: 0, record.CheckSkipped: 1, record.CheckCrashed: 2, record.CheckFailed: 3,
}

// questions lists planned checks in the order of layers, then those that only have results.
func (a author) questions() []question {
	var list []question
	index := map[string]int{}
	add := func(name string, layer record.Layer) int {
		key := string(layer) + "\x00" + name
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, question{Name: name, Layer: layer, Answers: map[record.When]*record.CheckResult{}})
		}
		return i
	}
	for _, layer := range record.Layers() {
		for _, p := range a.r.Header.Checks {
			if p.Layer == layer {
				add(p.Name, layer)
			}
		}
		for i := range a.r.Checks {
			if c := &a.r.Checks[i]; c.Layer == layer {
				q := &list[add(c.Name, layer)]
				if was := q.Answers[c.When]; was == nil || severity[c.Status] >= severity[was.Status] {
					q.Answers[c.When] = c
				}
			}
		}
	}
	return list
}

func (a author) checks() section {
	questions := a.questions()
	t := &table{Class: "checks", Columns: a.columns("", "layer", "question", "before", "broken", "after")}
	run := a.r.Header.Trigger == record.TriggerNone
	if run {
		t.Columns = a.columns("", "layer", "question", "answer")
	}
	var diffs, beside []block
	for _, q := range questions {
		row := []cell{text(a.c.Named(a.l, "layer", string(q.Layer))), text(a.checkName(q.Name))}
		if run {
			row = append(row, a.answer(q.final(record.TriggerNone), true, "passed"))
		} else {
			row = append(row, a.answer(q.Answers[record.Before], false, "passed"), a.answer(q.Answers[record.Broken], false,
				"as-expected"),
				a.answer(q.Answers[record.After], true, "passed"))
		}
		t.Rows = append(t.Rows, row)
		if res := q.final(a.r.Header.Trigger); res != nil && len(res.Diff) > 0 {
			diffs = append(
				diffs,
				block{Caption: a.say("caption.diff", "check", a.checkName(q.Name)), List: a.firstOf(res.Diff, 20)},
			)
		}
		if res := q.final(a.r.Header.Trigger); res != nil && len(res.Beside) > 0 {
			var seen []cell
			for _, o := range res.Beside {
				seen = append(seen, text(a.c.Observation(a.l, o)))
			}
			beside = append(beside, block{Caption: a.say("caption.beside", "check", a.checkName(q.Name)), List: seen})
		}
	}
	s := a.section("checks")
	if len(t.Rows) > 0 {
		passed, all := a.countChecks()
		s.Note = a.say("note.checks", "passed", fmt.Sprint(passed), "all", fmt.Sprint(all))
		s.Blocks = append(s.Blocks, block{Table: t})
	} else {
		s.Blocks = append(s.Blocks, block{Paragraph: a.say("checks.none")})
	}
	if list := a.excluded(); len(list) > 0 {
		s.Blocks = append(s.Blocks, block{Caption: a.say("caption.excluded"), List: list})
	}
	s.Blocks = slices.Concat(s.Blocks, diffs, beside)
	return s
}

// answer draws one result. While the system is broken a failure is what the drill wants to
// see, so its mark is drawn without alarm.
func (a author) answer(res *record.CheckResult, required bool, tone string) cell {
	if res == nil {
		if required {
			return marked(badge{Class: "inconclusive", Symbol: "?", Word: a.say("check.no_answer")}, "")
		}
		return text("–")
	}
	b := a.badge("check", string(res.Status))
	if tone == "as-expected" && res.Status == record.CheckFailed {
		b.Class = "broken"
	}
	return cell{Badge: &b, Small: a.message(res)}
}

// firstOf are the first lines of what a check compared, in the report's language.
func (a author) firstOf(lines []string, n int) []cell {
	var first []cell
	for _, l := range lines[:min(n, len(lines))] {
		first = append(first, text(a.told(l)))
	}
	if more := len(lines) - n; more > 0 {
		first = append(first, text(a.say("more", "count", fmt.Sprint(more))))
	}
	return first
}

// checkName is a check's name in the report's language, where the scenario gives it in several.
func (a author) checkName(name string) string {
	for _, p := range a.r.Header.Checks {
		if p.Name == name {
			return inLanguage(p.Title, a.l, name)
		}
	}
	return name
}

func (a author) excluded() []cell {
	var list []cell
	for _, e := range a.v.Excluded {
		list = append(
			list,
			text(a.say("checks.excluded", "layer", a.c.Named(a.l, "layer", string(e.Layer)), "reason", inLanguage(a.r.Header.ExcludedIn[e.Layer], a.l, e.Reason))),
		)
	}
	return list
}
