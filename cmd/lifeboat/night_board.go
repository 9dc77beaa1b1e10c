package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// nightBoard is what is known of a night that runs. It shows facts and judges nothing: the rung is that of the record so far.
type nightBoard struct {
	words    words
	title    string
	parallel int
	rows     []*nightRow // in the order in which they are begun
}

// nightRow is one check run.
type nightRow struct {
	night.Planned
	began    time.Time // zero: it waits
	proof    *night.Proof
	ended    time.Time
	expected time.Duration // that it takes, as it did last; 0: nobody knows
	journal  *record.Builder
	phase    string
	rung     int // the highest so far; -1: none
}

func newNightBoard(w words, n *night.Night, jobs []night.Job, took map[string]time.Duration, parallel int) *nightBoard {
	b := &nightBoard{words: w, title: cmp.Or(n.Title[string(w.lang)], n.Title.Any(), n.Catalogue), parallel: parallel}
	for _, j := range jobs {
		row := &nightRow{Planned: j.Planned, rung: -1}
		if j.UpTo == "" {
			row.expected = took[j.Backup]
		}
		b.rows = append(b.rows, row)
	}
	return b
}

// row of what was planned.
func (b *nightBoard) row(p night.Planned) *nightRow {
	i := slices.IndexFunc(b.rows, func(r *nightRow) bool { return r.Backup == p.Backup && r.Point == p.Point && r.UpTo == p.UpTo })
	if i < 0 { // it is none of the jobs
		b.rows = append(b.rows, &nightRow{Planned: p, rung: -1})
		i = len(b.rows) - 1
	}
	return b.rows[i]
}

func (b *nightBoard) begin(p night.Planned, now time.Time) *nightRow {
	row := b.row(p)
	row.began, row.journal = now, record.NewBuilder()
	return row
}

func (b *nightBoard) done(p night.Proof, now time.Time) {
	row := b.row(p.Planned)
	row.proof, row.ended = &p, now
}

// event of its check run.
func (r *nightRow) event(e record.Event) {
	if err := r.journal.Add(e); err != nil {
		return // its journal says it, and its verdict
	}
	data, err := record.Decode(e)
	if p, ok := data.(record.PhaseEvent); err == nil && ok && p.Outcome == "" {
		r.phase = p.Phase
	}
	switch e.Kind {
	case record.KindRestored, record.KindBooted, record.KindCheck, record.KindPhase, record.KindRestorePoint:
		r.rung = objective.Highest(objective.Ladder(r.journal.Record()))
	}
}

// left is how long it still takes, as it did last; known is false where nobody knows, or it takes longer by now.
func (r *nightRow) left(now time.Time) (d time.Duration, known bool) {
	switch {
	case r.proof != nil:
		return 0, true
	case r.expected == 0:
		return 0, false
	case r.began.IsZero():
		return r.expected, true
	}
	d = r.expected - now.Sub(r.began)
	return max(d, 0), d > 0
}

// order in which they are shown: what runs, what is not proved, what waits, what is proved.
func (r *nightRow) order() int {
	switch {
	case r.proof == nil && !r.began.IsZero():
		return 0
	case r.proof != nil && r.proof.Status != record.StatusPassed && !r.proof.Read:
		return 1
	case r.proof == nil:
		return 2
	}
	return 3
}

