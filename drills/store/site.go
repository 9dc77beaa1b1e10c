package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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

// Room is a place of its own for programs that interpret what a store holds: containers of an image of the engine, without any network,
// with one volume that goes when the room is closed, and nothing else to write to.
type Room interface {
	// Run runs a program to its end. *ExitError: it ended with another code than 0. Any other error: nobody knows how it ended.
	Run(ctx context.Context, t Tool) error
	// Pack gives a folder of the room's volume as a tar that keeps all that a tree has.
	Pack(ctx context.Context, folder string, to io.Writer) error
	// Close removes all of it.
	Close() error
}

// RoomRequest says what a room has.
type RoomRequest struct {
	Image string       // of the engine, in which the programs are
	Serve http.Handler // answers at RoomURL, from this process; nil: nobody does
	Mount string       // folder of this host, absolute, which stands at RoomMount and cannot be written to; "": none
}

// Where things are in a room.
const (
	RoomURL    = "http://127.0.0.1:8000/"
	RoomMount  = "/repository"
	RoomVolume = "/tree"
)

// Tool is one run of a program.
type Tool struct {
	Args           []string // the program first; never a secret
	Env            map[string]string
	Dir            string // in which it runs; "": the image's
	User           string // as whom, UID:GID, without any capability; "": root, who may read and give away files
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ExitError is the end of a program with another code than 0.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Rooms makes rooms for a scope, whose ledger is told before anything is made. A scope without a drill is nobody's: what a killed process
// leaves of it is found by its labels.
type Rooms func(ctx context.Context, scope ledger.Scope, to Ledger, log *slog.Logger, r RoomRequest) (Room, error)

// ErrNoRoom: what runs here has no container engine to run a tool on.
var ErrNoRoom = errors.New("there is no container engine for it here")

// Room makes one, of the drill that was entered if there is one.
func (p *Programs) Room(ctx context.Context, r RoomRequest) (Room, error) {
	if p == nil || p.Rooms == nil {
		return nil, ErrNoRoom
	}
	p.mu.Lock()
	scope, to, log := p.scope, p.ledger, p.log
	p.mu.Unlock()
	return p.Rooms(ctx, scope, to, log, r)
}
