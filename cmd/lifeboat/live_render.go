package main

import (
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/drills/record"
	"lifeboat/reports"
)

// Styles are those of the terminal's own sixteen colours; bubbletea leaves them
// out where NO_COLOR or the terminal asks for it. The styles come from x/ansi and
// not from lipgloss, which asks tmux for its colours whenever any program that links it starts.
var (
	bold  = ansi.Style{}.Bold()
	faint = ansi.Style{}.Faint()
	green = ansi.Style{}.ForegroundColor(ansi.Green)
	amber = ansi.Style{}.ForegroundColor(ansi.Yellow)
	red   = ansi.Style{}.ForegroundColor(ansi.Red).Bold()
)

// View implements tea.Model.
func (b *board) View() tea.View {
	if b.ended && !b.begun {
		return tea.NewView("") // refused: there is nothing to remember
	}
	return tea.NewView(b.render())
}

// tallest is the height of the board on a terminal that has room for it.
const tallest = 32

// render draws the board into the width, and leaves out what does not fit into
// the height, the least important first. The question is never left out. While
// the drill runs the height stays the same: a board that grows leaves pieces of
// itself in the scrollback.
func (b *board) render() string {
	head := b.head()
	sections := [][]string{b.drawPhases(), b.drawClocks(), b.drawPulse(), b.drawBackups(), b.drawInstances()}
	tail := b.drawQuestion()
	room := min(max(b.height-1, 8), tallest) - len(head) - len(tail)
	var lines []string
	for _, s := range sections {
		if len(s) == 0 || len(lines)+len(s)+1 > room {
			continue
		}
		lines = append(append(lines, ""), s...)
	}
	if !b.ended {
		lines = append(lines, b.drawLog(room-len(lines))...)
		for len(lines) < room {
			lines = append(lines, "")
		}
	}
	lines = append(append(head, lines...), tail...)
	if b.ended {
		lines = append(lines, "") // what comes next is printed over the last line
	}
	for i, l := range lines {
		lines[i] = b.cut(l)
	}
	return strings.Join(lines, "\n")
}

func (b *board) cut(s string) string { return ansi.Truncate(s, max(b.width, 20), "…") }

func (b *board) text(id string, kv ...string) string {
	args := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		args[kv[i]] = kv[i+1]
	}
	return b.words.Text("live."+id, args)
}

// whole writes a time in whole seconds: of what is left the smaller, of what has passed the larger.
func (b *board) whole(d time.Duration, up bool) string {
	s := d.Truncate(time.Second)
	if up && s < d {
		s += time.Second
	}
	return b.words.lang.Limit(s)
}

func (b *board) tenth(d time.Duration) string { return b.words.lang.Duration(d, reports.Nearest) }

func (b *board) head() []string {
	right := b.whole(b.now, false)
	left := ansi.Truncate(clean(b.title), max(10, b.width-ansi.StringWidth(right)-3), "…")
	gap := max(2, b.width-ansi.StringWidth(left)-ansi.StringWidth(right))
	return []string{bold.Styled(left) + strings.Repeat(" ", gap) + right}
}

// drawPhases flows the phases over as many lines as they take.
func (b *board) drawPhases() []string {
	var lines []string
	line := ""
	for _, p := range b.phases {
		cell := b.phaseCell(p)
		if line != "" && ansi.StringWidth(line)+3+ansi.StringWidth(cell) > b.width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += "   "
		}
		line += cell
	}
	return append(lines, line)
}

func (b *board) phaseCell(p phaseRow) string {
	name := b.words.cat.Named(b.words.lang, "phase", p.name)
	switch p.state {
	case phaseRunning:
		if all := len(b.plannedSteps()); all > 0 && p.name == b.steps.phase {
			name += " " + b.text("steps", "done", strconv.Itoa(b.steps.done), "all", strconv.Itoa(all))
		}
		return bold.Styled("▸ " + name + " " + b.whole(b.now-p.begun, false))
	case phaseDone:
		return green.Styled("✓") + " " + name + " " + faint.Styled(b.tenth(p.ended-p.begun))
	case phaseFailed:
		return red.Styled("✗ "+name) + " " + faint.Styled(b.tenth(p.ended-p.begun))
	case phaseSkipped:
		return faint.Styled("- " + name)
	}
	return faint.Styled("· " + name)
}

