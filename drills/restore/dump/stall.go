package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/instance"
)

// Standstill ends a load that goes on no more. What hangs and an index that takes an hour look alike from here, so it
// says nothing about the backup.
type Standstill struct {
	program string
	limit   time.Duration
	running string // what the server runs; "": nothing, or it cannot be asked
}

func (e *Standstill) Error() string {
	what := "the server could not be asked what it does"
	if e.running != "" {
		what = fmt.Sprintf("the server ran %s", e.running)
	}
	return fmt.Sprintf("the load stands still: for %s %s took no byte of the backup and ended no statement, and %s "+
		"(a statement that never ends and one that takes long look alike: raise restore.stall if it takes long)",
		e.limit, e.program, what)
}

// Watched runs a command in the machine, and ends it once it stands still: no byte was taken, and the server runs the
// same statements with no progress that it knows of.
func (r *Runner) Watched(ctx context.Context, c instance.Command) (instance.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if c.Stdin != nil {
		c.Stdin = taking{c.Stdin, r}
	}
	go r.watch(ctx, c.Args[0], cancel)
	result, err := r.Machine.Exec(ctx, c)
	if still, ok := errors.AsType[*Standstill](context.Cause(ctx)); ok {
		r.Stop() // the backup may be what hangs
		r.Abandon(context.WithoutCancel(ctx))
		return result, still
	}
	return result, err
}

// taking counts what a program takes.
type taking struct {
	io.Reader
	by *Runner
}

func (t taking) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.by.taken.Add(int64(n))
	return n, err
}

func (r *Runner) watch(ctx context.Context, program string, end context.CancelCauseFunc) {
	const most = 10 * time.Second
	limit := r.Stall
	tick := time.NewTicker(min(limit/10, most))
	defer tick.Stop()
	var seen int64 = -1
	var did Activity
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if taken := r.taken.Load(); taken != seen {
			seen, since = taken, time.Now()
			continue
		}
		now, err := r.Activity(ctx)
		if err == nil && now.Mark != did.Mark {
			did, since = now, time.Now()
		}
		if time.Since(since) >= limit {
			end(&Standstill{program: program, limit: limit, running: did.Running})
			return
		}
	}
}

// Activity of the load's sessions: Mark changes with every statement, and with progress that the server knows of; Running
// is what it does, in words.
type Activity struct{ Mark, Running string }
