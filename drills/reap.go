package drills

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// ReapRequest is the clean-up of a drill whose owner is gone.
type ReapRequest struct {
	Home  string
	Drill string
	Kit   Kit
	Why   string // what the reaper writes into the journal
	hide  *secrets
}

// Reap heals, destroys and proves in the place of a dead owner, appends what it
// did to the drill's own journal, and computes the record. It returns what is
// left. Where somebody did all of it already it changes nothing.
func Reap(ctx context.Context, r ReapRequest) ([]record.CleanupEvent, error) {
	dir, err := filepath.Abs(filepath.Join(r.Home, "drills", r.Drill))
	if err != nil {
		return nil, err
	}
	scope, err := ledger.LoadScope(dir)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", r.Drill, err)
	}
	if r.hide == nil {
		r.hide = &secrets{}
	}
	j, err := record.Reopen(filepath.Join(dir, "journal.ndjson"), record.ActorReaper)
	if err != nil {
		return nil, fmt.Errorf("reopen the journal of %s: %w", r.Drill, err)
	}
	if rest, err := unfinished(dir); err != nil || !rest { // the harness or another reaper was first
		return nil, errors.Join(err, j.Close(), keepRecord(dir))
	}
	l, err := ledger.Open(dir, scope)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reopen the ledger of %s: %w", r.Drill, err), j.Close())
	}
	var errs []error
	write := func(kind record.Kind, subject record.Subject, data any) {
		errs = append(errs, j.Append(kind, subject, r.hide.hideEvent(data)))
	}
	add := func(kind record.Kind, data any) { write(kind, record.Subject{}, data) }
	if r.Why != "" {
		add(record.KindAborted, record.Aborted{Why: r.Why})
	}
	add(record.KindPhase, record.PhaseEvent{Phase: record.PhaseCleanup})
	done := CleanUp(ctx, CleanRequest{Scope: scope, Kit: r.Kit, Mark: l.Mark, Hide: r.hide.hide,
		Report: write})
	add(record.KindPhase, done.phase())
	left := done.Left
	if done.Unproved != nil && len(left) == 0 { // somebody has to look again
		left = []record.CleanupEvent{{State: "unproved", Error: done.Unproved.Error(), Fix: "lifeboat sweep"}}
	}
	errs = append(errs, keepRecord(dir), j.Close(), l.Close())
	return left, errors.Join(errs...)
}

// keepRecord computes the record of a journal and keeps it beside it.
func keepRecord(dir string) error {
	r, _, err := Judge(dir)
	if err != nil {
		return err
	}
	return writeRecord(dir, r)
}

// unfinished tells whether a drill has something left to undo, or no end in its journal.
func unfinished(dir string) (bool, error) {
	open, err := openEntries(dir)
	if err != nil || len(open) > 0 {
		return true, err
	}
	r, _, err := Judge(dir)
	if err != nil { // nothing is left, and a damaged journal is for history to tell
		return false, nil
	}
	return r.Status == record.RunCrashed || r.Cleanup.T8 == nil || len(r.Cleanup.Failed) > 0, nil
}

// Hold is the life of a reaper process: it waits for word from its harness or
// for the deadline, and then cleans up unless it was released.
//
//	"hide [..]\n"  do not write these texts down; more is to come
//	"done\n"       all is clean: leave
//	"keep\n"       leave everything until the deadline, unless a sweep takes it before
//	end of file    the harness is dead: clean up now
func Hold(ctx context.Context, r ReapRequest, pipe io.Reader) ([]record.CleanupEvent, error) {
	dir := filepath.Join(r.Home, "drills", r.Drill)
	scope, err := ledger.LoadScope(dir)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", r.Drill, err)
	}
	r.hide = &secrets{}
	word := make(chan string, 1)
	go func() { word <- listen(pipe, r.hide) }()
	var said string
	select {
	case said = <-word:
	case <-ctx.Done():
	case <-time.After(time.Until(scope.Deadline)):
		r.Why = "the deadline is over"
		end(r, scope.Owner)
		return Reap(context.WithoutCancel(ctx), r)
	}
	switch said {
	case "done\n":
		return nil, nil
	case "keep\n":
		if gone, err := stay(ctx, dir, scope.Deadline); err != nil || gone {
			return nil, err
		}
		r.Why = ""
	default:
		r.Why = "the harness died"
	}
	return reapUntil(ctx, r, dir, scope.Deadline)
}

// HideWord begins the line that tells a reaper what to hide, a JSON list of texts.
const HideWord = "hide "

// listen returns the harness's last word. An error of the pipe is the end of the harness, too.
func listen(pipe io.Reader, hidden *secrets) string {
	for r := bufio.NewReader(pipe); ; {
		line, err := r.ReadString('\n')
		list, hides := strings.CutPrefix(line, HideWord)
		if err != nil || !hides {
			return line
		}
		var texts []string
		if json.Unmarshal([]byte(list), &texts) == nil {
			for _, text := range texts {
				hidden.add(text)
			}
		}
	}
}

// reapUntil cleans up and, while something is in the way (the engine restarts,
// say), tries again until the deadline: there is nobody else who would.
func reapUntil(ctx context.Context, r ReapRequest, dir string, deadline time.Time) ([]record.CleanupEvent, error) {
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		left, err := Reap(context.WithoutCancel(ctx), r)
		if len(left) == 0 || time.Now().Add(pause).After(deadline) {
			return left, err
		}
		r.Why = "" // it is written down
		if gone, err := stay(ctx, dir, time.Now().Add(pause)); err != nil || gone {
			return nil, err
		}
	}
}

// How long a reaper waits before it tries again.
const (
	firstRetry   = 5 * time.Second
	longestRetry = time.Minute
)

// stay waits until a time, or until somebody else has removed everything.
func stay(ctx context.Context, dir string, end time.Time) (gone bool, err error) {
	for time.Now().Before(end) {
		if err := after(ctx, min(lookAgain, time.Until(end))); err != nil {
			return false, err
		}
		if rest, err := unfinished(dir); err != nil || !rest {
			return true, err
		}
	}
	return false, nil
}

// lookAgain is how often a reaper looks whether a kept drill was swept.
const lookAgain = 2 * time.Second

// patience is how long a harness past its deadline may write nothing before it counts as hanging.
const patience = 10 * time.Second

// end ends a harness past its deadline. One that still works is told why and
// cleans up by itself; one that hangs is killed.
func end(r ReapRequest, o ledger.Owner) {
	dir := filepath.Join(r.Home, "drills", r.Drill)
	told := Abort(r.Home, r.Drill, Message{Text: r.Why, By: record.ActorReaper}) == nil
	size, since := int64(-1), time.Now()
	for told && o.Alive() == ledger.Alive && time.Since(since) < patience {
		if info, err := os.Stat(filepath.Join(dir, "journal.ndjson")); err == nil && info.Size() != size {
			size, since = info.Size(), time.Now()
		}
		time.Sleep(100 * time.Millisecond)
	}
	if o.Alive() == ledger.Alive && syscall.Kill(o.PID, syscall.SIGKILL) == nil {
		for o.Alive() == ledger.Alive {
			time.Sleep(100 * time.Millisecond)
		}
	}
}
