package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"lifeboat/drills"
)

// sameAct is how close two signals are when they mean one wish: timeout(1) and
// many runners send theirs to the process and to its group. No hand is that fast.
const sameAct = 100 * time.Millisecond

// interruptible cancels with the cause *drills.AbortError on the first signal
// and leaves at once on the second: the reaper finishes then.
func (a *app) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 4)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup keeps its promise
			signal.Notify(signals, s)
		}
	}
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case s := <-signals:
				switch {
				case first.IsZero():
					first = time.Now()
					cancel(&drills.AbortError{Why: s.String()})
				case time.Since(first) > sameAct:
					time.AfterFunc(time.Second, func() { os.Exit(exitInterrupted) }) // whatever the terminal does
					a.screen.giveBack()
					os.Exit(exitInterrupted)
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel(nil) }
}

// outliveReaders keeps a drill alive when nobody reads its output any more
// (lifeboat drill … | head): the write fails instead, and the drill still cleans up and seals.
func outliveReaders() func() {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGPIPE)
	return func() { signal.Stop(ignored) }
}

// screen is the terminal while a live view holds it.
type screen struct {
	mu      sync.Mutex
	restore func()
}

func (s *screen) hold(restore func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restore = restore
}

// giveBack restores the terminal, once.
func (s *screen) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.restore != nil {
		s.restore()
		s.restore = nil
	}
}
