package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

func (a author) title() string { return inLanguage(a.r.Header.Title, a.l, a.r.Header.Scenario) }

// inLanguage takes the text of a language, else the English one, else any, else the fallback.
func inLanguage(t record.Text, l Language, fallback string) string {
	for _, tag := range []string{string(l), string(English)} {
		if s := t[tag]; s != "" {
			return s
		}
	}
	for _, other := range Languages() {
		if s := t[string(other)]; s != "" {
			return s
		}
	}
	return fallback
}

// sentence tells a board what happened: what the drill taught, or else why, first where it did not pass, then the few
// figures that it asks for, each as the objectives have it.
func (a author) sentence() string {
	var parts []string
	if ways := a.ways(); ways != "" {
		parts = append(parts, ways)
	}
	if a.v.Status != record.StatusPassed {
		parts = append(parts, nonEmpty(cmp.Or(a.lesson(), a.why()), a.refused())...)
	}
	if a.v.Status == record.StatusInconclusive {
		parts = append(parts, a.say("headline.inconclusive"))
	}
	if a.v.Status == record.StatusAborted {
		parts = append(parts, a.say("headline.aborted"))
	}
	parts = append(parts, a.figures()...)
	parts = append(parts, nonEmpty(a.stays())...)
	if len(parts) == 0 || a.v.Status == record.StatusPassed && len(a.v.Objectives) == 0 {
		parts = append(parts, a.why())
	}
	return strings.Join(parts, a.say("headline.between"))
}

// why is the verdict's first reason in words.
func (a author) why() string {
	if len(a.v.Reasons) == 0 {
		return ""
	}
	return a.words(a.v.Reasons[0])
}

func (a author) figures() []string {
	var parts []string
	service := cmp.Or(a.r.Header.Service, a.say("headline.service"))
	if o := a.v.Outage; o != nil && a.v.Status != record.StatusNotRun {
		switch {
		case o.Open:
			parts = append(
				parts,
				a.say("headline.still_down", "service", service, "outage", a.l.Bound(o.Sum, Down)),
			)
		case o.Count > 0:
			parts = append(parts, a.say("headline.down", "service", service, "outage", a.l.Bound(o.Sum, Up)))
		case a.r.Header.Trigger != record.TriggerNone:
			parts = append(parts, a.say("headline.not_down", "service", service))
		}
	}
	said := ""
	if len(a.v.Reasons) > 0 && a.v.Status != record.StatusPassed && a.lesson() == "" {
		said = a.v.Reasons[0].Args["objective"]
	}
	for _, name := range []string{"start_rollback", "restored", "data_loss"} {
		if j, ok := a.judged(name); ok && j.Measured != nil && name != said && j.Status != record.StatusNotRun {
			limit := ""
			if !j.Unlimited {
				limit = a.l.Limit(j.Limit)
			}
			key := "headline." + name
			if name == "restored" && a.compared() {
				key = "headline.as_before"
			}
			parts = append(parts, a.say(key, "measured", a.measured(j), "limit", limit, "observed", a.observed()))
		}
	}
	if a.r.Header.Trigger == record.TriggerNone {
		passed, all := a.countChecks()
		parts = append(parts, a.say("headline.check_run", "passed", fmt.Sprint(passed), "all", fmt.Sprint(all)))
	}
	return parts
}

// judged returns the worst judgement of an objective's name.
func (a author) judged(name string) (record.Judged, bool) {
	var worst record.Judged
	found := false
	for _, j := range a.v.Objectives {
		if j.Name == name && (!found || record.Worse(worst.Status, j.Status) != worst.Status) {
			worst, found = j, true
		}
	}
	return worst, found
}

// compared tells whether a check held what it saw after the rollback against what was seen before the upgrade.
func (a author) compared() bool {
	return slices.ContainsFunc(a.r.Checks, func(c record.CheckResult) bool {
		return c.Compared && c.When == record.After && c.Status == record.CheckPassed
	})
}

// observed is how long the business was seen to stay green after the last T6.
func (a author) observed() string {
	if a.r.Pulse == nil || a.r.Pulse.Open || len(a.r.Incidents) == 0 {
		return ""
	}
	last := a.r.Incidents[len(a.r.Incidents)-1]
	if last.T6 == nil {
		return ""
	}
	return a.l.Bound(record.Between(*last.T6, a.r.Pulse.To), Down)
}

