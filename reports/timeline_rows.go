package reports

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

const (
	rowGap    = 12.0
	greenH    = 12.0
	redH      = 24.0
	latencyH  = 34.0
	restoreH  = 16.0
	titleLine = 15.0
)

// drawPulse draws the witness: a low green band, taller red stretches whose uncertain edges
// are lighter, and under each a bracket with its length where there is room for one.
func (d *drawing) drawPulse(y float64) float64 {
	p := d.r.Pulse
	if p == nil {
		return y
	}
	y = d.rowTitle(y, d.say("timeline.pulse", "planned", d.planned()))
	base := y + redH
	from, to := p.From.Late, p.To.Early
	if p.Open {
		to = max(p.To.Late, p.From.Late)
	}
	if to <= from {
		to = d.end
	}
	d.band(p, from, to, base)
	var labels []label
	for _, s := range p.Reds {
		end := s.To
		if s.Open {
			end = record.At(to)
		}
		length := d.l.Bound(record.Between(s.From, end), Up)
		if s.Open {
			length = d.say("objective.at_least_plain", "lower", d.l.Duration(max(0, end.Early-s.From.Late), Down))
		}
		d.stretch(s, end, base, length)
		labels = append(labels, label{At: (d.x(s.From.Early) + d.x(end.Late)) / 2, Text: length})
	}
	y = base + 4
	if len(labels) > 0 {
		y = d.lengths(labels, y)
	}
	return d.drawLatency(y + rowGap)
}

// clause of a title: where its line may end.
var clause = regexp.MustCompile(`[^,，]*[,，]? ?`)

// rowTitle writes what a row shows, in as many lines as it needs, and returns where the row begins.
func (d *drawing) rowTitle(y float64, title string) float64 {
	rest := ""
	for _, part := range clause.FindAllString(title, -1) {
		if rest != "" && wide(rest+part) > d.right-d.left {
			d.word(d.left, y+10, "row", "start", strings.TrimSpace(rest))
			y, rest = y+titleLine, ""
		}
		rest += part
	}
	d.word(d.left, y+10, "row", "start", rest)
	return y + titleLine
}

// planned is not empty where a stretch is drawn as planned.
func (d *drawing) planned() string {
	if slices.ContainsFunc(d.r.Pulse.Reds, func(s record.Stretch) bool { return s.Planned }) {
		return d.say("timeline.planned")
	}
	return ""
}

// band is the green of the pulse between its red stretches.
func (d *drawing) band(p *record.Pulse, from, to time.Duration, base float64) {
	cursor := from
	for _, s := range p.Reds {
		if s.From.Early > cursor {
			d.rect(d.x(cursor), base-greenH, d.x(s.From.Early)-d.x(cursor), greenH, "good", "")
		}
		if s.Open {
			return
		}
		cursor = max(cursor, s.To.Late)
	}
	if to > cursor {
		d.rect(d.x(cursor), base-greenH, d.x(to)-d.x(cursor), greenH, "good", "")
	}
}

func (d *drawing) stretch(s record.Stretch, end record.Moment, base float64, length string) {
	class := "bad"
	if s.Planned {
		class = "planned"
	}
	x0, x1, x2, x3 := d.x(s.From.Early), d.x(s.From.Late), d.x(end.Early), d.x(end.Late)
	if x1-x0 > 0.5 {
		d.rect(x0, base-redH, x1-x0, redH, class+" unsure", "")
	}
	d.rect(x1, base-redH, max(x2-x1, 1.6), redH, class, length)
	if x3-x2 > 0.5 {
		d.rect(x2, base-redH, x3-x2, redH, class+" unsure", "")
	}
	d.line("bracket", x0, base+3, x0, base+8, x3, base+8, x3, base+3)
}

// lengths writes every length that finds room; with too many only the longest would be
// readable, so the table of stretches serves instead.
func (d *drawing) lengths(labels []label, y float64) float64 {
	total := 0.0
	for _, l := range labels {
		total += wide(l.Text) + 10
	}
	if total > d.right-d.left {
		return y + 6
	}
	spread(labels, d.left, d.right, 10)
	for _, l := range labels {
		d.line("leader", l.At, y+4, l.X, y+10)
		d.word(l.X, y+21, "strong", "middle", l.Text)
	}
	return y + 24
}

// drawLatency draws the slowest good sample of each step of two units.
func (d *drawing) drawLatency(y float64) float64 {
	good := slices.DeleteFunc(slices.Clone(d.o.Samples), func(s Sample) bool { return !s.Good })
	if len(good) < 2 {
		return y
	}
	top := slices.MaxFunc(good, func(a, b Sample) int { return int(a.Latency - b.Latency) }).Latency
	y = d.rowTitle(y, d.say("timeline.latency", "top", d.l.Duration(top, Up)))
	var points []float64
	step, worst := -1, time.Duration(0)
	gap := d.end / 100
	last := good[0].At
	flush := func() {
		if step >= 0 {
			points = append(points, d.left+float64(step)*2, y+latencyH*(1-worst.Seconds()/max(top.Seconds(), 1e-9)))
		}
	}
	for _, s := range good {
		at := int((d.x(s.At) - d.left) / 2)
		if at != step {
			flush()
			step, worst = at, 0
			if s.At-last > gap && len(points) > 2 { // nothing good in between: the line breaks off
				d.line("latency", points...)
				points = nil
			}
		}
		worst, last = max(worst, s.Latency), s.At
	}
	flush()
	d.line("latency", points...)
	return y + latencyH + rowGap
}

// drawRestores has one row for each backup, with every restore of it.
func (d *drawing) drawRestores(y float64) float64 {
	var backups []string
	for _, f := range d.r.Restores {
		if !slices.Contains(backups, f.Backup) {
			backups = append(backups, f.Backup)
		}
	}
	for _, b := range backups {
		y = d.rowTitle(y, d.say("timeline.restore", "backup", b))
		edge := d.left
		for i := range d.r.Restores {
			f := &d.r.Restores[i]
			if f.Backup != b {
				continue
			}
			class := "restored"
			if f.Bad() != "" {
				class = "restored bad"
			}
			x, w := d.x(f.Started), max(1.6, d.x(f.Ended)-d.x(f.Started))
			d.rect(x, y, w, restoreH, class, "")
			note := d.say("timeline.rate", "bytes", sizeArg(f.Bytes), "rate", rateOf(f))
			switch n := wide(note); {
			case w > n+8:
				d.word(x+w/2, y+12.5, "in", "middle", note)
				edge = x + w + 6
			case x+w+4+n < d.right && x+w+4 >= edge && !d.restoreWithin(b, i, x+w, x+w+8+n):
				d.word(x+w+4, y+12.5, "soft", "start", note)
				edge = x + w + 8 + n
			case x-4-n > edge && !d.restoreWithin(b, i, x-8-n, x):
				d.word(x-4, y+12.5, "soft", "end", note)
			}
		}
		y += restoreH + rowGap
	}
	return y - rowGap/2
}

// restoreWithin tells whether another restore of the backup is drawn between two places.
func (d *drawing) restoreWithin(backup string, but int, from, to float64) bool {
	for i, f := range d.r.Restores {
		if i != but && f.Backup == backup && d.x(f.Ended) > from && d.x(f.Started) < to {
			return true
		}
	}
	return false
}

func sizeArg(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
