package business

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/verifier"
)

// leg is one process of k6.
type leg struct {
	process  instance.Process
	commands *commands
	writer   *io.PipeWriter
	stderr   *tail
	scanned  chan error
	began    time.Duration // on the drill's clock
}

func (p *pulse) run(ctx context.Context, c instance.Companion, program instance.Program) (*leg, error) {
	pr, pw := io.Pipe()
	l := &leg{commands: newCommands(), writer: pw, stderr: &tail{}, scanned: make(chan error, 1),
		began: time.Since(p.clock.base)}
	program.Stdin, program.Stdout, program.Stderr = l.commands, pw, l.stderr
	go func() { l.scanned <- p.read(pr) }()
	process, err := c.Run(ctx, program)
	if err != nil {
		l.commands.close()
		return nil, errors.Join(fmt.Errorf("run k6: %w", err), pw.Close())
	}
	l.process = process
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = l
	if p.resting {
		l.commands.say("rest")
	}
	return l, nil
}

// read takes what k6 says until that ends.
func (p *pulse) read(r *io.PipeReader) error {
	err := errors.Join(scan(io.TeeReader(r, p.kept), p.add), p.kept.flush())
	r.CloseWithError(err) // a reader that gave up must not block k6
	return err
}

// follow waits for k6 to end, and begins anew where it is the script that ended it. down: what it asks may have been down
// when k6 began.
func (p *pulse) follow(ctx context.Context, l *leg, down bool) {
	defer close(p.broken)
	for ; ; down = true {
		exit, err := l.process.Wait(ctx)
		l.commands.close()
		l.writer.Close() // never fails
		scanned := <-l.scanned
		p.mu.Lock()
		stopped := p.stopped
		p.mu.Unlock()
		switch {
		case err != nil || stopped:
			p.err = errors.Join(err, scanned)
			return
		case scanned != nil && exit != scriptFailed:
			p.err = errors.Join(fmt.Errorf("k6 ended by itself with exit code %d: %s", exit, l.stderr), scanned)
			return
		case exit == scriptAborted: // the iteration that did so has told what is wrong
		case exit == scriptFailed && down: // its setup()
			at := time.Since(p.clock.base)
			p.sample(verifier.Sample{Start: l.began, End: at, Error: "setup: " + cmp.Or(p.said.Error, l.stderr.String())})
		default:
			p.err = fmt.Errorf("k6 ended by itself with exit code %d: %s", exit, l.stderr)
			return
		}
		// A script that aborts whatever it meets does not make a process in every moment.
		time.Sleep(min(restartPause, p.patience))
		if p.wasStopped() {
			return
		}
		next, err := p.launch(ctx)
		if err != nil {
			p.err = fmt.Errorf("begin the pulse anew: %w", err)
			return
		}
		if l = next; p.wasStopped() { // meanwhile
			p.err = l.process.Stop(ctx, stopGrace)
		}
	}
}

func (p *pulse) wasStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// restartPause lies well below what is silence.
const restartPause = time.Second

// k6's exit codes of a script that called exec.test.abort(), and of one whose setup() threw.
const (
	scriptAborted = 108
	scriptFailed  = 107
)

// ranChecks remembers which checks ran in the iterations that have not ended yet: k6 writes a check before its
// iteration, and iterations of several virtual users overlap.
type ranChecks struct{ of map[iteration]ran }

// ran are the names of an iteration's checks, each once.
type ran struct{ failed, passed []string }

type iteration struct {
	vu   uint64
	iter int64
}

const (
	mostNames = 8    // that failed in an iteration
	mostKnown = 256  // that passed in one; of more nothing is told
	mostOpen  = 4096 // iterations; those that a run cuts off never end
)

func (f *ranChecks) add(l line) {
	key := iteration{l.VU, l.Iter}
	r := f.of[key]
	names, most := &r.failed, mostNames
	if l.OK {
		names, most = &r.passed, mostKnown+1
	}
	if slices.Contains(*names, l.Name) || len(*names) >= most {
		return
	}
	if f.of == nil || len(f.of) >= mostOpen {
		f.of = map[iteration]ran{}
	}
	*names = append(*names, l.Name)
	f.of[key] = r
}

// take returns the names of an iteration that has ended, and forgets them.
func (f *ranChecks) take(l line) ran {
	key := iteration{l.VU, l.Iter}
	r := f.of[key]
	delete(f.of, key)
	if len(r.passed) > mostKnown {
		r.passed = nil
	}
	return r
}

// mostOfError is what is told of an exception, bytes; the stream in raw/ holds the whole.
const mostOfError = 300

// plainError is an exception without what only the script's author reads: its stack, its class, the promise it was in.
func plainError(s string) string {
	s, _, _ = strings.Cut(s, "\n\tat ")
	s, _, _ = strings.Cut(s, "\nat ")
	for _, prefix := range []string{"Uncaught (in promise) ", "GoError: ", "Error: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > mostOfError {
		s = strings.ToValidUTF8(s[:mostOfError], "") + " …"
	}
	return s
}
