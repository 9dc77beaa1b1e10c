package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// timeline is the drawing of a drill: clocks above, phases, the pulse with its red stretches
// and their brackets, restores, the axis of time. Everything is already placed; the template
// only writes shapes. Units are those of the view box.
//
//	  T0   T1 T2    T4 T5 T6          labels, spread out so that none covers another
//	   │    \ │      \ │ /            leaders to the true place
//	▐▌▐▌█████████████████▌▐▌          phases; those too short for a name have it below, on a leader
//	 ▄▄▄███████████▄█▄▄▄▄▄            the pulse: red is taller than green, edges show their uncertainty
//	    └─ 4 min 59 s ─┘
type timeline struct {
	Width, Height float64
	Describe      string // for those who cannot see it
	Rects         []rect
	Lines         []line
	Words         []word
}

type rect struct{ X, Y, W, H, Class, Title string }

type line struct{ Points, Class string }

type word struct{ X, Y, Class, Anchor, Text string }

// drawing places shapes; x grows with time.
type drawing struct {
	timeline
	author
	left, right float64
	end         time.Duration
}

const (
	glyph     = 7.2 // width of a letter at the drawing's 13-unit type; wide characters count twice
	labelY    = 14.0
	leaderTop = 19.0
	markTop   = 40.0
	phaseY    = 46.0
	phaseH    = 22.0
)

func (a author) timeline(width float64) *timeline {
	if len(a.r.Phases) == 0 && a.r.Pulse == nil {
		return nil
	}
	d := &drawing{author: a, left: 4, right: width - 4, end: a.end()}
	d.Width = width
	d.Describe = a.describe()
	bottom := d.drawPhases()
	rowsTop := bottom
	bottom = d.drawPulse(bottom + 10)
	bottom = d.drawHost(bottom)
	bottom = d.drawRestores(bottom)
	d.drawAxis(rowsTop, bottom)
	d.drawClocks(bottom)
	d.Height = bottom + 24
	return &d.timeline
}

func (a author) end() time.Duration {
	end := a.r.Ended
	for _, p := range a.r.Phases {
		end = max(end, p.Ended)
	}
	if a.r.Pulse != nil {
		end = max(end, a.r.Pulse.To.Late)
	}
	return max(end, time.Second)
}

func (a author) describe() string {
	lower := ""
	if o := a.v.Outage; o != nil && o.Count > 0 {
		lower = a.l.Bound(o.Sum, Up)
	}
	return a.say("timeline.describe", "length", a.l.Duration(a.r.Ended, Nearest), "outage", lower)
}

func (d *drawing) x(t time.Duration) float64 {
	return d.left + (d.right-d.left)*min(1, max(0, t.Seconds()/d.end.Seconds()))
}

func num(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }

func (d *drawing) rect(x, y, w, h float64, class, title string) {
	d.Rects = append(d.Rects, rect{num(x), num(y), num(max(w, 0.8)), num(h), class, title})
}

func (d *drawing) line(class string, points ...float64) {
	var s []string
	for i := 0; i+1 < len(points); i += 2 {
		s = append(s, num(points[i])+","+num(points[i+1]))
	}
	d.Lines = append(d.Lines, line{strings.Join(s, " "), class})
}

func (d *drawing) word(x, y float64, class, anchor, s string) {
	d.Words = append(d.Words, word{num(x), num(y), class, anchor, s})
}

// label is a text that wants to stand at At.
type label struct {
	At, X float64 // X is where its middle ends up
	Text  string
}

// wide is the width of a text in units.
func wide(s string) float64 {
	w := 0.0
	for _, r := range s {
		if r >= 0x2e80 {
			w += 2 * glyph * 0.93
		} else {
			w += glyph
		}
	}
	return w
}

// spread moves labels sideways until none covers another and all are inside.
func spread(labels []label, left, right, gap float64) {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.At, b.At) })
	edge := left
	for i := range labels {
		half := wide(labels[i].Text) / 2
		labels[i].X = max(labels[i].At, edge+half)
		edge = labels[i].X + half + gap
	}
	edge = right
	for i := len(labels) - 1; i >= 0; i-- {
		half := wide(labels[i].Text) / 2
		labels[i].X = min(labels[i].X, edge-half)
		edge = labels[i].X - half - gap
	}
}

