package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"lifeboat/drills/ledger"
)

// Site is where a store stands: what it gets beside its own keys.
type Site struct {
	Folder   string    // of the scenario: relative paths begin there
	Programs *Programs // starts what the store runs; nil: it may run nothing
}

// Path is the absolute path of one that a scenario names.
func (s Site) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Folder, name)
}

// Ledger is told of a program before it is started.
type Ledger interface {
	Intend(e ledger.Entry) (id int, err error)
}

// Programs starts the programs of a scenario's stores, and ends them with all that they started. Once a drill runs, each is
// in its ledger, so that the reaper ends what a killed harness left. Before, while a scenario is only planned, a program
// has nobody but its caller and its context. Safe for concurrent use.
type Programs struct {
	Rooms  Rooms // for programs that interpret what they read; nil: there are none
	mu     sync.Mutex
	scope  ledger.Scope
	ledger Ledger
	log    *slog.Logger
	count  int
}

// Enter says whose the programs are that are started from now on.
func (p *Programs) Enter(scope ledger.Scope, l Ledger, log *slog.Logger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scope, p.ledger, p.log = scope, l, log
}

// endWithin is how long the programs of one start may take to end.
const endWithin = 10 * time.Second

// Start starts a program that is ended when ctx ends, at the latest. Its environment is that of c and a mark by which it
// and its children are found; what c.Stdout and c.Stderr are is the caller's affair.
func (p *Programs) Start(ctx context.Context, c *exec.Cmd) (*Program, error) {
	p.mu.Lock()
	p.count++
	scope, to, log := p.scope, p.ledger, p.log
	if scope.Drill == "" { // nobody sweeps for it: this process is all that its mark has to tell
		scope.Drill = "plan-" + ledger.Self().String()
	}
	mark := ledger.ProcessMark(scope.Drill, fmt.Sprintf("store-%d", p.count))
	p.mu.Unlock()
	name := filepath.Base(c.Path)
	data, err := json.Marshal(ledger.Process{Mark: mark})
	if err != nil {
		return nil, err
	}
	e := ledger.Entry{What: "process", Name: name, Undo: ledger.Undo{Kind: ledger.UndoProcess, Data: data}, Fix: "lifeboat sweep"}
	if to != nil {
		if _, err := to.Intend(e); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	c.Env = append(c.Environ(), mark)
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if log != nil {
		log.Debug("a store started a program", "program", name, "pid", c.Process.Pid)
	}
	r := &Program{entry: e, scope: scope, wait: sync.OnceValue(c.Wait)}
	r.forget = context.AfterFunc(ctx, func() { _ = r.end() }) // Close says what is left
	return r, nil
}

// Program is one that a store started.
type Program struct {
	entry  ledger.Entry
	scope  ledger.Scope
	wait   func() error
	forget func() bool
}

// Wait waits until it has ended, and says how as exec.Cmd does. What it reads or writes through pipes must be done.
func (r *Program) Wait() error { return r.wait() }

// Close ends it with all that it started, and returns once they are gone. It may be called again.
func (r *Program) Close() error {
	r.forget()
	return r.end()
}

func (r *Program) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	err := ledger.Undoers()[ledger.UndoProcess](ctx, r.scope, r.entry)
	if errors.Is(err, ledger.ErrGone) {
		err = nil
	}
	if err == nil {
		_ = r.wait() // that it was ended is no error
	}
	return err
}
