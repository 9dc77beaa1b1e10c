package fake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"path"
	"sync"
	"syscall"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// volume is a folder of files that may outlive its machine.
type volume map[string][]byte

// Machine is a scripted machine. Its methods beyond instance.Machine are for scripts and tests.
type Machine struct {
	d       *Driver
	handle  string
	request instance.Request
	script  Script
	virtual bool
	waited  time.Duration // until its sandbox was sealed

	mu      sync.Mutex
	state   instance.State
	gone    bool
	life    context.Context // ends with the machine's run
	end     context.CancelFunc
	files   volume
	volumes map[string]volume // by folder
	ports   map[int]func(net.Conn)
	conns   []*conn // the callers' ends, for Break
	console bytes.Buffer
	frozen  map[string]disk // snapshots of a virtual machine, by name
}

func newMachine(d *Driver, r instance.Request, s Script, kept map[string]volume) *Machine {
	m := &Machine{
		d: d, handle: fmt.Sprintf("fake-%s-%s-%d", d.site.Scope.Drill, r.Name, r.Generation), request: r, script: s,
		files: volume{}, volumes: map[string]volume{}, ports: map[int]func(net.Conn){},
		state: instance.State{Reason: "not started"},
	}
	for _, p := range append(append([]string(nil), r.Data...), s.Volumes...) {
		m.volumes[path.Clean(p)] = volume{}
	}
	maps.Copy(m.volumes, kept)
	return m
}

// Crash ends the run as if the machine had died by itself.
func (m *Machine) Crash(s instance.State) {
	s.Running = false
	m.halt(s)
}

func (m *Machine) halt(s instance.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
	m.ports = map[int]func(net.Conn){}
	if m.end != nil {
		m.end()
	}
}

// Name implements instance.Machine.
func (m *Machine) Name() string { return m.request.Name }

// Health implements instance.HealthChecked.
func (m *Machine) Health() *instance.Health { return m.script.Health }

// Handle implements instance.Machine.
func (m *Machine) Handle() string { return m.handle }

// Console implements instance.Machine.
func (m *Machine) Console(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.console.String(), nil
}

// State implements instance.Machine.
func (m *Machine) State(context.Context) (instance.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, nil
}

// Start implements instance.Machine.
func (m *Machine) Start(ctx context.Context) error {
	m.mu.Lock()
	if m.gone {
		m.mu.Unlock()
		return fmt.Errorf("start %s: it was destroyed", m.Name())
	}
	if m.state.Running {
		m.mu.Unlock()
		return nil
	}
	m.state = instance.State{Running: true}
	m.life, m.end = context.WithCancel(context.Background())
	m.mu.Unlock()
	err := sleep(ctx, m.script.BootTime)
	if err == nil && m.script.Up != nil {
		err = m.script.Up(ctx, m)
	}
	refused := errors.As(err, new(*instance.BootError))
	if err != nil && !refused && m.virtual && ctx.Err() == nil {
		m.Print(err.Error() + "\n") // its processor goes on, whatever became of the system on it
		return nil
	}
	if err != nil {
		m.halt(instance.State{Exit: 1, Reason: err.Error()})
		if refused || ctx.Err() != nil {
			return err
		}
		console, _ := m.Console(ctx)
		return &instance.BootError{Instance: m.Name(), Reason: err.Error(), Console: console}
	}
	return nil
}

// Stop implements instance.Machine.
func (m *Machine) Stop(ctx context.Context) error {
	if s, _ := m.State(ctx); !s.Running {
		return nil
	}
	if m.script.Down != nil {
		m.script.Down(m)
	}
	m.halt(instance.State{Reason: "ended with exit code 0"})
	return nil
}

// Destroy implements instance.Machine.
func (m *Machine) Destroy(context.Context) error {
	m.halt(instance.State{Reason: "destroyed"})
	m.mu.Lock()
	m.gone = true
	m.volumes, m.files = map[string]volume{}, volume{}
	m.mu.Unlock()
	m.d.mu.Lock()
	delete(m.d.handles, m.handle)
	m.d.mu.Unlock()
	return nil
}

func (m *Machine) handOver(ctx context.Context, drop []string) (map[string]volume, error) {
	for _, p := range drop {
		if _, ok := m.volumes[p]; !ok {
			return nil, fmt.Errorf("drop %s of %s: it is no volume", p, m.Name())
		}
	}
	if err := m.Stop(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	v, gone := m.volumes, m.gone
	m.volumes = map[string]volume{}
	m.mu.Unlock()
	if gone {
		return nil, fmt.Errorf("the data of %s was destroyed, there is none to keep", m.Name())
	}
	for _, p := range drop {
		delete(v, p)
	}
	return v, m.Destroy(ctx)
}

// Exec implements instance.Machine. A command dies with its machine.
func (m *Machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	m.mu.Lock()
	running, life := m.state.Running, m.life
	m.mu.Unlock()
	if !running {
		return instance.Result{}, fmt.Errorf("run %v in %s: it is not running", c.Args, m.Name())
	}
	if err := ctx.Err(); err != nil {
		return instance.Result{}, &instance.UnaskedError{What: fmt.Sprintf("run %v in %s", c.Args, m.Name()), Err: err}
	}
	if m.script.Exec == nil {
		return instance.Result{}, nil
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(life, cancel)
	defer stop()
	input := &watched{r: c.Stdin}
	if c.Stdin != nil {
		c.Stdin = input
	}
	r, err := m.script.Exec(inner, m, c)
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case life.Err() != nil:
		return instance.Result{Exit: 137, Stdout: r.Stdout, Stderr: r.Stderr}, nil
	case input.err != nil:
		err = fmt.Errorf("read its input: %w", input.err)
	}
	if err != nil {
		return r, fmt.Errorf("run %v in %s: %w", c.Args, m.Name(), err)
	}
	if c.Stdout != nil {
		if _, err := io.WriteString(c.Stdout, r.Stdout); err != nil {
			return r, fmt.Errorf("write the output of %v: %w", c.Args, err)
		}
		r.Stdout = ""
	}
	return r, nil
}

// watched remembers that standard input could not be read to its end.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// Dial implements instance.Machine.
func (m *Machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	m.mu.Lock()
	handle, life := m.ports[port], m.life
	m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, &instance.UnaskedError{What: fmt.Sprintf("dial %d of %s", port, m.Name()), Err: err}
	}
	if handle == nil {
		return nil, &net.OpError{Op: "dial", Net: "fake", Addr: address(fmt.Sprintf("%s:%d", m.Name(), port)),
			Err: syscall.ECONNREFUSED}
	}
	near, far := connected()
	stop := context.AfterFunc(life, func() { _ = far.Close() })
	m.mu.Lock()
	m.conns = append(m.conns, near)
	m.mu.Unlock()
	go func() {
		defer stop()
		handle(far)
	}()
	return near, nil
}

// Break ends the connections that there are as the end of a tunnel does.
func (m *Machine) Break() {
	m.mu.Lock()
	conns := m.conns
	m.conns = nil
	m.mu.Unlock()
	for _, c := range conns {
		c.snap("what was asked of " + m.Name())
	}
}

// UndoCommand implements instance.Machine.
func (m *Machine) UndoCommand(c instance.Command) ledger.Undo {
	return instance.Encode(undoExec, instance.UndoExec{Handle: m.handle, Command: c})
}
