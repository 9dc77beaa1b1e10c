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
)

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
