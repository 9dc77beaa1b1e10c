package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/drills/record"
	"lifeboat/reports"
)

func (b *board) drawBackups() []string {
	if len(b.backups) == 0 {
		return nil
	}
	names := make([]string, len(b.backups))
	for i, r := range b.backups {
		names[i] = clean(r.name)
	}
	lines := []string{faint.Styled(" " + b.text("backups"))}
	for i, name := range align(names) {
		lines = append(lines, "  "+name+"  "+b.backupState(b.backups[i]))
	}
	return lines
}

func (b *board) backupState(r backupRow) string {
	l := b.words.lang
	switch {
	case r.bad:
		return red.Styled("✗") + " " + l.Size(r.bytes)
	case r.done:
		return green.Styled("✓") + " " + l.Size(r.bytes) + rate(l, r.bytes, r.took)
	case !r.seen:
		return faint.Styled("· " + l.Size(r.total))
	}
	done := l.Size(r.bytes)
	if r.total > 0 {
		done = b.text("bytes", "bytes", strconv.FormatInt(r.bytes, 10), "total", strconv.FormatInt(r.total, 10))
	}
	return "▸ " + bar(r.bytes, r.total) + done + rate(l, r.bytes, r.last-r.begun)
}

const barWidth = 12

func bar(done, total int64) string {
	if total <= 0 {
		return ""
	}
	n := int(min(done, total) * barWidth / total)
	return strings.Repeat("█", n) + faint.Styled(strings.Repeat("░", barWidth-n)) + " "
}

func rate(l reports.Language, bytes int64, took time.Duration) string {
	if took < 100*time.Millisecond {
		return "" // too short to divide by
	}
	return "   " + faint.Styled(l.Rate(float64(bytes)/took.Seconds(), reports.Down))
}

func (b *board) drawInstances() []string {
	if len(b.instances) == 0 || b.ended {
		return nil
	}
	var cells []string
	for _, in := range b.instances {
		state := b.text("instance." + in.state)
		switch in.state {
		case "ready":
			state = green.Styled(state)
		case "booting":
			state = bold.Styled(state)
		case "stopped", "destroyed":
			state = amber.Styled(state)
		}
		cells = append(cells, clean(in.name)+" "+state)
	}
	return []string{faint.Styled(" "+b.text("instances")) + "   " + strings.Join(cells, "   ")}
}

// drawLog takes what room there is.
func (b *board) drawLog(room int) []string {
	n := min(room-2, len(b.log))
	if n < 1 {
		return nil
	}
	lines := []string{"", faint.Styled(" " + b.text("latest"))}
	for _, l := range b.log[len(b.log)-n:] {
		text := l.text
		if l.bad {
			text = red.Styled(text)
		}
		at := strconv.FormatFloat(l.at.Seconds(), 'f', 1, 64)
		lines = append(lines, faint.Styled(strings.Repeat(" ", max(0, 9-len(at)))+at+"s")+"  "+text)
	}
	return lines
}

// drawQuestion is the end of the board: what the keys do.
func (b *board) drawQuestion() []string {
	switch {
	case b.ended:
		return nil
	case b.asked == nil && b.ending:
		return []string{"", amber.Styled(" " + b.text("ending"))}
	case b.asked == nil:
		return []string{"", faint.Styled(" " + b.text("keys"))}
	}
	q := b.asked.q
	lines := []string{""}
	question := ansi.Wordwrap(clean(b.text("ask", "drill", q.Drill, "rule", q.Rule)), max(20, b.width-3), "")
	for i, line := range strings.Split(question, "\n") {
		mark := " ? "
		if i > 0 {
			mark = "   "
		}
		lines = append(lines, mark+bold.Styled(line))
	}
	for i, c := range q.Choices {
		line := "   " + strconv.Itoa(i+1) + "  " + b.words.Text("decision."+c, nil)
		if b.asked.chosen == i+1 {
			line = bold.Styled(" ▸" + line[2:])
		}
		lines = append(lines, line)
	}
	keys := b.text("ask_keys", "last", strconv.Itoa(len(q.Choices)))
	if n := b.asked.chosen; n > 0 {
		keys = b.text("ask_chosen", "decision", b.words.Text("decision."+q.Choices[n-1], nil))
	}
	return append(lines, "   "+keys)
}

// countdown is one objective on the board.
type countdown struct {
	name  string
	limit time.Duration
	left  time.Duration // below zero: over
	took  record.Span   // with countdownReached
	state countdownState
}

type countdownState int

const (
	countdownWaiting  countdownState = iota // no T0 yet
	countdownRunning                        //
	countdownReached                        // left stands still
	countdownUnproved                       // verification ended without every check passed
	countdownNone                           // no rollback was decided
)

// countdowns of the two objectives that a rollback is held to, by the record's own clocks: from the earliest moment in
// which the effect can have been, so that they never show more time than is left.
func (b *board) countdowns() []countdown {
	in := b.incident
	if in == nil {
		in = &record.Incident{}
	}
	over := b.judged() // nothing that has not come will come
	var all []countdown
	for _, o := range []struct {
		name string
		at   *record.Moment
	}{{"start_rollback", in.T3}, {"restored", in.T7}} {
		limit, ok := b.scenario.Objectives[o.name]
		if !ok || len(b.scenario.Incidents) == 0 {
			continue
		}
		d := countdown{name: o.name, limit: limit.Std(), left: limit.Std()}
		switch {
		case in.Decision != nil && !in.Decision.RollsBack():
			d.state = countdownNone
		case in.T0 == nil && over:
			d.state = countdownUnproved
		case in.T0 == nil:
		case o.at != nil:
			d.took = record.Between(*in.T0, *o.at)
			d.state, d.left = countdownReached, d.limit-d.took.Upper
		case over:
			d.state, d.left = countdownUnproved, d.limit-(b.now-in.T0.Early)
		default:
			d.state, d.left = countdownRunning, d.limit-(b.now-in.T0.Early)
		}
		all = append(all, d)
	}
	return all
}

// judged tells whether the clocks stand still: clean-up has begun, and the pulse, whose last word they wait for, has ended.
func (b *board) judged() bool {
	begun := slices.ContainsFunc(b.phases, func(p phaseRow) bool {
		return p.name == record.PhaseCleanup && p.state != phaseWaiting
	})
	return begun && (!b.pulse.started || b.pulse.final)
}
