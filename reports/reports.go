// Package reports renders the record of a drill and its verdict for people and
// for machines: terminal, Markdown, HTML, JSON and JUnit, in English and in
// Chinese. It computes no verdict: what a report says stands in the record or
// in the verdict already, or is plain arithmetic on them.
//
// All formats but JSON and JUnit draw the same document (document.go), so that
// a figure cannot differ from one format to another.
package reports

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"lifeboat/drills/record"
)

// Renderer writes one report. It returns the writer's error and nothing else:
// an odd record is drawn as it stands.
type Renderer func(w io.Writer, r *record.Record, v record.Verdict, o Options) error

// Options of a report. The zero value is English, 100 columns wide, without colour.
type Options struct {
	Language     Language
	Width        int               // columns of a terminal; 0: 100; below 60 counts as 60
	Color        bool              // terminal escape sequences
	Paths        map[string]string // format → path of the reports of this drill that were written
	Samples      []Sample          // of the pulse, in the order of time; none: the red stretches alone are drawn
	RecordDigest string            // sha256:… of the record as it was written; empty: not named
	Review       *Review           // the document of the review is wanted instead of the report
}

// Sample is one iteration of the pulse.
type Sample struct {
	At      time.Duration // since the drill's base
	Good    bool
	Latency time.Duration
}

// Format is one kind of report.
type Format struct {
	Name   string // as in --format
	File   string // the name of the file in a drill's folder; empty: only printed
	Render Renderer
}

// Formats lists every format in the order in which help texts name them.
func Formats() []Format {
	return []Format{
		{Name: "terminal", Render: Terminal},
		{Name: "html", File: "report.html", Render: HTML},
		{Name: "markdown", File: "report.md", Render: Markdown},
		{Name: "json", File: "report.json", Render: JSON},
		{Name: "junit", File: "junit.xml", Render: JUnit},
	}
}

// Find returns the format of a name; the error lists the names there are.
func Find(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("find report format %q: choose one of %v", name, names)
}

// Differ names those of a drill's reports, by their files, that are not what this lifeboat writes in any one language.
func Differ(kept map[string][]byte, r *record.Record, v record.Verdict, o Options) (fewest []string, err error) {
	languages := Languages() // first the one that they say they are in: it is the only one to be rendered where nothing differs
	if i := slices.IndexFunc(languages, func(l Language) bool { return bytes.Contains(kept["report.html"], []byte(`<html lang="`+l+`"`)) }); i > 0 {
		languages[0], languages[i] = languages[i], languages[0]
	}
	for i, l := range languages {
		o.Language = l
		others := maps.Clone(kept)
		for _, f := range Formats() {
			was, there := others[f.File]
			if !there {
				continue
			}
			var is bytes.Buffer
			if err := f.Render(&is, r, v, o); err != nil {
				return nil, err
			}
			if bytes.Equal(was, is.Bytes()) {
				delete(others, f.File)
			}
		}
		if i == 0 || len(others) < len(fewest) {
			fewest = slices.Sorted(maps.Keys(others))
		}
		if len(fewest) == 0 {
			break
		}
	}
	return fewest, nil
}
