package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
)

const (
	outputLimit = 1 << 20
	// inputPiece is how much of a standard input is passed on at once, bytes. A pipe's writer goes on when all that it wrote was taken: who
	// takes as much as a loader writes at once has the next piece read and hashed while this one is on its way.
	inputPiece = 256 << 10
	inputGrace = time.Second // for a reader of standard input to notice that the command is gone
	killLimit  = 20 * time.Second
	killRetry  = 50 * time.Millisecond
)

// Exec implements instance.Machine. When ctx ends, or standard input cannot be
// read to its end, the command is killed: half an input must not look whole.
// A command that did not begin before ctx ended was not asked.
func (m *Machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	r, err := m.d.engine.exec(ctx, m.id, c, m.d.killer)
	if err != nil {
		return r, fmt.Errorf("run %s in %s: %w", first(c.Args), m.slot, err)
	}
	return r, nil
}

func first(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	return args[0]
}

// killer ends a process of a container by its id on the engine's host.
type killer func(ctx context.Context, container string, pid int) error

func (e *Engine) exec(ctx context.Context, id string, c instance.Command, kill killer) (instance.Result, error) {
	x, err := e.client.ExecCreate(ctx, id, client.ExecCreateOptions{User: c.User, WorkingDir: c.Dir,
		Env: environment(c.Env),
		Cmd: c.Args, AttachStdin: c.Stdin != nil, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return instance.Result{}, unasked(first(c.Args), err)
	}
	// The stream outlives ctx: on cancellation the command is killed and its last words are read.
	h, err := e.client.ExecAttach(context.WithoutCancel(ctx), x.ID, client.ExecAttachOptions{})
	if err != nil {
		return instance.Result{}, unasked(first(c.Args), err)
	}
	defer h.Close()
	out, errs := &capped{}, &capped{}
	var stdout io.Writer = out
	if c.Stdout != nil {
		stdout = c.Stdout
	}
	read := make(chan error, 1)
	go func() { _, err := stdcopy.StdCopy(stdout, errs, h.Reader); read <- err }()
	fed := make(chan error, 1)
	go func() { fed <- feed(h, c.Stdin) }()

	var broken error
	inputs, cancelled := fed, ctx.Done()
	var again <-chan time.Time
	give := func(why error) { // up: kill the command, and wait for its stream to end
		if broken == nil {
			broken = why
		}
		state, err := e.killExec(ctx, id, x.ID, kill)
		if why != nil && why == ctx.Err() && (err != nil || state == execWaits) {
			broken = unasked(first(c.Args), broken)
		}
		switch {
		case err != nil:
			broken = errors.Join(broken, err)
			h.Close()
		case state != execRan:
			again = time.After(killRetry) // if it has ended, so does the stream
		default:
			time.AfterFunc(inputGrace, h.Close) // a descendant that fled may keep the stream open
		}
	}
	for {
		select {
		case err := <-inputs:
			inputs = nil
			if err != nil {
				give(fmt.Errorf("read its input: %w", err))
			}
		case <-cancelled:
			cancelled = nil
			give(ctx.Err())
		case <-again:
			give(nil)
		case err := <-read:
			if inputs != nil {
				h.Close()
				waitShort(inputs)
			}
			if broken != nil {
				return instance.Result{Stdout: out.String(), Stderr: errs.String()}, broken
			}
			exit, xerr := e.exitOf(ctx, x.ID)
			if err = errors.Join(err, xerr); err != nil { // the engine lost it on the way: nobody knows what it said
				err = &instance.UnaskedError{What: first(c.Args), Err: fmt.Errorf("read its output: %w", err)}
			}
			return instance.Result{Exit: exit, Stdout: out.String(), Stderr: errs.String()}, err
		}
	}
}

// feed copies standard input. A command that closed its input early is no error of ours.
func feed(h client.ExecAttachResult, in io.Reader) error {
	if in == nil {
		return nil
	}
	src := &failing{r: in}
	if err := pass(h.Conn, src); err != nil && src.err != nil {
		return src.err
	}
	return h.CloseWrite()
}

// pieces are kept from one command to the next: most inputs are a few bytes, and a piece each would soon be half of what a night holds.
var pieces = sync.Pool{New: func() any { return new([inputPiece]byte) }}

// pass copies a standard input.
func pass(to io.Writer, in io.Reader) error {
	piece := pieces.Get().(*[inputPiece]byte)
	defer pieces.Put(piece)
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{in}, piece[:]) // else either may copy by itself
	return err
}

// failing remembers whether it was reading that failed, or writing.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

func waitShort(c <-chan error) {
	select {
	case <-c:
	case <-time.After(inputGrace):
	}
}

// exitOf asks until the engine has noticed that the command ended, which takes it some milliseconds.
func (e *Engine) exitOf(ctx context.Context, exec string) (int, error) {
	for {
		i, err := e.client.ExecInspect(ctx, exec, client.ExecInspectOptions{})
		if err != nil {
			return 0, fmt.Errorf("ask for its exit code: %w", err)
		}
		if !i.Running {
			return i.ExitCode, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// execState is how killExec found a command.
type execState int

const (
	execWaits execState = iota // it has not begun
	execRan                    // it was killed
	execEnded
)

// killExec ends a command of a container, for which an engine has no call.
func (e *Engine) killExec(ctx context.Context, id, exec string, kill killer) (execState, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killLimit)
	defer cancel()
	i, err := e.client.ExecInspect(ctx, exec, client.ExecInspectOptions{})
	switch {
	case gone(err):
		return execEnded, nil
	case err != nil:
		return execWaits, fmt.Errorf("look for the command to kill it: %w", err)
	case i.PID == 0:
		return execWaits, nil
	case !i.Running:
		return execEnded, nil
	}
	return execRan, kill(ctx, id, i.PID)
}

// killer runs the sandbox's program in a container that sees the host's processes
// and has one capability: to kill. It refuses processes of other containers.
func (d *Driver) killer(ctx context.Context, id string, pid int) error {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	name := d.name("kill", id[:12], strconv.Itoa(pid))
	p := plan{name: name, image: image, role: roleKiller, entrypoint: []string{programInside, sandbox.CommandKill, id,
		strconv.Itoa(pid)}}
	p.host.NetworkMode, p.host.PidMode, p.host.CapAdd, p.host.ReadonlyRootfs = "none", "host", []string{"KILL"}, true
	p.host.Memory, p.host.PidsLimit = sandboxMemory, new(int64(sandboxPids))
	k, err := d.createContainer(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = k.terminate(context.WithoutCancel(ctx)) }() // else the ledger's entry removes it
	if err := k.start(ctx); err != nil {
		return fmt.Errorf("kill the command: %w", err)
	}
	w := d.engine.client.ContainerWait(ctx, k.id, client.ContainerWaitOptions{})
	select {
	case r := <-w.Result:
		if r.StatusCode != 0 {
			return fmt.Errorf("kill the command: exit code %d", r.StatusCode)
		}
		return nil
	case err := <-w.Error:
		return fmt.Errorf("kill the command: %w", err)
	}
}

// capped keeps the first MiB of an output and lets the rest go by.
type capped struct{ b bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if free := outputLimit - c.b.Len(); free > 0 {
		c.b.Write(p[:min(free, len(p))])
	}
	return len(p), nil
}

func (c *capped) String() string { return c.b.String() }

func environment(m map[string]string) []string {
	var e []string
	for k, v := range m {
		e = append(e, k+"="+v)
	}
	sort.Strings(e)
	return e
}
