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
	"sync/atomic"
	"syscall"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
)

// ReapRequest is the clean-up of a drill whose owner is gone.
type ReapRequest struct {
	Home  string
	Drill string
	Kit   Kit
	Why   string // what the reaper writes into the journal
	// Hidden is what must not be written down; nil: nobody knows it, as in a sweep.
	Hidden *Hidden
}

// Hidden is what a reaper must not write down. RunReaper learns it from the harness.
type Hidden struct{ known secrets.Known }

// Writer hides in what is written to another writer, write by write, what is known by then.
func (h *Hidden) Writer(to io.Writer) io.Writer { return hidingWriter{to, &h.known} }

type hidingWriter struct {
	to    io.Writer
	known *secrets.Known
}

// Write implements io.Writer.
func (w hidingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, w.known.Hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
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
	var hide func(string) string
	known := &secrets.Known{}
	if r.Hidden != nil {
		known = &r.Hidden.known
		hide = known.Hide
	}
	j, err := record.Reopen(filepath.Join(dir, journalName), record.ActorReaper)
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
		errs = append(errs, j.Append(kind, subject, known.HideEvent(data)))
	}
	add := func(kind record.Kind, data any) { write(kind, record.Subject{}, data) }
	if r.Why != "" {
		add(record.KindAborted, record.Aborted{Why: r.Why})
	}
	add(record.KindPhase, record.PhaseEvent{Phase: record.PhaseCleanup})
	done := CleanUp(ctx, CleanRequest{Scope: scope, Kit: r.Kit, Mark: l.Mark, Hide: hide,
		Report: write})
	add(record.KindPhase, done.phase())
	left := done.Left
	if done.Unproved != nil && len(left) == 0 { // somebody has to look again
		left = []record.CleanupEvent{{State: record.CleanupUnproved, Error: done.Unproved.Error(), Fix: "lifeboat sweep"}}
	}
	errs = append(errs, keepRecord(dir))
	if len(left) == 0 && errors.Join(errs...) == nil {
		errs = append(errs, markClean(dir))
	}
	errs = append(errs, j.Close(), l.Close())
	return left, errors.Join(errs...)
}

// keepRecord computes the record of a journal and keeps it beside it, unless one is sealed: what comes after the seal stands in the journal.
func keepRecord(dir string) error {
	if evidence.Logged(dir) {
		return nil
	}
	r, _, err := Judge(dir)
	if err != nil {
		return err
	}
	return writeRecord(dir, r)
}

// RunReaper is the life of a reaper process: it waits for word from its harness or
// for the deadline, and then cleans up unless it was released.
//
//	"alive\n"      a sign of life, every second
//	"hide [..]\n"  do not write these texts down; more is to come
//	"done\n"       all is clean: leave
//	"keep\n"       leave everything until the deadline, unless a sweep takes it before
//	end of file    the harness is dead: clean up now
func RunReaper(ctx context.Context, r ReapRequest, pipe io.Reader) ([]record.CleanupEvent, error) {
	dir := filepath.Join(r.Home, "drills", r.Drill)
	scope, err := ledger.LoadScope(dir)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", r.Drill, err)
	}
	if r.Hidden == nil {
		r.Hidden = &Hidden{}
	}
	h := harness{dir: dir, owner: scope.Owner, word: make(chan string, 1)}
	go func() { h.word <- h.listen(pipe, &r.Hidden.known) }()
	var said string
	late := false
	select {
	case said = <-h.word:
	case <-ctx.Done():
	case <-time.After(time.Until(scope.Deadline)):
		said, late = h.end(r), true
	}
	switch {
	case said == "done\n":
		return nil, nil
	case late:
		r.Why = "the deadline is over"
		return Reap(context.WithoutCancel(ctx), r)
	case said == "keep\n":
		if gone, err := stay(ctx, dir, scope.Deadline); err != nil || gone {
			return nil, err
		}
		r.Why = ""
	default:
		r.Why = "the harness died"
	}
	return reapUntil(ctx, r, dir, scope.Deadline)
}

// What a harness says to its reaper before its last word.
const (
	HideWord  = "hide " // begins a line, a JSON list of texts to hide
	AliveWord = "alive"
)

// harness is the process that a reaper watches.
type harness struct {
	dir   string
	owner ledger.Owner
	word  chan string  // its last
	sign  atomic.Int64 // number of its signs of life
}

// listen returns the harness's last word. An error of the pipe is the end of the harness, too.
func (h *harness) listen(pipe io.Reader, hidden *secrets.Known) string {
	for r := bufio.NewReader(pipe); ; {
		line, err := r.ReadString('\n')
		list, hides := strings.CutPrefix(line, HideWord)
		switch {
		case err != nil:
			return line
		case line == AliveWord+"\n":
			h.sign.Add(1)
			continue
		case !hides:
			return line
		}
		var texts []string
		if json.Unmarshal([]byte(list), &texts) == nil {
			for _, text := range texts {
				hidden.Add(text)
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
		if err := instance.Pause(ctx, min(lookAgain, time.Until(end))); err != nil {
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

// How long a harness past its deadline may take.
const (
	patience = 10 * time.Second // without a sign of life and without a line in the journal: it hangs
	mercy    = 5 * time.Minute  // with signs of life, to end what it does, to clean up and to seal
)

// end ends a harness past its deadline. One that still works is told why, cleans up by itself and has the last word;
// one that hangs is killed. One that has sealed its journal is left alone: it writes its reports.
func (h *harness) end(r ReapRequest) (said string) {
	told := Abort(r.Home, r.Drill, Message{Text: "the deadline is over", By: record.ActorReaper}) == nil
	began, since, size, sign := time.Now(), time.Now(), int64(-1), int64(-1)
	sealed := false
	for told && h.owner.Alive() == ledger.Alive && time.Since(since) < patience {
		info, err := os.Stat(filepath.Join(h.dir, journalName))
		grown := err == nil && info.Size() != size
		if grown {
			size, sealed = info.Size(), isSealed(h.dir)
		}
		if now := h.sign.Load(); grown || sealed || now != sign && time.Since(began) < mercy {
			since, sign = time.Now(), now
		}
		select {
		case said = <-h.word:
			return said
		case <-time.After(100 * time.Millisecond):
		}
	}
	if h.owner.Alive() == ledger.Alive && syscall.Kill(h.owner.PID, syscall.SIGKILL) == nil {
		for h.owner.Alive() == ledger.Alive {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return ""
}

// isSealed tells whether a journal has its end.
func isSealed(dir string) bool {
	r, _, err := Judge(dir)
	return err == nil && r.Status == record.RunCompleted
}
