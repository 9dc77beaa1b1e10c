package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// calmLines are kept of the console of a machine on which nothing was wrong.
const calmLines = 5

// machines is what the machines showed of themselves when something went wrong: in words, with the last lines
// of the console. The picture of the screen lies beside the journal.
func (a author) machines() section {
	s := a.section("machines")
	for _, f := range a.r.Failures {
		pairs := []pair{
			{a.say("diagnosis.what"), marked(badge{Class: "failed", Symbol: "✗", Word: a.say("diagnosis.down")}, a.told(f.Why))},
			{a.say("diagnosis.seen"), text(a.l.Clock(a.wall(f.Ended)))},
		}
		if len(f.Met) > 0 {
			pairs = append(pairs, pair{a.say("diagnosis.met"), text(strings.Join(f.Met, ", "))})
		}
		if len(f.Sought) > 0 {
			pairs = append(pairs, pair{a.say("diagnosis.sought"), text(strings.Join(f.Sought, ", "))})
		}
		s.Blocks = append(s.Blocks, block{Caption: a.captionOf(f.Subject), Pairs: pairs})
		if len(f.Lines) > 0 {
			s.Blocks = append(s.Blocks, block{Pre: strings.Join(f.Lines, "\n"), Detail: true})
		}
	}
	for _, d := range a.r.Diagnoses {
		pairs := []pair{
			{a.say("diagnosis.what"), a.diagnosed(d.Diagnosis)},
			{a.say("diagnosis.seen"), text(a.l.Clock(a.wall(d.At)))},
		}
		if d.Screen != "" {
			pairs = append(pairs, pair{a.say("diagnosis.screen"), code("raw/" + d.Screen)})
		}
		s.Blocks = append(s.Blocks, block{Caption: a.captionOf(d.Subject), Pairs: pairs})
		lines := d.Lines
		if d.Class == "" {
			lines = lines[max(0, len(lines)-calmLines):]
		}
		if len(lines) > 0 {
			s.Blocks = append(s.Blocks, block{Pre: strings.Join(lines, "\n"), Detail: true})
		}
	}
	if len(s.Blocks) == 0 {
		return section{}
	}
	s.Note = a.say("note.machines")
	return s
}

// captionOf names an instance, and the way back in which it was met where there are several.
func (a author) captionOf(of record.Subject) string {
	if of.Incident > 0 && len(a.r.Incidents) > 1 {
		return of.Instance + " · " + a.incidentName(of.Incident)
	}
	return of.Instance
}

// diagnosed is the class in the reader's language and what the machine itself said.
func (a author) diagnosed(d record.Diagnosis) cell {
	if d.Class == "" {
		return marked(badge{Class: "neutral", Symbol: "–", Word: a.say("diagnosis.nothing")}, "")
	}
	source := a.say("diagnosis.source", "source", a.c.Named(a.l, "diagnosis_source", d.Source))
	b := badge{Class: "failed", Symbol: "✗", Word: a.c.Named(a.l, "diagnosis_class", d.Class)}
	words := strings.TrimPrefix(d.Words, b.Word)
	return cell{Badge: &b, Text: strings.TrimPrefix(words, ": "), Small: source}
}

// facts of a boot: how the machine was accelerated, is controlled, how far off its clock is.
func (a author) bootFacts(facts map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		if key := "boot_fact." + k; a.c.HasLabel(key) {
			parts = append(parts, a.say(key, "value", facts[k]))
		} else {
			parts = append(parts, k+" "+facts[k])
		}
	}
	return strings.Join(parts, " · ")
}

// factsOf a boot, with the folders in which it did not see what its image has.
func (a author) factsOf(b record.BootFact) map[string]string {
	facts := maps.Clone(b.Facts)
	for _, o := range a.r.Observations {
		if o.ID == "boot.hidden" && o.Args["instance"] == b.Subject.Instance && o.Args["generation"] == fmt.Sprint(b.Subject.Generation) {
			if facts == nil {
				facts = map[string]string{}
			}
			facts["hidden"] = strings.TrimPrefix(facts["hidden"]+", "+o.Args["folder"], ", ")
		}
	}
	return facts
}

// inPlace says how much of a backup was read where it lies, once for each machine that did.
func (a author) inPlace(backup string) []cell {
	var list []cell
	for _, d := range a.r.DiskReads {
		if d.Backup != backup || d.Size <= 0 {
			continue
		}
		list = append(list, text(a.say("backup.in_place", "fetched", fmt.Sprint(d.Fetched), "size", fmt.Sprint(d.Size),
			"share", percent(float64(d.Fetched)/float64(d.Size)*100))))
	}
	return list
}

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
