package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"lifeboat/drills"
	"lifeboat/reports"
	"lifeboat/scenarios"
)

// stage is a terminal on which a board is drawn anew until it ends. It stays below what was printed before, and its
// last frame remains.
type stage struct {
	program *tea.Program
	log     *redirect
	screen  *screen
	stop    chan struct{} // ends the pump
	over    chan struct{} // closed when the program has ended
	once    sync.Once
}

// stageOn takes the terminal. keys is nil where standard input is not one. A board is made for a width and a height;
// 0: nobody knows.
func (a *app) stageOn(out, keys *os.File, board func(width, height int) tea.Model) *stage {
	s := &stage{log: a.logs, screen: &a.screen, stop: make(chan struct{}), over: make(chan struct{})}
	options := []tea.ProgramOption{tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithInput(nil)}
	if keys != nil {
		options = append(options, tea.WithInput(keys))
	}
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 0, 0
	}
	s.program = tea.NewProgram(board(width, height), options...)
	s.screen.hold(restorer(out, keys))
	return s
}

// show draws until the end, and carries the log to a feed meanwhile. lost is told when the board has ended: with an
// error before its time (it crashed, the terminal is gone).
func (s *stage) show(stderr io.Writer, logged *feed, every time.Duration, draw func(), lost func(error)) {
	s.log.turn(logged)
	go func() {
		_, err := s.program.Run()
		if err == nil {
			s.screen.hold(nil) // bubbletea gave it back
		}
		s.screen.giveBack()
		s.log.turn(stderr)
		lost(err)
		close(s.over)
	}()
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				draw()
			case <-s.stop:
				draw()
				s.program.Send(endMsg{})
				return
			}
		}
	}()
}

// Close draws the last frame and gives the terminal back. A terminal that stands still is not waited for.
func (s *stage) Close() {
	s.once.Do(func() {
		close(s.stop)
		select {
		case <-s.over:
		case <-time.After(stuckAfter):
			s.screen.giveBack()
		}
	})
}

// liveView is the view of a drill in a terminal: a board that is drawn anew ten times a second.
type liveView struct {
	*stage
	feed  *feed
	plain *plainView // takes over when the board is lost
	asks  bool
}

// redraw is how often the board is drawn.
const redraw = 100 * time.Millisecond

func (a *app) startLive(p *drills.Plan, lang reports.Language, out, keys *os.File) *liveView {
	v := &liveView{feed: &feed{}, plain: a.lines(lang), asks: a.asks(p)}
	v.stage = a.stageOn(out, keys, func(width, height int) tea.Model {
		b := newBoard(words{cat: reports.Messages(), lang: lang}, p, interruptSelf)
		if width > 0 {
			b.width, b.height = width, height
		}
		return b
	})
	v.show(a.stderr, v.feed, redraw, v.send, func(err error) {
		if err != nil { // plain lines go on
			v.plain.say(v.plain.words.Text("live.lost", map[string]string{"error": err.Error()}))
		}
	})
	return v
}

// interruptSelf does what Ctrl-C does where the terminal is not raw.
func interruptSelf() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		os.Exit(exitInterrupted) // nothing else would hear of it
	}
}

// send passes on what has gathered; what the board cannot take any more goes out as lines.
func (v *liveView) send() {
	b, log := v.feed.take(time.Now())
	select {
	case <-v.over:
		for _, l := range log {
			v.plain.say(l)
		}
		for _, e := range b.events {
			v.plain.event(e)
		}
		return
	default:
	}
	if len(log) > 0 {
		v.program.Println(strings.Join(log, "\n"))
	}
	v.program.Send(b)
}

// Watch implements view.
func (v *liveView) Watch() drills.Watch {
	w := drills.Watch{Event: v.feed.event, Progress: v.feed.restored, Sample: v.feed.sample}
	if v.asks {
		w.Ask = v.question
	}
	return w
}

// question waits for the keys of the commander; lifeboat approve may be faster.
func (v *liveView) question(ctx context.Context, q drills.Question) (drills.Answer, error) {
	answer := make(chan drills.Answer, 1)
	asked := askMsg{&ask{q: q, answer: answer, by: who()}}
	v.program.Send(asked)
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		v.program.Send(askOverMsg(asked))
		return drills.Answer{}, context.Cause(ctx)
	}
}

// Close ends the board, then the lines.
func (v *liveView) Close() {
	v.stage.Close()
	v.plain.Close()
}

// restorer remembers how the terminal is now. What it returns brings it back to
// that and undoes what bubbletea may have asked of it, whatever state it is in.
func restorer(out, keys *os.File) func() {
	var before *term.State
	if keys != nil {
		state, err := term.GetState(int(keys.Fd()))
		if err == nil {
			before = state
		}
	}
	return func() {
		if before != nil {
			if err := term.Restore(int(keys.Fd()), before); err != nil {
				return // the terminal is gone
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.WriteString(out, sane)
		}()
		select {
		case <-done:
		case <-time.After(200 * time.Millisecond): // it stands still; leaving is more important
		}
	}
}

// sane: no synchronised output, grapheme widths or pasted brackets, plain keys, a cursor, default colours, below
// what is on the screen.
const sane = "\x1b[?2026l\x1b[?2027l\x1b[?2004l\x1b[>4m\x1b[=0;1u\x1b[?25h\x1b[m\x1b[999B\r\n"

// terminals are standard error and, where it is one too, standard input.
func (a *app) terminals() (out, keys *os.File, ok bool) {
	out, ok = terminal(a.stderr)
	if !ok || os.Getenv("TERM") == "dumb" {
		return nil, nil, false
	}
	keys, _ = terminal(a.stdin)
	return out, keys, true
}

func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}

// asks tells whether the commander can be asked here: somebody must see the question and have keys.
func (a *app) asks(p *drills.Plan) bool {
	_, keys, ok := a.terminals()
	return ok && keys != nil && !a.json && slices.ContainsFunc(p.Scenario.Incidents, asksPerson)
}

func asksPerson(i scenarios.Incident) bool { return i.Decide.By == "person" }
