package reports

import (
	"slices"

	"lifeboat/drills/record"
)

// variants are the arguments by whose value a message may have a next step of its own: "check.failed/data".
var variants = []string{"objective", "layer", "phase"}

// Next says what to do now about a reason, a finding or a weakness; empty where the catalogue has nothing to say, as of an
// observation or of an id that it does not know.
func (c *Catalogue) Next(l Language, r record.Reason) string {
	texts := c.next[l.known()]
	for _, name := range variants {
		if text, ok := texts[r.ID+"/"+r.Args[name]]; ok && r.Args[name] != "" {
			return c.fill(l, text, r.Args)
		}
	}
	return c.fill(l, texts[r.ID], r.Args)
}

// nextOf says what to do now about a reason of this verdict: what was not measured is mended where its note says why.
func nextOf(c *Catalogue, l Language, v record.Verdict, t record.Trigger, r record.Reason) string {
	if r.Follows { // it is mended with its cause
		return ""
	}
	if r.ID == "check.failed" && t == record.TriggerNone { // nothing was rolled back: it is the backup as restored
		r.ID = "check.failed_before"
	}
	if r.ID == "objective.not_measured" {
		for _, j := range v.Objectives {
			if j.Name == r.Args["objective"] && j.Note != nil {
				if next := c.Next(l, *j.Note); next != "" {
					return next
				}
			}
		}
	}
	return c.Next(l, r)
}

// next is nextOf the first time that it is asked for it in this report, and empty from then on.
func (a author) next(r record.Reason) string {
	text := nextOf(a.c, a.l, a.v, a.r.Header.Trigger, r)
	if a.said[text] {
		return ""
	}
	a.said[text] = true
	return text
}

// nexts are all next steps of a verdict, the most important first, each once.
func nexts(c *Catalogue, l Language, v record.Verdict, t record.Trigger) []string {
	all := []string{}
	add := func(r record.Reason) {
		if text := nextOf(c, l, v, t, r); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, r := range v.Reasons {
		add(r)
	}
	for _, f := range sortedFindings(v) {
		add(record.Reason{ID: f.ID, Args: f.Args})
	}
	for _, w := range v.Weak {
		add(w)
	}
	return all
}

// sortedFindings puts the gravest first.
func sortedFindings(v record.Verdict) []record.Finding {
	weight := map[string]int{"high": 0, "medium": 1, "low": 2}
	sorted := slices.Clone(v.Findings)
	slices.SortStableFunc(sorted, func(x, y record.Finding) int { return weight[x.Severity] - weight[y.Severity] })
	return sorted
}