// drawPhases writes the name inside where it fits, else below on a leader.
func (d *drawing) drawPhases() float64 {
	var outside []label
	clocks := d.clockMarks()
	for _, p := range d.r.Phases {
		if p.Outcome == record.OutcomeNotReached {
			continue
		}
		x, w := d.x(p.Started), d.x(max(p.Ended, p.Started))-d.x(p.Started)
		class := "phase"
		if p.Name == record.PhaseFault || p.Name == record.PhaseRollback {
			class = "phase hot"
		}
		if p.Outcome == record.OutcomeFailed {
			class = "phase bad"
		}
		name := d.c.Named(d.l, "phase", p.Name)
		d.rect(x, phaseY, w-1, phaseH, class, name)
		if at, ok := clear(x, x+w, wide(name)+8, clocks); ok {
			d.word(at, phaseY+15.5, "in", "middle", name)
			continue
		}
		outside = append(outside, label{At: x + w/2, Text: name})
	}
	return d.namesBelow(outside, phaseY+phaseH)
}

// clear is the middle of the widest stretch between two places that no clock's line crosses, if it has that much room.
func clear(from, to, room float64, clocks []label) (middle float64, ok bool) {
	widest, edge := 0.0, from
	for _, m := range append(slices.Clone(clocks), label{At: to}) {
		if at := min(m.At, to); at >= edge {
			if at-edge > widest {
				widest, middle = at-edge, (at+edge)/2
			}
			edge = at
		}
	}
	return middle, widest > room
}

// nameRow is the height of a row of names.
const nameRow = 15.0

// namesBelow writes names in as many rows as they need, in turn, so that neighbours stand in different ones.
func (d *drawing) namesBelow(names []label, bottom float64) float64 {
	if len(names) == 0 {
		return bottom
	}
	total := 0.0
	for _, l := range names {
		total += wide(l.Text) + 9
	}
	rows := make([][]label, 1+int(total/(d.right-d.left)))
	for i, l := range names {
		rows[i%len(rows)] = append(rows[i%len(rows)], l)
	}
	for n, row := range rows {
		spread(row, d.left, d.right, 9)
		down := bottom + float64(n)*nameRow
		for _, l := range row {
			d.line("leader", l.At, bottom, l.At, bottom+3, l.X, bottom+13, l.X, down+16)
			d.word(l.X, down+28, "soft", "middle", l.Text)
		}
	}
	return bottom + 34 + float64(len(rows)-1)*nameRow
}

// drawAxis draws as many steps of a round length as have room for their words, behind everything else.
func (d *drawing) drawAxis(top, bottom float64) {
	steps := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
		30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if float64(d.end/s) <= d.Width/110 {
			step = s
			break
		}
	}
	var grid []line
	for t := time.Duration(0); t <= d.end; t += step {
		x := d.x(t)
		grid = append(grid, line{num(x) + "," + num(top+2) + " " + num(x) + "," + num(bottom+4), "grid"})
		anchor := "middle"
		switch {
		case t == 0:
			anchor = "start"
		case x > d.right-30:
			anchor = "end"
		}
		d.word(x, bottom+18, "tick", anchor, d.l.Limit(t))
	}
	d.Lines = append(grid, d.Lines...)
}

// clockMarks are the lines of T0 to T8, in the order of time; clocks of one moment share one.
func (d *drawing) clockMarks() []label {
	var marks []label
	for i, in := range d.r.Incidents {
		suffix := ""
		if len(d.r.Incidents) > 1 {
			suffix = fmt.Sprintf("/%d", in.ID)
		}
		for _, c := range clocksOf(d.r, in, i == len(d.r.Incidents)-1) {
			x := d.x(c.At.Late)
			if n := len(marks); n > 0 && x-marks[n-1].At < 0.5 {
				marks[n-1].Text += " " + c.Name + suffix
				continue
			}
			marks = append(marks, label{At: x, Text: c.Name + suffix})
		}
	}
	marks = d.mostImportant(marks)
	slices.SortStableFunc(marks, func(a, b label) int { return cmp.Compare(a.At, b.At) })
	return marks
}

// drawClocks sets T0 to T8 above.
func (d *drawing) drawClocks(bottom float64) {
	shown := d.clockMarks()
	spread(shown, d.left, d.right, 10)
	for _, m := range shown {
		d.line("mark", m.X, leaderTop, m.At, markTop, m.At, bottom+4)
		d.word(m.X, labelY, "clock", "middle", m.Text)
	}
}

// mostImportant drops clocks, the least telling first, until their labels have room side by
// side; the table of clocks has them all.
func (d *drawing) mostImportant(marks []label) []label {
	for _, less := range []string{"T2", "T1", "T5", "T7", "T4", "T8", "T3", "T6"} {
		total := 0.0
		for _, m := range marks {
			total += wide(m.Text) + 10
		}
		if total <= d.right-d.left {
			break
		}
		var rest []label
		for _, m := range marks {
			m.Text = strings.Join(slices.DeleteFunc(strings.Fields(m.Text), func(name string) bool {
				return strings.HasPrefix(name, less)
			}), " ")
			if m.Text != "" {
				rest = append(rest, m)
			}
		}
		marks = rest
	}
	return marks
}
