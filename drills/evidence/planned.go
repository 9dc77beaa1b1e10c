package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/userfile"
)

// programmeName is a programme's file in its folder.
const programmeName = "programme.yaml"

// mostProgramme is how many bytes a programme may have.
const mostProgramme = 1 << 20

func programmesDir(home string) string { return filepath.Join(home, "programmes") }

// EnterProgramme enters a programme into the log, so that what was planned is known before it is run, and gives its id. One that is in force as
// it is stays so.
func EnterProgramme(home, path string, s Sealing) (id string, err error) {
	raw, err := userfile.Read(path, mostProgramme)
	if err != nil {
		return "", fmt.Errorf("read the programme: %w", err)
	}
	p, err := ParseProgramme(raw)
	if err != nil {
		return "", fmt.Errorf("read the programme %s: %w", path, err)
	}
	l, err := OpenLog(home)
	if err != nil {
		return "", err
	}
	for _, leaf := range slices.Backward(l.Leaves) {
		if leaf.Kind == KindProgramme && leaf.Series == p.Name {
			if leaf.Manifest == digest(raw) {
				return leaf.ID, nil
			}
			break
		}
	}
	at, err := after(home, s.Now)
	if err != nil {
		return "", err
	}
	id = record.NewID(s.Now)
	dir := filepath.Join(programmesDir(home), id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("enter the programme: %w", err)
	}
	if err := writeWhole(filepath.Join(dir, programmeName), raw); err != nil {
		return "", fmt.Errorf("enter the programme: %w", err)
	}
	return id, enter(home, Leaf{Kind: KindProgramme, ID: id, Series: p.Name, Started: at, Head: strings.TrimPrefix(digest(raw), "sha256:"),
		Manifest: digest(raw), Logged: s.Now})
}

// inForce are the programmes that a bundle of a period has: of each name those of the period, and the one that was in force when it began.
func (b Bundle) inForce(leaves []Leaf) map[int64]bool {
	first, all := map[string]int64{}, map[int64]bool{}
	for _, l := range leaves {
		if l.Kind != KindProgramme || !b.Whole() || !b.speaksOf(l) {
			continue
		}
		if before, ok := first[l.Series]; ok && !l.Started.After(b.From) {
			delete(all, before)
		}
		if l.Started.Before(b.To) {
			all[l.Index], first[l.Series] = true, l.Index
		}
	}
	return all
}

// ProgrammeResult is what was planned while a programme was in force, against what was run.
type ProgrammeResult struct {
	Leaf
	From   time.Time    `json:"from"` // of its time in the period …
	To     time.Time    `json:"to"`   // … to the end of that, or of the log
	Duties []DutyResult `json:"duties"`
}

// DutyResult is one line of a programme.
type DutyResult struct {
	Duty
	Runs   int       `json:"runs"`
	Passed int       `json:"passed"`
	Due    time.Time `json:"due"` // by when the next pass must be, at the end of that time
	Gaps   []Gap     `json:"gaps"`
}

// Gap is a stretch in which a duty was overdue.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Open bool      `json:"open,omitempty"` // it was overdue still when the period, or the log, ended
	Runs []string  `json:"runs,omitempty"` // what was run without passing since it passed last
	Said []string  `json:"said,omitempty"` // what people said of those: root causes and corrections
}

// programmes holds what was run against what was planned.
func (a *auditing) programmes() {
	if !a.Bundle.Whole() {
		return
	}
	all := a.inOrder()
	held := a.Bundle.inForce(all)
	runs := a.ran()
	for i, l := range all {
		if !held[l.Index] || !id.MatchString(l.ID) {
			continue
		}
		if l.Logged.Sub(l.Started) > late { // entered and logged in one act
			a.wrong("programme_backdated", "programme", l.Series, "at", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
		p, ok := a.programme(l)
		if !ok {
			continue
		}
		r := ProgrammeResult{Leaf: l, From: l.Started, To: a.Bundle.To, Duties: []DutyResult{}}
		if r.From.Before(a.Bundle.From) {
			r.From = a.Bundle.From
		}
		if end := all[len(all)-1].Logged; end.Before(r.To) {
			r.To = end
		}
		for _, later := range all[i+1:] { // until another of its name
			if later.Kind == KindProgramme && later.Series == l.Series && later.Started.Before(r.To) {
				r.To = later.Started
			}
		}
		for _, x := range p.Drills {
			d := x.against(runs, r.From, r.To)
			for i := range d.Gaps {
				d.Gaps[i].Said = a.explained(d.Gaps[i].Runs)
			}
			r.Duties = append(r.Duties, d)
		}
		a.Programmes = append(a.Programmes, r)
	}
	if len(a.Programmes) == 0 {
		a.notice("no_programme")
	}
}

// programme reads one, which must be what was logged.
func (a *auditing) programme(l Leaf) (*Programme, bool) {
	name := "programmes/" + l.ID + "/" + programmeName
	raw, ok := a.read(name, mostProgramme)
	if !ok {
		return nil, false
	}
	if digest(raw) != l.Manifest {
		a.wrong("programme_changed", "programme", l.Series, "file", name)
		return nil, false
	}
	p, err := ParseProgramme(raw)
	if err != nil || p.Name != l.Series {
		a.wrong("part_unreadable", "file", name, "why", fmt.Sprintf("%v, by the name %q", err, l.Series))
		return nil, false
	}
	return p, true
}

// ran are the drills and nights of the bundle, in the order in which they began.
func (a *auditing) ran() (runs []Run) {
	for _, d := range a.Drills {
		runs = append(runs, Run{ID: d.ID, Series: d.Series, Scenario: d.Scenario, Started: d.Started, Verdict: d.Verdict, Part: d.Part})
	}
	for _, n := range a.Nights {
		runs = append(runs, n.run)
	}
	slices.SortStableFunc(runs, func(x, y Run) int { return x.Started.Compare(y.Started) })
	return runs
}

// against finds where a duty was overdue. What was run before the period is in an earlier bundle: the first pass is due one length after it began.
func (x Duty) against(runs []Run, from, to time.Time) DutyResult {
	d := DutyResult{Duty: x, Gaps: []Gap{}}
	due := from.Add(x.every)
	var lately []string
	for _, r := range runs {
		if !x.means(r) || r.Started.Before(from) || !r.Started.Before(to) {
			continue
		}
		d.Runs++
		if x.verdict(r) != record.StatusPassed || r.Started.After(r.proved().Add(x.every)) { // what it rests on is too old already
			lately = append(lately, r.ID)
			continue
		}
		d.Passed++
		if r.Started.After(due) {
			d.Gaps = append(d.Gaps, Gap{From: due, To: r.Started, Runs: lately})
		}
		due, lately = r.proved().Add(x.every), nil
	}
	if d.Due = due; to.After(due) {
		d.Gaps = append(d.Gaps, Gap{From: due, To: to, Open: true, Runs: lately})
	}
	return d
}

// explained is what people said of runs that did not pass.
func (a *auditing) explained(runs []string) (said []string) {
	for _, x := range a.Addenda {
		if (x.Kind == RootCause || x.Kind == Correction) && x.By != "" && slices.Contains(runs, x.Drill) {
			said = append(said, x.By+": "+x.Text)
		}
	}
	return said
}
