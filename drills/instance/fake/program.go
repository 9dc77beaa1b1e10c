package fake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// errNoProgram is a world in which nothing was arranged to be run.
var errNoProgram = errors.New("the world has no program")

// Run implements instance.Companion.
func (d *Driver) Run(ctx context.Context, p instance.Program) (instance.Process, error) {
	if d.world.Program == nil {
		return nil, fmt.Errorf("run %s: %w", p.Name, errNoProgram)
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	proc := &process{done: make(chan struct{}), cancel: cancel}
	d.mu.Lock()
	d.programs[p.Name] = true
	d.mu.Unlock()
	go func() {
		defer close(proc.done)
		defer cancel()
		proc.exit, proc.err = d.world.Program(inner, p)
		d.mu.Lock()
		delete(d.programs, p.Name)
		d.mu.Unlock()
	}()
	return proc, nil
}

type process struct {
	done   chan struct{}
	cancel context.CancelFunc
	exit   int
	err    error
}

// Wait implements instance.Process.
func (p *process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.exit, p.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Stop implements instance.Process: it ends the program's context and waits for it, at most for the grace period.
func (p *process) Stop(ctx context.Context, grace time.Duration) error {
	p.cancel()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Undoers undoes what this driver wrote to the ledger.
func (d *Driver) Undoers() map[string]ledger.Undoer {
	find := func(handle string) (*Machine, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if m := d.handles[handle]; m != nil {
			return m, nil
		}
		return nil, fmt.Errorf("machine %s: %w", handle, ledger.ErrGone)
	}
	return map[string]ledger.Undoer{
		undoMachine: func(ctx context.Context, _ ledger.Scope, e ledger.Entry) error {
			var handle string
			if err := json.Unmarshal(e.Undo.Data, &handle); err != nil {
				return fmt.Errorf("read undo of %s: %w", e.Name, err)
			}
			m, err := find(handle)
			if err != nil {
				return err
			}
			return m.Destroy(ctx)
		},
		undoExec: func(ctx context.Context, _ ledger.Scope, e ledger.Entry) error {
			var u instance.UndoExec
			if err := json.Unmarshal(e.Undo.Data, &u); err != nil {
				return fmt.Errorf("read undo of %s: %w", e.Name, err)
			}
			m, err := find(u.Handle)
			if err != nil {
				return err
			}
			if s, _ := m.State(ctx); !s.Running {
				return fmt.Errorf("machine %s is not running: %w", u.Handle, ledger.ErrGone)
			}
			r, err := m.Exec(ctx, u.Command)
			if err == nil && r.Exit != 0 {
				err = fmt.Errorf("exit code %d: %s", r.Exit, r.Stderr)
			}
			return err
		},
	}
}

// conn is one end of a connection: a pipe for each direction, so that one may end before the other.
type conn struct {
	net.Conn          // read by this end
	out      net.Conn // written by it

	mu     sync.Mutex
	broken error // why the way between the ends is gone
}

func connected() (near, far *conn) {
	a, b := net.Pipe()
	c, d := net.Pipe()
	return &conn{Conn: a, out: d}, &conn{Conn: c, out: b}
}

// snap ends a connection as a way does that breaks: nobody said a last word.
func (c *conn) snap(what string) {
	c.mu.Lock()
	c.broken = &instance.UnaskedError{What: what, Err: io.ErrUnexpectedEOF}
	c.mu.Unlock()
	_ = c.Close()
}

func (c *conn) why(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.broken != nil {
		return c.broken
	}
	return err
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.why(err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	return n, c.why(err)
}

// CloseWrite tells the other end that nothing more comes.
func (c *conn) CloseWrite() error { return c.out.Close() }

// Close implements net.Conn.
func (c *conn) Close() error {
	_ = c.out.Close()
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.Conn.SetReadDeadline(t)
	return c.out.SetWriteDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
