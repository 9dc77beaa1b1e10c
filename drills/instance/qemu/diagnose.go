package qemu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

var _ instance.Diagnoser = (*Machine)(nil)

// Where a diagnosis comes from, beside the names of the control channels.
const (
	sourceConsole    = "console"
	sourceScreen     = "screen"
	sourceHypervisor = "hypervisor"
	sourceNetwork    = "network"
)

const (
	diagnoseLimit = 15 * time.Second // of all of it
	hostLimit     = 5 * time.Second  // of what needs no answer of the guest
	// A guest that still boots does not answer; whoever waits for it wants to read its console again soon.
	channelEarly = 6 * time.Second
	channelLate  = 10 * time.Second
	// bannerLimit: sshd takes 1 s for its greeting under emulation, and several times that on a busy host.
	bannerLimit   = 8 * time.Second
	evidenceLines = 30
	wordsMost     = 400 // bytes of the words of a diagnosis
	mentioned     = 3   // findings that the words tell
)

// Diagnose implements instance.Diagnoser: the console, what the hypervisor knows, the screen where the console is
// silent, the guest's own words where a channel answers, and whether its SSH server is reached. It takes up to 15 s.
func (m *Machine) Diagnose(ctx context.Context) (instance.Diagnosis, error) {
	limited, cancel := context.WithTimeout(ctx, diagnoseLimit)
	defer cancel()
	raw, err := within(limited, hostLimit, m.sinceStart)
	if err != nil {
		return instance.Diagnosis{}, fmt.Errorf("diagnose %s: %w", m.Name(), err)
	}
	state, err := m.State(limited)
	if err != nil {
		return instance.Diagnosis{}, fmt.Errorf("diagnose %s: %w", m.Name(), err)
	}
	console := readConsole(raw)
	d := instance.Diagnosis{Diagnosis: record.Diagnosis{Source: sourceConsole}}
	found := append(console.findings, stopped(state)...)
	if state.Running {
		// Without a picture the words are still true.
		d.Screen, _ = within(limited, hostLimit, m.screenshot)
		found = m.look(limited, &console, found)
	}
	if ctx.Err() != nil {
		return instance.Diagnosis{}, fmt.Errorf("diagnose %s: %w", m.Name(), context.Cause(ctx))
	}
	d.Lines = console.lines[max(0, len(console.lines)-evidenceLines):]
	conclude(&d, found)
	return d, nil
}

// look adds what a running machine shows beside its console, from the outside to the inside.
func (m *Machine) look(ctx context.Context, console *consoleText, found []finding) []finding {
	if !console.login && len(found) == 0 {
		found = m.screenToo(ctx, console)
	}
	m.nothingBoots(ctx, found)
	m.unlocked(found)
	m.rootless(found)
	for _, f := range m.hypervisorFindings(ctx) {
		if !slices.ContainsFunc(found, func(known finding) bool { return known.class == f.class && !f.held }) {
			found = append(found, f) // the console tells more of a panic, also that it ends by itself
		}
	}
	if slices.ContainsFunc(found, finding.silences) {
		return found
	}
	return m.ask(ctx, *console, found)
}

// silences: nobody in the guest answers, so nobody is asked.
func (f finding) silences() bool { return f.fatal || f.held }

// conclude names the diagnosis by the gravest finding and mentions the next ones.
func conclude(d *instance.Diagnosis, found []finding) {
	rank := func(f finding) int {
		if f.fatal {
			return -1
		}
		return slices.Index(ranks, f.class)
	}
	slices.SortStableFunc(found, func(a, b finding) int { return rank(a) - rank(b) })
	var words []string
	for _, f := range found[:min(mentioned, len(found))] {
		words = append(words, f.words)
	}
	if len(found) == 0 {
		d.Class = instance.ClassNone
		return
	}
	d.Class, d.Source, d.Fatal, d.Lack = found[0].class, found[0].source, found[0].fatal, found[0].lack
	d.Words = strings.Join(words, "; also ")
	if len(d.Words) > wordsMost {
		d.Words = strings.ToValidUTF8(d.Words[:wordsMost], "") + "…"
	}
}

