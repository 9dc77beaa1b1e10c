package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// nightView shows a night to a person while it runs. Safe for concurrent use.
type nightView interface {
	watch(p night.Planned) drills.Watch // of its check run, which begins now
	done(p night.Proof)
	Close()
}

// nightView picks a table that changes in place for a terminal, a line for each proof elsewhere, and nothing for whoever wants JSON.
func (v *verifying) nightView(n *night.Night, jobs []night.Job, parallel int) nightView {
	out, keys, ok := v.terminals()
	if !ok || v.json {
		return &nightLines{v, n}
	}
	return v.startNight(n, jobs, parallel, out, keys)
}

// nightLines prints a line for each proof.
type nightLines struct {
	v *verifying
	n *night.Night
}

func (l *nightLines) watch(night.Planned) drills.Watch { return drills.Watch{} }

func (l *nightLines) done(p night.Proof) {
	if !l.v.json {
		fmt.Fprintln(l.v.stdout, reports.NightLine(l.n, p, reports.Options{Language: l.v.lang}))
	}
}

func (l *nightLines) Close() {}

// liveNight is the view of a terminal: a table that is drawn anew until the night has ended, and whose place the night's report takes.
type liveNight struct {
	*stage
	mu     sync.Mutex
	board  *nightBoard
	lost   bool // the board is: lines go on
	lines  nightLines
	logged *feed
}

// nightRedraw is how often the table is drawn: nothing in it changes faster than people read.
const nightRedraw = 250 * time.Millisecond

func (v *verifying) startNight(n *night.Night, jobs []night.Job, parallel int, out, keys *os.File) *liveNight {
	w := words{cat: reports.Messages(), lang: v.lang}
	l := &liveNight{board: newNightBoard(w, n, jobs, night.Took(v.before), parallel), lines: nightLines{v, n}, logged: &feed{}}
	l.stage = v.stageOn(out, keys, func(width, height int) tea.Model {
		return &nightModel{live: l, width: cmp.Or(width, 80), height: cmp.Or(height, 24)}
	})
	l.show(v.stderr, l.logged, nightRedraw, l.draw, func(err error) {
		l.mu.Lock()
		l.lost = true
		l.mu.Unlock()
		if err != nil {
			fmt.Fprintln(v.stderr, w.Text("live.lost", map[string]string{"error": err.Error()}))
		}
	})
	return l
}

func (l *liveNight) draw() {
	if _, log := l.logged.take(time.Now()); len(log) > 0 {
		l.program.Println(strings.Join(log, "\n"))
	}
	l.program.Send(tickMsg{})
}

// watch implements nightView.
func (l *liveNight) watch(p night.Planned) drills.Watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	row := l.board.begin(p, time.Now())
	return drills.Watch{Event: func(e record.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		row.event(e)
	}}
}

// done implements nightView.
func (l *liveNight) done(p night.Proof) {
	l.mu.Lock()
	l.board.done(p, time.Now())
	lost := l.lost
	l.mu.Unlock()
	if lost {
		l.lines.done(p)
	}
}

// tickMsg has the table drawn anew.
type tickMsg struct{}

// nightModel shows the table in a terminal.
type nightModel struct {
	live          *liveNight
	width, height int
	ending, ended bool
}

// Init implements tea.Model.
func (m *nightModel) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *nightModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			m.ending = true
			return m, func() tea.Msg { interruptSelf(); return nil }
		}
	case endMsg:
		m.ended = true
		return m, tea.Quit
	}
	return m, nil
}

// View implements tea.Model.
func (m *nightModel) View() tea.View {
	if m.ended {
		return tea.NewView("") // the night's report takes its place
	}
	m.live.mu.Lock()
	defer m.live.mu.Unlock()
	return tea.NewView(m.live.board.render(m.width, m.height, time.Now(), m.ending))
}