func (b *board) drawClocks() []string {
	all := b.countdowns()
	names := make([]string, len(all))
	limits := make([]string, len(all))
	for i, c := range all {
		names[i] = b.words.Text("objective."+c.name, nil)
		limits[i] = b.text("limit", "limit", c.limit.String())
	}
	names, limits = align(names), align(limits)
	var lines []string
	for i, c := range all {
		line := " " + names[i] + "   "
		if b.width >= 70 {
			line += faint.Styled(limits[i]) + "   "
		}
		lines = append(lines, line+b.clockState(c))
	}
	return lines
}

func (b *board) clockState(c countdown) string {
	style := green
	switch {
	case c.left < 0:
		style = red
	case c.left < c.limit/4:
		style = amber
	}
	over := ""
	if c.left < 0 {
		over = b.text("over", "time", b.whole(-c.left, true))
	}
	switch c.state {
	case countdownWaiting:
		return faint.Styled(b.text("not_begun"))
	case countdownNone:
		return faint.Styled(b.text("not_needed"))
	case countdownUnproved:
		return red.Styled(strings.TrimSpace(b.text("unproved") + "  " + over))
	case countdownReached:
		id := "started"
		if c.name == "restored" {
			id = "verified"
		}
		took, beyond := b.words.lang.Against(c.took, c.limit) // as the report will have them
		if beyond != "" {
			over = b.text("over", "time", beyond)
		}
		return style.Styled(strings.TrimSpace(b.text(id, "time", took) + "  " + over))
	}
	if over != "" {
		return style.Styled(over)
	}
	return style.Styled(b.text("left", "time", b.whole(c.left, false)))
}

// drawPulse shows the last seconds: low is good, tall is bad, half is both.
func (b *board) drawPulse() []string {
	p := b.pulse
	if b.scenario.Flow == nil {
		return nil
	}
	if !p.started {
		return []string{" " + b.text("pulse") + "   " + faint.Styled(b.text("pulse_waiting"))}
	}
	state := ""
	if p.state != "" {
		state = b.text("state_" + string(p.state))
		if p.state == record.PulseGreen || p.state == record.PulseRed {
			state += " " + b.text("since", "time", b.whole(b.now-p.since, false))
		}
	}
	switch p.state {
	case record.PulseGreen:
		state = green.Styled(state)
	case record.PulseRed, record.PulseBroken:
		state = red.Styled(state)
	}
	dropped := ""
	if p.totals.Dropped > 0 {
		dropped = strconv.Itoa(p.totals.Dropped)
	}
	counts := b.text("counts", "good", strconv.Itoa(p.totals.Good), "bad", strconv.Itoa(p.totals.Bad),
		"dropped", dropped)
	return []string{" " + b.text("pulse") + "   " + state + "   " + counts, " " + b.strip(b.width-2)}
}

func (b *board) strip(width int) string {
	p := b.pulse
	to := int64(b.now / time.Second)
	if p.final {
		to = p.last
	}
	from := max(int64(p.begun/time.Second), to-int64(width)+1)
	var s strings.Builder
	for sec := from; sec <= to; sec++ {
		switch c := p.cells[sec]; {
		case c.good > 0 && c.bad > 0:
			s.WriteString(amber.Styled("▄"))
		case c.bad > 0:
			s.WriteString(red.Styled("█"))
		case c.good > 0:
			s.WriteString(green.Styled("▁"))
		default:
			s.WriteString("·")
		}
	}
	return s.String()
}

// align fills names up to the width of the widest, Chinese included.
func align(names []string) []string {
	widest := 0
	for _, n := range names {
		widest = max(widest, ansi.StringWidth(n))
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n + strings.Repeat(" ", widest-ansi.StringWidth(n))
	}
	return out
}

// clean takes everything out of a text that a terminal would obey instead of
// print: much of what is shown was written by restored systems.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e',
			r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, ansi.Strip(s))
}

// printed is clean of every line of a text.
func printed(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}
