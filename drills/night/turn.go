package night

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Turn is the place of one check run among those of a night. All but Wait may be called from anywhere, and more than once.
type Turn struct {
	of     *turns
	has    bool // it may restore
	timed  bool // nothing is timed any more of what it does
	asked  bool // it cleans up
	waited time.Duration
}

// turns are those of a night's check runs that have begun.
type turns struct {
	mu       sync.Mutex
	changed  *sync.Cond
	parallel int
	room     Room
	taken    Room
	there    int // all of them
	asking   int // without those that clean up
	untimed  int // of these, those of which nothing is timed any more
	restores int // of these, those whose turn it is
	line     []*Turn
}

func newTurns(parallel int, room Room) *turns {
	t := &turns{parallel: parallel, room: room}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// fits tells whether one more may begin; mu is held. One alone always may.
func (t *turns) fits(needs Room) bool {
	return t.there == 0 || t.asking < t.parallel+t.untimed && t.there < 2*t.parallel && t.room.fits(t.taken, needs)
}

// begin takes one in; mu is held.
func (t *turns) begin(needs Room) *Turn {
	t.there, t.asking = t.there+1, t.asking+1
	t.taken.Memory, t.taken.Disk = t.taken.Memory+needs.Memory, t.taken.Disk+needs.Disk
	return &Turn{of: t}
}

// end takes out one that has ended; mu is held.
func (t *turns) end(needs Room) {
	t.there--
	t.taken.Memory, t.taken.Disk = t.taken.Memory-needs.Memory, t.taken.Disk-needs.Disk
	t.changed.Broadcast()
}

// Wait waits until no more than may run beside it still ask: what it restores from then on, and boots, may be timed. It fails with
// the cause of ctx.
func (t *Turn) Wait(ctx context.Context) error {
	of := t.of
	stop := context.AfterFunc(ctx, of.wake)
	defer stop()
	from := time.Now()
	of.mu.Lock()
	defer of.mu.Unlock()
	of.line = append(of.line, t)
	defer func() {
		of.line = slices.DeleteFunc(of.line, func(x *Turn) bool { return x == t })
		of.changed.Broadcast()
	}()
	for of.restores >= of.parallel || of.line[0] != t {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		of.changed.Wait()
	}
	t.has, t.waited = true, time.Since(from)
	of.restores++
	return nil
}

// Timed says that nothing is timed of what it does from now on, so that another may get ready beside it, up to its own turn.
func (t *Turn) Timed() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.timed || t.asked {
		return
	}
	t.timed = true
	t.of.untimed++
	t.of.changed.Broadcast()
}

// Asked says that all was asked and what is left is to clean up: it is another's turn.
func (t *Turn) Asked() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.asked {
		return
	}
	t.asked = true
	t.of.asking--
	if t.timed {
		t.of.untimed--
	}
	if t.has {
		t.of.restores--
	}
	t.of.changed.Broadcast()
}

func (t *turns) wake() { t.mu.Lock(); t.changed.Broadcast(); t.mu.Unlock() }
