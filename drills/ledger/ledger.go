// Package ledger writes down what will be created or broken, and how to undo
// it, before it is done, so that anybody can undo it after a crash.
package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lifeboat/drills/record"
)

// Labels carried by everything that lifeboat creates on an engine.
const (
	LabelDrill    = "lifeboat.drill"
	LabelOwner    = "lifeboat.owner"
	LabelDeadline = "lifeboat.deadline" // RFC 3339, UTC: the hard maximum
	LabelInstance = "lifeboat.instance"
	LabelHome     = "lifeboat.home" // the drill's folder: where its ledger and journal are
)

// ErrGone is returned by an Undoer when the thing is not there (any more).
// Gone is clean, but it is not the same as undone.
var ErrGone = errors.New("not there")

// ErrInUse is returned by an Undoer whose thing is still used by a container. It is tried again once one is gone.
var ErrInUse = errors.New("in use")

// Undo says how something is put right, as data: another process can do it.
type Undo struct {
	Kind string          `json:"kind"` // e.g. docker.container
	Data json.RawMessage `json:"data"`
}

// Entry is one thing that will exist or be broken.
type Entry struct {
	ID   int    `json:"id"`
	What string `json:"what"` // container, network, volume, image, file, process, fault
	Name string `json:"name"` // how to find it again
	Undo Undo   `json:"undo"`
	// Subject is whom it concerns, and in which incident; with What "fault".
	Subject record.Subject `json:"subject,omitzero"`
	Fault   *Fault         `json:"fault,omitempty"`
	Fix     string         `json:"fix"`             // the command that does the same by hand
	State   State          `json:"state"`           // of the last line with this id
	Error   string         `json:"error,omitempty"` // of the last attempt to undo it
	// Since is when the undoing of its ledger began, or earlier where nothing was under way then: what was under way when its owner
	// died is that much older.
	Since time.Time `json:"-"`
}

// Fault says which one an entry undoes.
type Fault struct {
	Kind  string `json:"kind"`
	On    string `json:"on"`
	Index int    `json:"index"` // among those of its incident; 1 is the first
}

// Read decodes how an entry is undone, and refuses what was written for another drill: its data names one, as drill.
func (e Entry) Read(s Scope, how any) error {
	var of struct{ Drill string }
	if err := errors.Join(json.Unmarshal(e.Undo.Data, &of), json.Unmarshal(e.Undo.Data, how)); err != nil {
		return fmt.Errorf("read undo of %s: %w", e.Name, err)
	}
	if of.Drill != s.Drill || of.Drill == "" {
		return fmt.Errorf("undo %s: it belongs to drill %q, not %q: left alone", e.Name, of.Drill, s.Drill)
	}
	return nil
}

// State of an entry.
type State string

// The states: every entry begins as intended.
const (
	Intended State = "intended" // written; the thing may or may not exist
	Undone   State = "undone"
	Gone     State = "gone"
	Failed   State = "failed" // could not be undone yet
)

// Undoer undoes one entry. It is idempotent, returns ErrGone when there was
// nothing to undo, and returns nil only after looking again.
type Undoer func(ctx context.Context, scope Scope, e Entry) error

// Scope is what a ledger speaks for: one drill of one owner.
type Scope struct {
	Drill    string    `json:"drill"`
	Owner    Owner     `json:"owner"`
	Deadline time.Time `json:"deadline"`
	Home     string    `json:"home"` // the drill's own folder
}

// Labels are put on everything of this scope that can carry labels.
func (s Scope) Labels() map[string]string {
	return map[string]string{
		LabelDrill: s.Drill, LabelOwner: s.Owner.String(), LabelDeadline: s.Deadline.UTC().Format(time.RFC3339),
		LabelHome: s.Home,
	}
}

// UndoProcess is the kind of undo that needs no back-end; data: Process.
const UndoProcess = "process"

// Undoers undoes what this package can undo by itself: processes of this host.
func Undoers() map[string]Undoer { return map[string]Undoer{UndoProcess: undoProcess} }

// Process finds a process of this host again. Before it is started there is
// no pid: then Mark, which is put into its environment (and so into that of
// its children), finds it.
type Process struct {
	Owner *Owner `json:"owner,omitempty"`
	Mark  string `json:"mark,omitempty"` // NAME=value, as ProcessMark makes it
}

// markName is the environment variable that tells a drill's processes.
const markName = "LIFEBOAT_PROCESS="

// ProcessMark is the variable to put into the environment of a process of a
// drill, so that it is found before its pid was written down.
func ProcessMark(drill, name string) string { return markName + drill + "/" + name }

// grace is how long a process may take to end by itself.
const grace = 2 * time.Second

func undoProcess(ctx context.Context, scope Scope, e Entry) error {
	var p Process
	if err := json.Unmarshal(e.Undo.Data, &p); err != nil {
		return fmt.Errorf("read how to end process %s: %w", e.Name, err)
	}
	var found []Owner
	if p.Owner != nil {
		ours, err := p.Owner.here()
		if err != nil {
			return err
		}
		if ours {
			found = append(found, *p.Owner)
		}
	}
	if p.Mark != "" {
		if !strings.HasPrefix(p.Mark, markName+scope.Drill+"/") {
			return fmt.Errorf("end process %s: its mark is not of drill %s", e.Name, scope.Drill)
		}
		found = append(found, marked(p.Mark)...)
	}
	if len(found) == 0 {
		return ErrGone
	}
	var errs []error
	for _, o := range found {
		errs = append(errs, o.end(ctx))
	}
	if p.Mark != "" && len(marked(p.Mark)) > 0 {
		errs = append(errs, errors.New("it started another one meanwhile"))
	}
	return errors.Join(errs...)
}

// here tells whether the process runs on this host. A process of an earlier
// boot of this host is gone; of another host nothing can be said.
func (o Owner) here() (bool, error) {
	h, err := here()
	if err != nil {
		return false, err
	}
	switch {
	case o.Host != h.Host:
		return false, fmt.Errorf("end process %d: it runs on host %s", o.PID, o.Host)
	case o.BootID != h.BootID:
		return false, nil
	case o.PIDNamespace != h.PIDNamespace:
		return false, fmt.Errorf("end process %d: it runs in another pid namespace", o.PID)
	}
	return o.Alive() == Alive, nil
}

// end asks a process to end, insists after the grace period, and looks again.
func (o Owner) end(ctx context.Context) error {
	p, err := os.FindProcess(o.PID) // holds this very process, whatever its pid is used for later
	if err != nil {
		return fmt.Errorf("find process %d: %w", o.PID, err)
	}
	defer p.Release() //nolint:errcheck // it only frees a handle
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if o.Alive() != Alive {
			return nil
		}
		if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("end process %d: %w", o.PID, err)
		}
		for end := time.Now().Add(grace); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if o.Alive() != Alive {
				return nil
			}
		}
	}
	return fmt.Errorf("end process %d: it is still there", o.PID)
}

// marked lists the running processes that carry a mark, without this one.
func marked(mark string) []Owner {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Owner
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", d.Name(), "environ"))
		if err != nil { // it ended, or belongs to somebody else
			continue
		}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if string(v) != mark {
				continue
			}
			if o, err := Of(pid); err == nil {
				found = append(found, o)
			}
		}
	}
	return found
}
