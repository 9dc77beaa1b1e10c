package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
)

// lesson is what the drill taught about its ways back, in a sentence made from the record: which one does not bring the
// business back, and what fails after it. Empty where it taught none: it passed, or nothing is known.
func (a author) lesson() string {
	list := rollbacksOf(a.r)
	if a.v.Status != record.StatusFailed && a.v.Status != record.StatusInconclusive || len(list) == 0 {
		return ""
	}
	if a.blameless(list) {
		return ""
	}
	if len(list) > 1 {
		return a.lessonOfMany(list)
	}
	b := list[0]
	switch {
	case a.v.Status != record.StatusFailed:
		return ""
	case a.failedBy("rollback.failed"):
		return a.say("lesson.cannot", "steps", strings.Join(b.Plan.Rollback, " → "), "step", a.failedStep(b.In.ID))
	case a.failedBy("check.failed", "business.red_at_end", "business.red_again", "fault.remains"):
		return a.say("lesson.not_back", "steps", strings.Join(b.Plan.Rollback, " → "), "what", a.fails(b, true))
	case b.works() && a.failedBy("objective.missed"):
		return a.say("lesson.slow", "steps", strings.Join(b.Plan.Rollback, " → "))
	}
	return ""
}

// lessonOfMany says which of several ways back failed.
func (a author) lessonOfMany(list []rollback) string {
	var good, bad, what []string
	for i, b := range list {
		name := cmp.Or(b.Plan.Name, a.incidentName(b.In.ID))
		if b.works() {
			good = append(good, name)
			continue
		}
		bad = append(bad, name)
		if fails := a.fails(b, i == len(list)-1); fails != "" && !slices.Contains(what, fails) {
			what = append(what, fails)
		}
	}
	and, sep := a.say("follows.and"), a.say("lesson.sep")
	args := []string{"all", fmt.Sprint(len(list)), "good", strings.Join(good, and), "bad", strings.Join(bad, and),
		"what", strings.Join(what, sep)}
	switch {
	case len(bad) == 0:
		return ""
	case len(good) == 0:
		return a.say("lesson.none", args...)
	}
	return a.say("lesson.some", args...)
}

// works: its steps ended well and every check was passed after it.
func (b rollback) works() bool {
	return b.In.Rollback == record.RollbackDone && b.In.T7 != nil && b.Asked > 0 && b.Passed == b.Asked
}

func (a author) failedBy(ids ...string) bool {
	return slices.ContainsFunc(a.v.Reasons, func(r record.Reason) bool {
		return r.Status == record.StatusFailed && slices.Contains(ids, r.ID)
	})
}

// blameless tells whether all that failed after the ways back had failed before them: then the drill says nothing of them.
func (a author) blameless(list []rollback) bool {
	if !a.failedBy("check.failed_before") || a.failedBy("rollback.failed", "business.red_at_end", "business.red_again", "fault.remains") {
		return false
	}
	for i, b := range list {
		if b.In.Rollback != record.RollbackDone || a.fails(b, i == len(list)-1) != "" {
			return false
		}
	}
	return true
}

// failedBefore tells whether a check failed already on the restored system: no way back has that on its account.
func (a author) failedBefore(name string) bool {
	return slices.ContainsFunc(a.r.Checks, func(c record.CheckResult) bool {
		return c.Name == name && c.When == record.Before && c.Status == record.CheckFailed
	})
}

// fails names what failed after a way back: its checks, the business's first, or else those of the flow that were failing
// when the pulse was stopped.
func (a author) fails(b rollback, last bool) string {
	var names []string
	layers := record.Layers()
	slices.Reverse(layers)
	for _, layer := range layers {
		for _, c := range a.r.Checks {
			own := c.Incident == b.In.ID || last && c.Incident == 0
			if own && c.Layer == layer && c.When == record.After && c.Status == record.CheckFailed && c.Ended >= b.In.T3.Early &&
				!a.failedBefore(c.Name) && !slices.Contains(names, a.checkName(c.Name)) {
				names = append(names, a.checkName(c.Name))
			}
		}
	}
	if p := a.r.Pulse; len(names) == 0 && last && p != nil && len(p.Reds) > 0 && p.Reds[len(p.Reds)-1].Open {
		if facts := p.Reds[len(p.Reds)-1].Facts; facts != nil {
			for _, f := range facts.Failed {
				names = append(names, f.Name)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	const told = 3
	more := ""
	if len(names) > told {
		more = fmt.Sprint(len(names) - told)
		names = names[:told]
	}
	for i, name := range names {
		names[i] = a.say("follows.check", "check", name)
	}
	return a.say("lesson.fails", "names", strings.Join(names, a.say("follows.and")), "more", more)
}

// failedStep is the step at which a way back ended.
func (a author) failedStep(incident int) string {
	for _, s := range a.r.Steps {
		if s.Subject.Incident == incident && s.Phase == record.PhaseRollback && s.Outcome == record.OutcomeFailed {
			return s.What
		}
	}
	return ""
}

// refused says what an upgrade ended with where one of its steps failed: the sentence that an operator looks for.
func (a author) refused() string {
	for _, s := range a.r.Steps {
		if s.Phase == record.PhaseUpgrade && s.Outcome == record.OutcomeFailed {
			said := cmp.Or(lastLine(s.Output), s.Error)
			return a.say("lesson.refused", "step", s.What, "said", secrets.Shorten(said, 200))
		}
	}
	return ""
}

// stays says what is left in place where it was decided, in the end, not to roll back.
func (a author) stays() string {
	if n := len(a.r.Incidents); n > 0 {
		in := a.r.Incidents[n-1]
		if in.Decision == nil || in.Decision.RollsBack() || in.T3 != nil {
			return ""
		}
		var steps []string
		for _, s := range a.r.Steps {
			if s.Phase == record.PhaseUpgrade && s.Outcome == record.OutcomeDone {
				steps = append(steps, s.What)
			}
		}
		return a.say("lesson.stays", "decision", a.c.Named(a.l, "decision", string(in.Decision.Outcome)), "steps", strings.Join(steps, " → "))
	}
	return ""
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

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
