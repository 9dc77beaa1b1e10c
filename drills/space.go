package drills

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// Space is what a file system has left that restored code, or lifeboat, can fill.
type Space struct {
	Path        string
	Free, Size  int64 // bytes
	Files, Most int64 // that can still be made, of how many; Most 0: without a limit
}

// spaceEvery is how often a drill looks. A disk of 2 GB/s writes half of the default floor in that time.
const spaceEvery = 250 * time.Millisecond

// The default of free_disk, whichever is less. Of files, the same share.
const (
	defaultFloor = 1 << 30
	floorShare   = 20 // one part of so many
	leastFiles   = 1000
)

// short says in what a file system has less left than the scenario keeps free; empty: in nothing.
func (s Space) short(keep scenarios.Size) string {
	floor := cmp.Or(int64(keep), min(defaultFloor, s.Size/floorShare))
	switch {
	case s.Free < floor:
		return fmt.Sprintf("the disk of %s has %d MiB left, less than the %d MiB that free_disk keeps", s.Path, s.Free>>20,
			(floor+1<<20-1)>>20)
	case s.Most > 0 && s.Files < min(leastFiles, s.Most/floorShare):
		return fmt.Sprintf("the disk of %s can hold %d more files, which is next to none", s.Path, s.Files)
	}
	return ""
}

// lookForSpace refuses a host that is short of it from the start.
func (p *Plan) lookForSpace(ctx context.Context, kit Kit) {
	if kit.Space == nil {
		return
	}
	all, err := kit.Space(ctx)
	if err != nil {
		p.Refusals = append(p.Refusals, fmt.Sprintf("look how much disk is left: %v", err))
	}
	for _, s := range all {
		if why := s.short(p.Scenario.FreeDisk); why != "" {
			p.Refusals = append(p.Refusals, why+"; "+hintSpace)
		}
	}
}

const hintSpace = "free some, set free_disk lower, or drill on a larger host"

// fullError ends a drill before the host is full.
type fullError struct{ why string }

func (e *fullError) Error() string {
	return e.why + ": the drill was ended before the host is full; look at what the restored system writes, " + hintSpace
}

// watchSpace ends the drill when the host runs full, until the returned function is called. What restored code writes
// has no other limit: most engines have none to give.
func (b *books) watchSpace(ctx context.Context, cancel context.CancelCauseFunc, look func(context.Context) ([]Space, error),
	keep scenarios.Size,
) (stop func()) {
	if look == nil {
		return func() {}
	}
	told := false
	return every(ctx, spaceEvery, func(ctx context.Context) {
		all, err := look(ctx)
		if err != nil && ctx.Err() == nil && !told {
			told = true
			b.log.Warn("look how much disk is left", "error", err)
		}
		for _, s := range all {
			if why := s.short(keep); why != "" {
				cancel(&fullError{why}) // which ends the watch as well
			}
		}
	})
}

// every does something beside the drill, with a pause before each time, until the context or stop ends it.
func every(ctx context.Context, pause time.Duration, do func(context.Context)) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for instance.Pause(ctx, pause) == nil {
			do(ctx)
		}
	}()
	return func() { end(); <-done }
}
