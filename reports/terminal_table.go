package reports

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// displayWidth counts columns; a wide character takes two.
func displayWidth(s string) int { return twwidth.Width(s) }

// wrap breaks a text at spaces, and inside words and Chinese text where there is no space. It
// loses nothing but the spaces at the breaks: tablewriter's own wrapping does.
func wrap(s string, width int) []string {
	var lines []string
	line, lineWidth := "", 0
	flush := func() {
		lines = append(lines, strings.TrimRight(line, " "))
		line, lineWidth = "", 0
	}
	for _, word := range pieces(s) {
		w := displayWidth(word)
		if lineWidth+displayWidth(strings.TrimRight(word, " ")) > width && lineWidth > 0 {
			flush()
		}
		for w > width { // longer than a line: a digest, a path
			head, rest := cut(word, width)
			if rest == "" || strings.TrimSpace(rest) == "" {
				break
			}
			line = head
			flush()
			word, w = rest, displayWidth(rest)
		}
		line, lineWidth = line+word, lineWidth+w
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	return lines
}

// pieces cuts a text where a line may break: after a space, and between wide characters, but
// never before a closing mark of Chinese text.
func pieces(s string) []string {
	var list []string
	start := 0
	prevWide, prevSpace := false, false
	for i, r := range s {
		wideNow := r >= 0x2e80
		if i > start && (prevSpace && r != ' ' || (wideNow || prevWide) && !strings.ContainsRune("，。；：、）”！？」》 ", r)) {
			list = append(list, s[start:i])
			start = i
		}
		prevWide, prevSpace = wideNow && !strings.ContainsRune("（“「《", r), r == ' '
	}
	return append(list, s[start:])
}

// cut splits a word at a number of columns.
func cut(word string, width int) (head, rest string) {
	used := 0
	for i, r := range word {
		w := displayWidth(string(r))
		if used+w > width && i > 0 {
			return word[:i], word[i:]
		}
		used += w
	}
	return word, ""
}

// table fits the columns into the width by wrapping the widest ones, then hands finished
// lines to tablewriter.
func (t *screen) table(src *table) error {
	var header []string
	rows := make([][]string, len(src.Rows))
	var keep []int
	for i, c := range src.Columns {
		if src.blank(i) {
			continue // to be filled in by hand: not on a screen
		}
		keep = append(keep, i)
		header = append(header, c.Title)
	}
	for r, row := range src.Rows {
		for _, i := range keep {
			rows[r] = append(rows[r], t.cell(row[i]))
		}
	}
	numbers := make([]bool, len(keep))
	for n, i := range keep {
		numbers[n] = src.Columns[i].Number
	}
	limits := fit(header, rows, numbers, t.width-3*(len(keep)-1)-2)
	align := make([]tw.Align, len(keep))
	for n, i := range keep {
		align[n] = tw.AlignLeft
		if src.Columns[i].Number {
			align[n] = tw.AlignRight
		}
		header[n] = strings.Join(wrap(header[n], limits[n]), "\n")
	}
	var drawn bytes.Buffer
	out := tablewriter.NewTable(&drawn,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Lines: tw.Lines{ShowHeaderLine: tw.On},
				Separators: tw.Separators{BetweenRows: tw.Off, BetweenColumns: tw.On}},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithRowAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone), tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: align}),
	)
	out.Header(header)
	for _, row := range rows {
		for i := range row {
			row[i] = wrapCell(row[i], limits[i])
		}
		if err := out.Append(row); err != nil {
			return err
		}
	}
	if err := out.Render(); err != nil {
		return err
	}
	for l := range strings.Lines(drawn.String()) {
		t.print(strings.TrimRight(l, "\n"))
	}
	return t.err
}

func (t *table) blank(i int) bool {
	for _, row := range t.Rows {
		if !row[i].Blank {
			return false
		}
	}
	return len(t.Rows) > 0
}

// cell writes the badge and the text in the first line, the small text below, and then what to do now.
func (t *screen) cell(c cell) string {
	first := flat(c.Text)
	if c.Bar != nil {
		first = t.paint(
			c.Bar.Class,
			strings.Repeat("█", int(c.Bar.Used/10+0.5))+strings.Repeat("▒", int(c.Bar.Over/10+0.5)),
		)
		first = strings.TrimSpace(first + " " + c.Bar.Label)
	}
	if c.Badge != nil {
		first = strings.TrimSpace(
			t.paint(c.Badge.Class, strings.TrimSpace(c.Badge.Symbol+" "+c.Badge.Word)) + " " + first,
		)
	}
	lines := nonEmpty(first, flat(c.Small))
	if c.Next != "" {
		lines = append(lines, "→ "+flat(c.Next))
	}
	return strings.Join(lines, "\n")
}

// escapes are the colours that paint adds.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func wrapCell(s string, width int) string {
	var lines []string
	for part := range strings.SplitSeq(s, "\n") {
		if strings.Contains(part, "\x1b") {
			if displayWidth(part) <= width {
				lines = append(lines, part)
				continue
			}
			part = escapes.ReplaceAllString(part, "") // rather without colour than cut in the middle of an escape
		}
		lines = append(lines, wrap(part, width)...)
	}
	return strings.Join(lines, "\n")
}

// fit narrows the widest columns until the table fits: texts first, down to twelve columns, and
// figures, which are hard to read in two lines, only where that is not enough.
func fit(header []string, rows [][]string, numbers []bool, width int) []int {
	limits := make([]int, len(header))
	total := 0
	for i := range header {
		limits[i] = displayWidth(header[i])
		for _, row := range rows {
			for part := range strings.SplitSeq(row[i], "\n") {
				limits[i] = max(limits[i], displayWidth(part))
			}
		}
		total += limits[i]
	}
	for _, alsoNumbers := range []bool{false, true} {
		for total > width {
			widest := -1
			for i := range limits {
				if (alsoNumbers || !numbers[i]) && limits[i] > 12 && (widest < 0 || limits[i] > limits[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			limits[widest]--
			total--
		}
	}
	return limits
}