// countChecks counts the questions and those answered with passed at the end.
func (a author) countChecks() (passed, all int) {
	for _, q := range a.questions() {
		all++
		if res := q.final(a.r.Header.Trigger); res != nil && res.Status == record.CheckPassed {
			passed++
		}
	}
	return passed, all
}

func (a author) facts() []pair {
	h := a.r.Header
	facts := []pair{
		{a.say("fact.drill"), textOf(a.say("fact.number", "number", fmt.Sprint(h.Number), "series", h.Series), h.Drill)},
		{a.say("fact.when"), text(a.period())},
		{a.say("fact.scenario"), text(h.Scenario)},
	}
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, pair{a.say("fact." + key), text(value)})
		}
	}
	add("customer", h.Customer)
	add("service", h.Service)
	if h.Risk != "" {
		add("risk", a.c.Named(a.l, "risk", h.Risk))
	}
	if h.Trigger != record.TriggerNone && h.Decision != "" {
		add("decision", a.c.Named(a.l, "decided_by", h.Decision))
	}
	return facts
}

// slot is what a drill or night was planned for, and by how much it missed that.
func (a author) slot(planned *time.Time, started time.Time) string {
	if planned == nil {
		return a.say("planned.unknown")
	}
	began := started.Sub(*planned).Round(time.Second)
	key := "planned.kept"
	switch {
	case began < 0:
		key, began = "planned.before", -began
	case began > 0:
		key = "planned.after"
	}
	return a.say(key, "slot", a.l.Time(planned.In(started.Location())), "by", a.l.Limit(began))
}

// period is "2026-11-20 02:00:00 – 02:07:40 +08:00".
func (a author) period() string {
	from, to := a.r.Header.Started, a.wall(a.r.Ended)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return from.Format("2006-01-02 15:04:05") + " – " + to.Format("15:04:05 -07:00")
	}
	return from.Format("2006-01-02 15:04:05") + " – " + a.l.Time(to)
}

// reasons lists the reasons where there are several, each with what to do now.
func (a author) reasons() section {
	var list []cell
	for _, r := range a.v.Reasons {
		if r.Follows {
			continue
		}
		mark := a.status(r.Status)
		switch r.Status {
		case "": // does not decide the verdict
			mark = badge{Class: "inconclusive", Symbol: "!"}
		case a.v.Status:
			mark.Word = ""
		}
		list = append(list, cell{Badge: &mark, Text: a.words(r), Next: a.next(r)})
	}
	if follows := a.follows(); follows != "" {
		at := len(list)
		for at > 0 && list[at-1].Badge.Symbol == "!" { // what decides nothing stays last
			at--
		}
		list = slices.Insert(list, at, marked(badge{Class: "neutral", Symbol: "·"}, follows))
	}
	if len(list) == 1 && a.lesson() == "" { // the sentence at the head has it
		if next := list[0].Next; next != "" {
			return a.section("next", block{List: []cell{{Next: next}}})
		}
		return section{}
	}
	return a.section("reasons", block{List: list})
}

// follows tells in one line what could not be reached because of what stands before it.
func (a author) follows() string {
	names := map[string][]string{}
	var parts []string
	for _, r := range a.v.Reasons {
		switch {
		case !r.Follows:
		case r.ID == "check.missing":
			names["checks"] = append(names["checks"], a.say("follows.check", "check", a.checkName(r.Args["check"])))
		case r.Args["objective"] != "":
			names["objectives"] = append(names["objectives"], a.c.Named(a.l, "objective", r.Args["objective"]))
		default:
			parts = append(parts, a.words(r))
		}
	}
	for _, of := range []string{"checks", "objectives"} {
		if len(names[of]) > 0 {
			parts = append(parts, a.say("follows."+of, "names", strings.Join(names[of], a.say("follows.and"))))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return a.say("follows.so", "parts", strings.Join(parts, a.say("headline.between")))
}

// weak says what weakens the proof, whatever the verdict.
func (a author) weak() section {
	var list []cell
	for _, r := range a.weaknesses() {
		list = append(list, cell{Text: a.words(r), Next: a.next(r)})
	}
	if len(list) == 0 {
		return section{}
	}
	return a.section("weak", block{List: list})
}

// footer stands on every page: the drill, and the digest of its record.
func (a author) footer() string {
	said := a.say("footer", "drill", a.r.Header.Drill, "tool", a.r.Header.Tool)
	if a.o.RecordDigest != "" {
		said += "\n" + a.say("footer_record", "digest", a.o.RecordDigest)
	}
	return said
}
