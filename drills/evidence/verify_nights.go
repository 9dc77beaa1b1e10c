package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
)

// nights checks each night of the bundle: what was planned against what was run.
func (a *auditing) nights() {
	drills := map[string]Leaf{}
	for _, l := range a.leaves {
		if l.Kind == KindDrill {
			drills[l.ID] = l
		}
	}
	seen, before := map[string]bool{}, catalogues{}
	for _, l := range a.inOrder() {
		if l.Kind != KindNight || !a.Bundle.holds(l) || !id.MatchString(l.ID) {
			continue
		}
		if seen[l.ID] {
			a.wrong("leaf_twice", "drill", l.ID, "index", strconv.FormatInt(l.Index, 10))
			continue
		}
		seen[l.ID] = true
		name := "nights/" + l.ID + "/" + nightName
		raw, ok := a.read(name, mostJournal)
		if !ok {
			continue
		}
		n, err := night.Parse(raw)
		if err != nil {
			a.wrong("part_unreadable", "file", name, "why", err.Error())
			continue
		}
		if strings.TrimPrefix(n.Head, "sha256:") != l.Head || n.Status() != l.Verdict || !n.Started.Equal(l.Started) || n.Catalogue != l.Series {
			a.wrong("night_changed", "night", l.ID)
			continue
		}
		a.night(l, n, before.run(n), drills)
	}
}

func (a *auditing) night(l Leaf, n *night.Night, run Run, drills map[string]Leaf) {
	r := NightResult{Leaf: l, Slot: n.Slot, Planned: len(n.Proofs), run: run}
	for _, p := range n.Proofs {
		for _, name := range p.Controls {
			r.control(name, p.Status == record.StatusPassed && !p.InPart())
		}
		switch {
		case p.LeftOut():
			r.LeftOut++
			continue
		case p.Rests != nil:
			r.Rests++
			continue
		case p.Drill == "":
			r.NotRun++
			a.notice("night_not_run", "night", l.ID, "backup", p.Backup, "why", p.Error)
			continue
		case p.InPart():
			r.Part++
		case p.Status == record.StatusPassed:
			r.Passed++
		case p.Status == record.StatusFailed:
			r.Failed++
		default:
			r.Other++
		}
		d, logged := drills[p.Drill]
		switch {
		case logged && (d.Head != p.Journal || d.Verdict != p.Status):
			a.wrong("night_differs", "night", l.ID, "drill", p.Drill, "was", string(p.Status), "is", string(d.Verdict))
		case !logged && a.Bundle.Whole() && !p.Started.Before(a.Bundle.From) && len(a.Bundle.Series) == 0:
			a.wrong("night_drill_missing", "night", l.ID, "drill", p.Drill, "backup", p.Backup)
		}
	}
	a.Nights = append(a.Nights, r)
}

// slots: what says that it was planned for one time is one run, and what was run again is told.
func (a *auditing) slots() {
	type slot struct {
		kind, series string
		at           int64
	}
	runs := map[slot][]string{}
	var order []slot
	enter := func(l Leaf, at *time.Time) {
		if at == nil {
			return
		}
		s := slot{l.Kind, l.Series, at.UnixNano()}
		if runs[s] == nil {
			order = append(order, s)
		}
		runs[s] = append(runs[s], l.ID)
	}
	for _, d := range a.Drills {
		enter(d.Leaf, d.Slot)
	}
	for _, n := range a.Nights {
		enter(n.Leaf, n.Slot)
	}
	for _, s := range order {
		if len(runs[s]) > 1 {
			a.notice("slot_twice", "series", s.series, "count", strconv.Itoa(len(runs[s])),
				"at", time.Unix(0, s.at).UTC().Format(time.RFC3339), "runs", strings.Join(runs[s], ", "))
		}
	}
}

// control counts a proof for a control.
func (r *NightResult) control(name string, passed bool) {
	i := slices.IndexFunc(r.Controls, func(c ControlResult) bool { return c.Name == name })
	if i < 0 {
		i, r.Controls = len(r.Controls), append(r.Controls, ControlResult{Name: name})
	}
	if r.Controls[i].Planned++; passed {
		r.Controls[i].Passed++
	}
}
