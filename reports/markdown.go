package reports

import (
	"fmt"
	"io"
	"strings"

	"lifeboat/drills/record"
)

// Markdown writes the whole report but the drawing, in GitHub's dialect.
func Markdown(w io.Writer, r *record.Record, v record.Verdict, o Options) error {
	return newDocument(r, v, o).markdown(w)
}

func (d document) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s · %s\n\n%s\n", d.Status.Symbol, d.Status.Word, escape(d.Title), strong(d.Sentence))
	pairs(&b, d.Facts)
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "\n## %s\n", s.Title)
		if s.Note != "" {
			fmt.Fprintf(&b, "\n*%s*\n", escape(s.Note))
		}
		for _, bl := range s.Blocks {
			markdownBlock(&b, bl)
		}
	}
	fmt.Fprintf(&b, "\n---\n\n%s\n", escape(d.Footer))
	_, err := io.WriteString(w, printable(b.String()))
	return err
}

func markdownBlock(b *strings.Builder, bl block) {
	if bl.Caption != "" {
		fmt.Fprintf(b, "\n### %s\n", escape(bl.Caption))
	}
	if bl.Paragraph != "" {
		fmt.Fprintf(b, "\n%s\n", escape(bl.Paragraph))
	}
	if len(bl.List) > 0 {
		b.WriteString("\n")
		for _, c := range bl.List {
			next := c.Next
			c.Next = ""
			if said := markdownCell(c); said != "" {
				fmt.Fprintf(b, "- %s\n", said)
			}
			if next != "" {
				fmt.Fprintf(b, "  - → %s\n", escape(next))
			}
		}
	}
	pairs(b, bl.Pairs)
	if bl.Table != nil {
		markdownTable(b, bl.Table)
	}
	if bl.Pre != "" {
		b.WriteString("\n")
		for l := range strings.Lines(bl.Pre) {
			b.WriteString("    " + strings.TrimRight(l, "\n") + "\n")
		}
	}
	if t := bl.Timeline; t != nil {
		fmt.Fprintf(b, "\n%s\n", escape(t.Describe))
	}
}

func pairs(b *strings.Builder, list []pair) {
	if len(list) == 0 {
		return
	}
	b.WriteString("\n")
	for _, p := range list {
		fmt.Fprintf(b, "- **%s**: %s\n", escape(p.Name), markdownCell(p.Text))
	}
}

func markdownTable(b *strings.Builder, t *table) {
	b.WriteString("\n|")
	for _, c := range t.Columns {
		b.WriteString(" " + escape(c.Title) + " |")
	}
	b.WriteString("\n|")
	for _, c := range t.Columns {
		if c.Number {
			b.WriteString("---:|")
		} else {
			b.WriteString("---|")
		}
	}
	b.WriteString("\n")
	for _, row := range t.Rows {
		b.WriteString("|")
		for _, c := range row {
			b.WriteString(" " + markdownCell(c) + " |")
		}
		b.WriteString("\n")
	}
}

func markdownCell(c cell) string {
	var parts []string
	if c.Badge != nil {
		parts = append(parts, strings.TrimSpace(c.Badge.Symbol+" "+c.Badge.Word))
	}
	switch {
	case c.Bar != nil:
		parts = append(parts, c.Bar.Label)
	case c.Code && c.Text != "":
		parts = append(parts, codeSpan(c.Text))
	case c.Text != "":
		parts = append(parts, escape(c.Text))
	}
	if small := strings.Join(nonEmpty(c.Hint, c.Small), " · "); small != "" {
		parts = append(parts, "("+escape(small)+")")
	}
	if c.Next != "" {
		parts = append(parts, "→ "+escape(c.Next))
	}
	return strings.Join(parts, " ")
}

// codeSpan holds a text that may have backquotes and bars in it.
func codeSpan(s string) string {
	if strings.ContainsAny(s, "`|\n") {
		return escape(s)
	}
	return "`" + s + "`"
}

// escape keeps texts from drills from becoming markup: a name cannot break a table or add a link.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\n', '\r', '\t':
			r = ' '
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '~', '&':
			b.WriteRune('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// strong escapes a sentence and leaves its ** marks.
func strong(s string) string {
	parts := strongParts(s)
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, "**")
}

// strongParts cuts a sentence at its marks: every second part is strong. Marks that do not
// come in pairs are not ours.
func strongParts(s string) []string {
	parts := strings.Split(s, "**")
	if len(parts)%2 == 0 {
		return []string{s}
	}
	return parts
}