// sinceStart is the console since lifeboat last started the machine; nothing where QEMU never came so far.
func (m *Machine) sinceStart(ctx context.Context) (string, error) {
	text, err := m.sinceBoot(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return text[max(0, len(text)-consoleLimit):], err
}

// screenToo reads the text screen where the console is silent after the boot loader: not every guest prints there. What
// stands on the screen alone becomes evidence, too. Where the console goes on, a question may stand on the screen alone.
func (m *Machine) screenToo(ctx context.Context, console *consoleText) []finding {
	text, err := within(ctx, hostLimit, m.screenText)
	if err != nil {
		return nil // the console is what there is
	}
	screen := readConsole(text)
	for i := range screen.findings {
		screen.findings[i].source = sourceScreen
	}
	if console.kernel {
		return slices.DeleteFunc(screen.findings, func(f finding) bool { return f.class != classPassphrase })
	}
	alone := slices.DeleteFunc(screen.lines, func(line string) bool { return slices.Contains(console.lines, line) })
	console.lines = append(alone, console.lines...)
	console.login = console.login || screen.login
	return screen.findings
}

// stopped is why a machine does not run.
func stopped(s instance.State) []finding {
	switch {
	case s.Running || s.Reason == "not started":
		return nil
	case s.Exit == 0:
		return []finding{{class: classOff, words: "powered off: " + s.Reason, source: sourceHypervisor, fatal: true}}
	}
	words := "hypervisor ended: QEMU " + s.Reason
	return []finding{{class: classEnded, words: words, source: sourceHypervisor, fatal: true}}
}

// hypervisorFindings tells what QEMU knows of its guest.
func (m *Machine) hypervisorFindings(ctx context.Context) []finding {
	type status struct {
		Status   string `json:"status"`
		panicked bool
	}
	s, err := within(ctx, hostLimit, func(ctx context.Context) (s status, err error) {
		q, err := m.qmp(ctx)
		if err == nil {
			s.panicked = q.panicked.Load()
			err = q.do(ctx, "query-status", nil, &s)
		}
		return s, err
	})
	switch {
	case err != nil:
		return nil // its monitor is silent; whether it runs was asked above
	case s.panicked || s.Status == "guest-panicked":
		return []finding{{class: classPanic, words: "kernel panic: the guest said so to its hypervisor (pvpanic)",
			source: sourceHypervisor, fatal: true}}
	case s.Status == "io-error":
		return []finding{{class: classIOError, words: "io error: QEMU holds the machine, for its disk failed",
			source: sourceHypervisor, held: true}}
	case s.Status == "paused":
		return []finding{{class: classPaused, words: "paused: the hypervisor holds the machine", source: sourceHypervisor,
			held: true}}
	}
	return nil
}

// ask adds what the guest says, and whether it is reached, to what the console says. Where the guest answers, what was
// passing on the console does not count: a unit that failed and runs now, a stall that is over.
func (m *Machine) ask(ctx context.Context, console consoleText, found []finding) []finding {
	limit := channelEarly
	if console.login {
		limit = channelLate
	}
	if f, silent := m.silentOnTheWire(ctx, console.login); silent {
		found = append(found, f)
		if f.fatal {
			return found
		}
	}
	if sealed := m.encrypted(); sealed != "" && !console.login {
		found = append(found, finding{class: classPassphrase, source: sourceHypervisor, lack: record.LackPassphrase,
			words: "passphrase: " + sealed + ", and nothing shows that it was opened"})
	}
	view, err := within(ctx, diagnoseLimit, func(ctx context.Context) (insideView, error) { return m.inside(ctx, limit) })
	if err != nil {
		if !console.login || !slices.Contains(m.vm.Control, controlSSH) {
			return found
		}
		view.settled, view.sshd = true, true // the scenario says that there is one
	} else {
		found = slices.DeleteFunc(found, func(f finding) bool { return f.class == classUnit || f.class == classHung })
	}
	found = append(found, view.findings...)
	if f, silent := view.silent(m.given()); silent {
		return append(found, f)
	}
	if end, _ := ctx.Deadline(); !view.settled || !view.sshd || time.Until(end) < bannerLimit {
		return found // where there is no time to wait long enough, nothing is said
	}
	if _, err := within(ctx, bannerLimit, m.banner); err != nil {
		found = append(found, finding{class: classUnreachable, source: sourceNetwork,
			words: "network unreachable: the greeting of the guest's SSH server does not come: " + err.Error()})
	}
	return found
}

// banner is the greeting of the guest's SSH server. That a connection stands proves nothing: QEMU accepts for it.
func (m *Machine) banner(ctx context.Context) (string, error) {
	c, err := m.hypervisor.Dial(ctx, sshForward)
	if err != nil {
		return "", err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	const longest = 255 // RFC 4253, section 4.2
	greeting, err := bufio.NewReader(io.LimitReader(c, longest)).ReadString('\n')
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return greeting, err
}

// within stops waiting for f when the limit is over, also for an f that does not obey it: what is asked may hang, and
// a diagnosis must not.
func within[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		defer cancel()
		v, err := f(ctx)
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		select {
		case a := <-done: // it ended in the same moment, and so ended the context
			return a.value, a.err
		default:
		}
		var none T
		return none, context.Cause(ctx)
	}
}
