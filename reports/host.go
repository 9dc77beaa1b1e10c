package reports

import (
	"strings"
	"time"

	"lifeboat/drills/record"
)

// host tells how hard the host was pressed during the drill, with a drawing of each figure along the drill's time.
func (a author) host() section {
	if len(a.r.Loads) == 0 {
		return section{}
	}
	t := &table{Class: "host", Columns: a.columns("  n", "host_figure", "host_course", "host_whole")}
	for _, by := range []string{record.HeldCPU, record.HeldMemory, record.HeldIO, record.HeldLate, record.HeldTrip, record.HeldK6} {
		course, whole := a.course(by)
		if whole == 0 {
			continue
		}
		t.Rows = append(t.Rows, []cell{text(a.c.Named(a.l, "host_by", by)), code(course), text(a.figure(by, whole))})
	}
	b := block{Table: t}
	if len(t.Rows) == 0 {
		b = block{Paragraph: a.say("host.quiet")}
	}
	s := a.section("host", b)
	s.Note = a.say("note.host", "without", a.r.Loads[0].Without)
	return s
}

// figure is what a figure was over the whole drill: a share of the time, or the longest delay.
func (a author) figure(by string, whole time.Duration) string {
	if delay(by) {
		return a.say("host.longest", "delay", a.l.Duration(whole, Up))
	}
	return a.say("host.share", "held", a.l.Duration(whole, Nearest), "share", percent(100*whole.Seconds()/max(1, a.r.Ended.Seconds())))
}

func delay(by string) bool {
	return by == record.HeldLate || by == record.HeldTrip || by == record.HeldK6
}

// courseWidth is how many letters show the course of a figure.
const courseWidth = 32

// course draws one figure along the time of the drill, and what it was over the whole of it. The highest letter
// is a host that was held up all the time, or a delay of five seconds and more.
func (a author) course(by string) (letters string, whole time.Duration) {
	const levels = "▁▂▃▄▅▆▇█"
	marks := []rune(levels)
	whole = figureOf(a.r.HeldUp(0, a.r.Ended), by)
	step := max(a.end()/courseWidth, 1)
	var b strings.Builder
	for i := range time.Duration(courseWidth) {
		seen := figureOf(a.r.HeldUp(i*step, (i+1)*step), by)
		share := seen.Seconds() / step.Seconds()
		if delay(by) {
			share = seen.Seconds() / tallDelay.Seconds()
		}
		b.WriteRune(marks[min(len(marks)-1, int(share*float64(len(marks))))])
	}
	return b.String(), whole
}

const tallDelay = 5 * time.Second

func figureOf(h record.Held, by string) time.Duration {
	switch by {
	case record.HeldCPU:
		return h.CPU
	case record.HeldMemory:
		return h.Memory
	case record.HeldIO:
		return h.IO
	case record.HeldLate:
		return h.Late
	case record.HeldTrip:
		return h.Trip
	}
	return h.K6
}

// drawHost draws below the pulse for how much of the time the host was held up, by the largest of its figures.
func (d *drawing) drawHost(y float64) float64 {
	most := time.Duration(0)
	for _, l := range d.r.Loads {
		held, _ := d.r.HeldUp(l.From, l.To).Most()
		most = max(most, held)
	}
	if most < time.Second {
		return y
	}
	y = d.rowTitle(y, d.say("timeline.host"))
	for _, l := range d.r.Loads {
		held, _ := d.r.HeldUp(l.From, l.To).Most()
		share := min(1, held.Seconds()/max(1e-9, (l.To-l.From).Seconds()))
		if h := hostH * share; h > 0.5 {
			d.rect(d.x(l.From), y+hostH-h, d.x(l.To)-d.x(l.From), h, "pressed", "")
		}
	}
	return y + hostH + rowGap
}

const hostH = 20.0
