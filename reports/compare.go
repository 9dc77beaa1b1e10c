package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// rollback is one way back, in figures. What was not reached is nil.
type rollback struct {
	In       record.Incident
	Plan     record.IncidentPlan
	Booted   *record.Span // T3 → T4
	Back     *record.Span // T0 → T6
	Restored *record.Span // T0 → T7
	Digest   time.Duration
	Passed   int // planned checks all of whose answers after it were good
	Asked    int
	Basis    record.Basis
}

// rollbacksOf lists the rollbacks that were begun, in their order.
func rollbacksOf(r *record.Record) []rollback {
	var list []rollback
	for i, in := range r.Incidents {
		if in.T3 == nil {
			continue
		}
		b := rollback{In: in, Booted: spanOf(in.T3, in.T4), Back: spanOf(in.T0, in.T6), Restored: spanOf(in.T0, in.T7),
			Basis: record.BasisMeasured}
		for _, p := range r.Header.Incidents {
			if p.ID == in.ID {
				b.Plan = p
			}
		}
		for _, x := range r.Restores {
			if x.Subject.Incident == in.ID && x.During == record.PhaseRollback {
				b.Digest += x.Verifying
			}
		}
		for _, x := range r.Boots {
			if x.Basis == record.BasisEmulated { // what the others do waits for this one
				b.Basis = x.Basis
			}
		}
		b.answers(r, i == len(r.Incidents)-1)
		list = append(list, b)
	}
	return list
}

func spanOf(from, to *record.Moment) *record.Span {
	if from == nil || to == nil {
		return nil
	}
	s := record.Between(*from, *to)
	return &s
}

// answers counts the planned checks that were asked after this rollback and before the next incident.
func (b *rollback) answers(r *record.Record, last bool) {
	for _, p := range r.Header.Checks {
		asked, good := false, true
		for _, c := range r.Checks {
			own := c.Incident == b.In.ID || last && c.Incident == 0
			if c.Name == p.Name && c.Layer == p.Layer && c.When == record.After && own && c.Ended >= b.In.T3.Early {
				asked, good = true, good && c.Status == record.CheckPassed
			}
		}
		if asked {
			b.Asked++
		}
		if asked && good {
			b.Passed++
		}
	}
}

// ways says which of several ways back failed; nothing where all of them brought everything back, or there is but one.
func (a author) ways() string {
	if a.v.Status == record.StatusPassed || len(a.r.Header.Incidents) < 2 {
		return ""
	}
	var failed, good, untried []string
	list := rollbacksOf(a.r)
	for i, p := range a.r.Header.Incidents {
		name := cmp.Or(p.Name, a.say("incident.caption", "id", fmt.Sprint(i+1), "name", ""))
		name = a.say("headline.quoted", "name", name)
		k := slices.IndexFunc(list, func(b rollback) bool { return b.In.ID == p.ID })
		switch {
		case len(p.Rollback) == 0:
		case k < 0:
			untried = append(untried, name)
		case list[k].In.Rollback == record.RollbackFailed || list[k].Restored == nil:
			failed = append(failed, name)
		default:
			good = append(good, name)
		}
	}
	all := len(failed) + len(good) + len(untried)
	if len(failed) == 0 || all < 2 {
		return ""
	}
	join := func(names []string) string { return strings.Join(names, a.say("limits.and")) }
	return a.say("headline.ways", "all", fmt.Sprint(all), "failed", join(failed), "good", join(good), "untried", join(untried))
}

// name of an incident: its number, and what its plan calls it.
func (a author) incidentName(id int) string {
	name := ""
	for _, p := range a.r.Header.Incidents {
		if p.ID == id {
			name = p.Name
		}
	}
	return a.say("incident.caption", "id", fmt.Sprint(id), "name", name)
}

// comparison sets several ways back side by side.
func (a author) comparison() section {
	list := rollbacksOf(a.r)
	if len(list) < 2 {
		return section{}
	}
	t := &table{Class: "comparison", Columns: []column{{}}}
	for i, b := range list {
		title := cmp.Or(b.Plan.Name, a.incidentName(b.In.ID))
		t.Columns = append(t.Columns, column{Title: fmt.Sprintf("%d. %s", i+1, title)})
	}
	row := func(key string, of func(rollback) cell) {
		cells := []cell{text(a.say("compare." + key))}
		for _, b := range list {
			cells = append(cells, of(b))
		}
		t.Rows = append(t.Rows, cells)
	}
	if slices.ContainsFunc(list, func(b rollback) bool { return len(b.Plan.Upgrade) > 0 }) {
		row("begins", func(b rollback) cell { return text(a.told(dash(strings.Join(b.Plan.Upgrade, " → ")))) })
	}
	row("steps", func(b rollback) cell { return text(a.told(dash(strings.Join(b.Plan.Rollback, " → ")))) })
	row("outcome", func(b rollback) cell {
		badge := a.badge("outcome", map[record.RollbackState]string{record.RollbackDone: "done", record.RollbackFailed: "failed"}[b.In.Rollback])
		badge.Word = a.c.Named(a.l, "rollback", string(b.In.Rollback))
		return cell{Badge: &badge, Small: a.told(b.In.Error)}
	})
	row("booted", func(b rollback) cell { return a.spanned(b.Booted) })
	row("back", func(b rollback) cell { return a.spanned(b.Back) })
	row("restored", func(b rollback) cell { return a.spanned(b.Restored) })
	if slices.ContainsFunc(list, func(b rollback) bool { return b.Digest > 0 }) {
		row("digest", func(b rollback) cell { return a.digestTime(b) })
	}
	row("checks", func(b rollback) cell {
		return text(a.say("compare.passed", "passed", fmt.Sprint(b.Passed), "all", fmt.Sprint(len(a.r.Header.Checks))))
	})
	if slices.ContainsFunc(list, func(b rollback) bool { return b.Basis != record.BasisMeasured }) {
		row("basis", func(b rollback) cell { return text(a.c.Named(a.l, "basis", string(b.Basis))) })
	}
	s := a.section("comparison", block{Table: t}, block{Paragraph: a.soonest(list)})
	s.Note = a.say("note.comparison")
	return s
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// spanned is the upper bound, as everywhere.
func (a author) spanned(s *record.Span) cell {
	if s == nil {
		return text(a.say("objective.not_measured"))
	}
	return text(a.l.Bound(*s, Up))
}

// digestTime is what the digest cost of the time until everything was restored, and what would be left without it.
func (a author) digestTime(b rollback) cell {
	if b.Digest <= 0 {
		return text("–")
	}
	c := text(a.l.Duration(b.Digest, Up))
	if b.Restored != nil {
		c.Small = a.say("compare.without", "without", a.l.Duration(max(0, b.Restored.Upper-b.Digest), Up))
	}
	return c
}

// soonest names the way back that was through first, where all were, and under which conditions they were taken.
func (a author) soonest(list []rollback) string {
	parts := []string{a.say("compare.order")}
	best := -1
	for i, b := range list {
		switch {
		case b.Restored == nil:
			return parts[0]
		case best < 0 || b.Restored.Upper < list[best].Restored.Upper:
			best = i
		}
	}
	name := list[best].Plan.Name
	if name == "" {
		name = a.incidentName(list[best].In.ID)
	}
	return a.say("compare.soonest", "name", name, "took", a.l.Bound(*list[best].Restored, Up)) +
		a.say("headline.between") + parts[0]
}
