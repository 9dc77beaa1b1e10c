package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/ledger"
)

// supervisor sees to it that a drill has a reaper: it tells it every second that the harness is alive, and starts another
// when one dies.
type supervisor struct {
	start func(context.Context) (*reaperProcess, error)
	log   *slog.Logger
	end   context.CancelFunc
	over  chan struct{} // nobody watches any more

	mu     sync.Mutex
	reaper *reaperProcess // nil: there is none
	lost   time.Time      // since when, without one
	gaps   []time.Duration
	hidden []string
}

const (
	signEvery  = time.Second     // of life
	againAfter = time.Second     // a start that did not work
	longWrite  = 2 * time.Second // into the pipe of a reaper that does not read
)

// startReaper starts the first reaper: a drill does not begin without.
func (a *app) startReaper(ctx context.Context, s ledger.Scope) (drills.Reaper, error) {
	k := &supervisor{log: a.log(), over: make(chan struct{}),
		start: func(ctx context.Context) (*reaperProcess, error) { return a.newReaper(ctx, s) }}
	var err error
	if k.reaper, err = k.start(ctx); err != nil {
		return nil, err
	}
	watched, end := context.WithCancel(context.WithoutCancel(ctx))
	k.end = end
	go k.watch(watched)
	return k, nil
}

func (k *supervisor) watch(ctx context.Context) {
	defer close(k.over)
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	for ctx.Err() == nil { // then there is a reaper
		select {
		case <-ctx.Done():
		case <-k.current().ended:
			k.again(ctx)
		case <-tick.C:
			if err := k.write(drills.AliveWord + "\n"); err != nil {
				k.log.Debug("tell the reaper that this drill is alive", "error", err) // that it ended is seen above
			}
		}
	}
}

// again starts another reaper in the place of one that died, as often as it takes.
func (k *supervisor) again(ctx context.Context) {
	died := k.current()
	k.mu.Lock()
	k.reaper, k.lost = nil, time.Now()
	k.mu.Unlock()
	k.log.Warn("the reaper died: another one is started", "pid", died.pid, "error", died.err)
	if err := died.pipe.Close(); err != nil {
		k.log.Debug("close the pipe of a dead reaper", "error", err)
	}
	for ctx.Err() == nil {
		p, err := k.start(ctx)
		if err == nil {
			k.mu.Lock()
			k.reaper, k.gaps, k.lost = p, append(k.gaps, time.Since(k.lost)), time.Time{}
			hidden := k.hidden
			k.mu.Unlock()
			if err = k.Hide(hidden); err == nil {
				return
			}
		}
		k.log.Warn("start another reaper", "error", err)
		select {
		case <-time.After(againAfter):
		case <-ctx.Done():
		}
	}
}

func (k *supervisor) current() *reaperProcess {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reaper
}

// Hide implements drills.Reaper.
func (k *supervisor) Hide(secrets []string) error {
	list, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.hidden = secrets
	k.mu.Unlock()
	return k.write(fmt.Sprintf("%s%s\n", drills.HideWord, list))
}

// Gaps implements drills.Reaper.
func (k *supervisor) Gaps() []time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	gaps := append([]time.Duration(nil), k.gaps...)
	if !k.lost.IsZero() {
		gaps = append(gaps, time.Since(k.lost))
	}
	return gaps
}

// Release implements drills.Reaper. That the reaper is dead already takes nothing away from a
// drill that is clean: it is worth a line of the log, and no more.
func (k *supervisor) Release() error {
	p, err := k.say("done\n")
	if p != nil {
		select {
		case <-p.ended:
			err = errors.Join(err, p.err)
		case <-time.After(reaperEnds):
			err = fmt.Errorf("it still runs %s after it was released (pid %d)", reaperEnds, p.pid)
		}
	}
	if err != nil {
		k.log.Warn("release the reaper", "error", err)
	}
	return nil
}

// Keep implements drills.Reaper.
func (k *supervisor) Keep() error {
	_, err := k.say("keep\n")
	return err
}

var errNoReaper = errors.New("there is no reaper; lifeboat sweep does its work")

// say the last word: nobody is watched or started again after it.
func (k *supervisor) say(word string) (*reaperProcess, error) {
	k.end()
	<-k.over
	p := k.current()
	if p == nil {
		return nil, errNoReaper
	}
	err := k.write(word)
	return p, cmp.Or(err, p.pipe.Close())
}

func (k *supervisor) write(text string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reaper == nil {
		return errNoReaper
	}
	if err := k.reaper.pipe.SetWriteDeadline(time.Now().Add(longWrite)); err != nil {
		return err
	}
	_, err := io.WriteString(k.reaper.pipe, text)
	return err
}

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
