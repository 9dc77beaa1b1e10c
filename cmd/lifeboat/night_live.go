package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

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
	mu      sync.Mutex
	board   *nightBoard
	lost    bool // the board is: lines go on
	lines   nightLines
	log     *redirect
	logged  *feed
	screen  *screen
	program *tea.Program
	stop    chan struct{} // ends the pump
	over    chan struct{} // closed when the program has ended
	once    sync.Once
}

// nightRedraw is how often the table is drawn: nothing in it changes faster than people read.
const nightRedraw = 250 * time.Millisecond

func (v *verifying) startNight(n *night.Night, jobs []night.Job, parallel int, out, keys *os.File) *liveNight {
	w := words{cat: reports.Messages(), lang: v.lang}
	l := &liveNight{board: newNightBoard(w, n, jobs, night.Took(v.before), parallel), lines: nightLines{v, n}, log: v.logs, logged: &feed{},
		screen: &v.screen, stop: make(chan struct{}), over: make(chan struct{})}
	options := []tea.ProgramOption{tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithInput(nil)}
	if keys != nil {
		options = append(options, tea.WithInput(keys))
	}
	m := &nightModel{live: l, width: 80, height: 24}
	if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 && height > 0 {
		m.width, m.height = width, height
	}
	l.program = tea.NewProgram(m, options...)
	l.screen.hold(restorer(out, keys))
	l.log.turn(l.logged)
	go l.run(v)
	go l.pump()
	return l
}

// run draws until the end. When the table is lost before that, lines go on.
func (l *liveNight) run(v *verifying) {
	_, err := l.program.Run()
	if err == nil {
		l.screen.hold(nil) // bubbletea gave it back
	}
	l.screen.giveBack()
	l.log.turn(v.stderr)
	l.mu.Lock()
	l.lost = true
	l.mu.Unlock()
	if err != nil {
		fmt.Fprintln(v.stderr, l.board.words.Text("live.lost", map[string]string{"error": err.Error()}))
	}
	close(l.over)
}

// pump has the table drawn, and carries the log above it.
func (l *liveNight) pump() {
	tick := time.NewTicker(nightRedraw)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.draw()
		case <-l.over:
			return
		case <-l.stop:
			l.draw()
			l.program.Send(endMsg{})
			return
		}
	}
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

// Close takes the table away and gives the terminal back. A terminal that stands still is not waited for.
func (l *liveNight) Close() {
	l.once.Do(func() {
		close(l.stop)
		select {
		case <-l.over:
		case <-time.After(stuckAfter):
			l.screen.giveBack()
		}
	})
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