// render draws the table into a width and a height that stays the same while the night runs.
func (b *nightBoard) render(width, height int, now time.Time, ending bool) string {
	rows := slices.Clone(b.rows)
	slices.SortStableFunc(rows, func(x, y *nightRow) int { return cmp.Compare(x.order(), y.order()) })
	room := max(min(height-5, len(rows)), 1)
	cells := [][]string{{b.label("entry"), b.label("state"), b.label("phase"), b.label("time"), b.label("rung"), b.label("left")}}
	for _, r := range rows[:min(room, len(rows))] {
		cells = append(cells, b.cells(r, now))
	}
	for column := range cells[0] {
		var texts []string
		for _, c := range cells {
			texts = append(texts, c[column])
		}
		for i, text := range align(texts) {
			cells[i][column] = text
		}
	}
	lines := []string{bold.Styled(clean(b.title)) + "   " + b.summary(now, ending), ""}
	for i, c := range cells {
		line := " " + strings.Join(c, "   ")
		switch {
		case i == 0:
			line = faint.Styled(line)
		case rows[i-1].order() == 0:
			line = bold.Styled(line)
		case rows[i-1].order() == 1:
			line = red.Styled(line)
		case rows[i-1].order() == 2:
			line = faint.Styled(line)
		}
		lines = append(lines, line)
	}
	if more := len(rows) - room; more > 0 {
		lines = append(lines, faint.Styled(" "+b.label("more", "count", strconv.Itoa(more))))
	}
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, max(width, 20), "…")
	}
	return strings.Join(lines, "\n") + "\n"
}

func (b *nightBoard) cells(r *nightRow, now time.Time) []string {
	name := r.Backup
	if r.Point != "" {
		name += " (" + clean(r.Point) + ")"
	}
	state, phase, took, left := b.label("waiting"), "", "", "–"
	rung := r.rung
	switch {
	case r.proof != nil:
		state = b.named("proof", string(r.proof.Status))
		if r.proof.Read {
			state = b.words.Text("night.read", nil)
		} else if r.proof.InPart() {
			state = b.words.Text("night.part", nil)
		}
		if left = ""; !r.began.IsZero() {
			took = b.whole(r.ended.Sub(r.began))
		}
		rung = objective.Highest(r.proof.Rungs)
	case !r.began.IsZero():
		state, took = b.label("running"), b.whole(now.Sub(r.began))
		if r.phase != "" {
			phase = b.named("phase", r.phase)
		}
	}
	if d, known := r.left(now); known && r.proof == nil {
		left = "~ " + b.whole(d)
	} else if r.proof == nil && r.expected > 0 {
		left = b.label("longer")
	}
	return []string{clean(name), state, phase, took, b.rung(rung), left}
}

// rung is a rung's number and name; "" for none.
func (b *nightBoard) rung(i int) string {
	names := []objective.RungName{objective.RungFound, objective.RungRead, objective.RungRestored, objective.RungStarted, objective.RungServed,
		objective.RungContent, objective.RungBusiness}
	if i < 0 || i >= len(names) {
		return ""
	}
	return strconv.Itoa(i) + " " + b.named("rung", string(names[i]))
}

// summary counts, and says how long the rest takes where the nights before know that of each.
func (b *nightBoard) summary(now time.Time, ending bool) string {
	if ending {
		return amber.Styled(b.label("ending"))
	}
	var running, waiting, proved, others int
	var rest, longest time.Duration
	known := true
	for _, r := range b.rows {
		switch {
		case r.proof != nil && (r.proof.Status == record.StatusPassed && !r.proof.InPart() || r.proof.Read):
			proved++
		case r.proof != nil:
			others++
		case !r.began.IsZero():
			running++
		default:
			waiting++
		}
		d, ok := r.left(now)
		rest, longest, known = rest+d, max(longest, d), known && ok
	}
	left := ""
	if known {
		left = b.whole(max(longest, rest/time.Duration(max(b.parallel, 1))))
	}
	return b.label("summary", "all", strconv.Itoa(len(b.rows)), "proved", strconv.Itoa(proved), "others", strconv.Itoa(others),
		"running", strconv.Itoa(running), "waiting", strconv.Itoa(waiting), "left", left)
}

func (b *nightBoard) named(of, name string) string { return b.words.cat.Named(b.words.lang, of, name) }

func (b *nightBoard) label(id string, kv ...string) string {
	args := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		args[kv[i]] = kv[i+1]
	}
	return b.words.Text("live_night."+id, args)
}

// whole writes a time in whole seconds.
func (b *nightBoard) whole(d time.Duration) string {
	return b.words.lang.Limit(d.Truncate(time.Second))
}
