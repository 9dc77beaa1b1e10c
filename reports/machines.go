package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
