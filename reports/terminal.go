package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// terminalSections are those that a person at a prompt wants; the whole stands in the file.
var terminalSections = []string{"reasons", "next", "weak", "objectives", "comparison", "checks", "machines", "host", "findings",
	"backups", "limits"}

// Terminal writes the verdict, the objectives, the checks, the findings and the
// restore points for a screen of Options.Width columns.
func Terminal(w io.Writer, r *record.Record, v record.Verdict, o Options) error {
	sections := terminalSections
	if o.Review != nil {
		sections = nil
	}
	return newDocument(r, v, o).terminal(w, o, sections)
}

// terminal writes sections of a document; nil: all.
func (d document) terminal(w io.Writer, o Options, sections []string) error {
	t := &screen{width: max(60, cmp.Or(max(0, o.Width), 100)), color: o.Color, out: w}
	t.head(d)
	for _, s := range d.Sections {
		if sections == nil || slices.Contains(sections, s.ID) {
			t.section(s)
		}
	}
	t.paths(d.Lang, o.Paths)
	return t.err
}

// screen writes lines and remembers the first error.
type screen struct {
	width int
	color bool
	out   io.Writer
	err   error
}

func (t *screen) print(lines ...string) {
	for _, l := range lines {
		if t.err == nil {
			_, t.err = io.WriteString(t.out, strings.TrimRight(l, " ")+"\n")
		}
	}
}

// colours of the classes, as SGR parameters.
var colours = map[string]string{
	"passed": "32", "failed": "31", "inconclusive": "33", "aborted": "35", "severity-high": "31",
	"severity-medium": "33",
}

func (t *screen) paint(class, s string) string {
	if c, ok := colours[class]; ok && t.color && s != "" {
		return "\x1b[" + c + "m" + s + "\x1b[0m"
	}
	return s
}

func (t *screen) bold(s string) string {
	if t.color {
		return "\x1b[1m" + s + "\x1b[0m"
	}
	return s
}

func (t *screen) head(d document) {
	t.print("", t.paint(d.Status.Class, t.bold(d.Status.Symbol+" "+d.Status.Word))+" · "+t.bold(flat(d.Title)))
	t.print(wrap(flat(strings.ReplaceAll(d.Sentence, "**", "")), t.width)...)
	var facts []string
	for _, f := range d.Facts {
		facts = append(facts, f.Name+" "+plain(f.Text, " "))
	}
	t.print(wrap(strings.Join(facts, " · "), t.width)...)
}

func (t *screen) section(s section) {
	title := t.bold(s.Title)
	if s.Note != "" && displayWidth(s.Title+s.Note)+3 <= t.width {
		title += " · " + s.Note
	}
	t.print("", title)
	for _, b := range s.Blocks {
		if b.Detail {
			continue
		}
		t.block(b)
	}
}

func (t *screen) block(b block) {
	if b.Caption != "" {
		t.print(wrap(flat(b.Caption+":"), t.width)...)
	}
	if b.Paragraph != "" {
		t.print(wrap(flat(b.Paragraph), t.width)...)
	}
	for _, c := range b.List {
		if c.Text != "" {
			t.hang("  "+t.mark(c.Badge, "·")+" ", plain(cell{Text: c.Text, Small: c.Small}, " "))
		}
		if c.Next != "" {
			t.hang("    → ", flat(c.Next))
		}
	}
	names := 0
	for _, p := range b.Pairs {
		names = max(names, displayWidth(p.Name))
	}
	for _, p := range b.Pairs {
		t.hang("  "+p.Name+strings.Repeat(" ", names-displayWidth(p.Name))+"  ", t.inline(p.Text))
	}
	if b.Table != nil && t.err == nil {
		t.err = t.table(b.Table)
	}
	for l := range strings.Lines(b.Pre) {
		t.print("    " + flat(strings.TrimRight(l, "\n")))
	}
}

// hang writes a text whose further lines stand under its first.
func (t *screen) hang(first, s string) {
	indent := displayWidth(first)
	for i, l := range wrap(s, max(20, t.width-indent)) {
		if i == 0 {
			t.print(first + l)
		} else {
			t.print(strings.Repeat(" ", indent) + l)
		}
	}
}

func (t *screen) mark(b *badge, otherwise string) string {
	if b == nil {
		return otherwise
	}
	return t.paint(b.Class, b.Symbol)
}

func (t *screen) inline(c cell) string {
	s := plain(cell{Text: c.Text, Small: c.Small}, " · ")
	if c.Badge != nil {
		s = strings.TrimSpace(t.paint(c.Badge.Class, strings.TrimSpace(c.Badge.Symbol+" "+c.Badge.Word)) + " " + s)
	}
	return s
}

// plain joins the two parts of a cell, without control characters.
func plain(c cell, between string) string {
	return flat(strings.Join(nonEmpty(c.Text, c.Small), between))
}

// flat is printable text on one line.
func flat(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable(s))
}

func (t *screen) paths(l Language, paths map[string]string) {
	if len(paths) == 0 {
		return
	}
	t.print("", t.bold(Messages().Label(l, "terminal.reports", nil)))
	for _, f := range slices.Sorted(maps.Keys(paths)) {
		t.print(fmt.Sprintf("  %-9s %s", f, paths[f]))
	}
}
