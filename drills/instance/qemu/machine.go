package qemu

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// Machine is a virtual machine in a container in a sandbox.
type Machine struct {
	driver     *Driver
	request    instance.Request
	vm         *VM
	drives     []*drive // the first is the one that it boots from
	accel      accel
	hypervisor *docker.Machine

	mu        sync.Mutex
	layers    []layer   // overlays, the lowest first; the last is written to
	snapshots [][]layer // chains of frozen overlays, in the order in which they were taken
	variables string    // file of UEFI's variables that the next start goes back to; "": as they are
	numbered  int       // highest number of an overlay that was ever used
	monitor   *monitor
	agent     *agent
	channel   channel // that commands go through, once one was found
	key       ed25519.PrivateKey
	asked     time.Time // when its console first asked for a login since it was switched on; zero: not yet
	booted    int64     // length of the console when the guest last started, bytes
	puts      int
	unlocking *unlocking // nil: the scenario gives no passphrase

	powerCut atomic.Bool // the guest had to be stopped by force when it was last asked to power off
}

// layer is one overlay file of each drive.
type layer struct {
	number int
	name   string // of the snapshot that froze it; empty: it is written to, or was dropped
}

var (
	_ instance.Machine   = (*Machine)(nil)
	_ instance.Rebooter  = (*Machine)(nil)
	_ instance.Based     = (*Machine)(nil)
	_ instance.Described = (*Machine)(nil)
)

const (
	startLimit    = 30 * time.Second // for QEMU to answer, not the guest
	powerDown     = 90 * time.Second // for an orderly end; a guest under emulation takes about 10 s
	resetWithin   = 2 * time.Minute
	consoleLimit  = 1 << 20
	consoleRead   = 8 << 20 // of the console's end: a guest may print without end
	getLimit      = 64 << 20
	outputLimit   = 1 << 20 // of a command, as the contract says
	describeLimit = 20 * time.Second
)

// Name implements instance.Machine.
func (m *Machine) Name() string { return m.request.Name }

// SealWait implements instance.Awaiting.
func (m *Machine) SealWait() time.Duration { return m.hypervisor.SealWait() }

// Handle implements instance.Machine: the container's id.
func (m *Machine) Handle() string { return m.hypervisor.Handle() }

// Basis implements instance.Based.
func (m *Machine) Basis() record.Basis {
	if m.accel == accelTCG {
		return record.BasisEmulated
	}
	return record.BasisMeasured
}

// Start implements instance.Machine.
func (m *Machine) Start(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.monitor != nil {
		if s, err := m.hypervisor.State(ctx); err == nil && s.Running {
			return nil
		}
	}
	return m.power(ctx)
}

// power starts QEMU on the layers that there are; the caller holds mu.
func (m *Machine) power(ctx context.Context) error {
	m.forget()
	m.powerCut.Store(false)
	m.asked = time.Time{}
	if err := m.same(); err != nil { // the container would mount whatever has that name now
		return fmt.Errorf("start %s: %w", m.Name(), err)
	}
	if len(m.layers) == 0 {
		m.layers = []layer{m.fresh()}
	}
	if _, printed, err := m.hypervisor.Tail(ctx, consoleLog, 0); err == nil {
		m.booted = printed
	}
	script, err := m.start()
	if err != nil {
		return err
	}
	if err := m.putFile(ctx, goScript, script); err != nil {
		return err
	}
	if err := m.hypervisor.Start(ctx); err != nil {
		return fmt.Errorf("start QEMU of %s: %w", m.Name(), notTheBackup(err))
	}
	if err := m.connect(ctx); err != nil {
		return err
	}
	m.startUnlocking(ctx)
	return nil
}

// Destroy implements instance.Machine.
func (m *Machine) Destroy(ctx context.Context) error {
	m.hangUp()
	if m.hypervisor == nil {
		return nil
	}
	return m.hypervisor.Destroy(ctx)
}

// State implements instance.Machine.
func (m *Machine) State(ctx context.Context) (instance.State, error) {
	s, err := m.hypervisor.State(ctx)
	if err == nil && !s.Running && s.Exit == 0 && s.Reason != "destroyed" {
		s.Reason = "the guest powered off"
		if m.powerCut.Load() {
			s.Reason = fmt.Sprintf("the guest did not power off within %s: its power was cut", powerDown)
		}
	}
	return s, err
}

// Console implements instance.Machine: what the guest printed on its first serial port.
func (m *Machine) Console(ctx context.Context) (string, error) {
	end, _, err := m.hypervisor.Tail(ctx, consoleLog, consoleLimit)
	if err != nil {
		return m.hypervisor.Console(ctx) // QEMU never came so far: its own words
	}
	return string(end), nil
}

// Dial implements instance.Machine. A connection that stands proves nothing yet: QEMU accepts for the
// guest. Where the guest refuses at once, so does Dial.
func (m *Machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	if slices.Contains(m.vm.Ports, port) {
		return m.hypervisor.Dial(ctx, port)
	}
	return nil, fmt.Errorf("dial port %d of %s: it is not forwarded; add it to vm: {ports: %v}", port, m.Name(),
		append(m.vm.Ports, port))
}

// Reboot implements instance.Rebooter.
func (m *Machine) Reboot(ctx context.Context) error {
	q, err := m.qmp(ctx)
	if err != nil {
		return err
	}
	seen, stop := q.events()
	defer stop()
	c, err := m.control(ctx)
	if err != nil {
		return fmt.Errorf("reboot %s: %w", m.Name(), err)
	}
	if err := c.detach(ctx, instance.Command{Args: []string{"systemctl", "reboot"}}); err != nil {
		return fmt.Errorf("reboot %s: %w", m.Name(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, resetWithin)
	defer cancel()
	if _, err := q.await(ctx, seen, "RESET", "SHUTDOWN"); err != nil {
		return fmt.Errorf("reboot %s: it did not go down: %w", m.Name(), err)
	}
	_, printed, err := m.hypervisor.Tail(ctx, consoleLog, 0)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.booted = printed
	}
	if m.channel != nil {
		m.channel.close()
	}
	m.agent.close()
	m.channel = nil
	return nil
}

// Exec implements instance.Machine.
func (m *Machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	if len(c.Args) == 0 {
		return instance.Result{}, fmt.Errorf("run nothing in %s", m.Name())
	}
	ch, err := m.control(ctx)
	if err != nil {
		return instance.Result{}, fmt.Errorf("run %s in %s: %w", c.Args[0], m.Name(), err)
	}
	r, err := ch.run(ctx, c)
	if err != nil {
		return r, fmt.Errorf("run %s in %s: %w", c.Args[0], m.Name(), err)
	}
	if c.Stdout != nil {
		if _, err := io.WriteString(c.Stdout, r.Stdout); err != nil {
			return r, fmt.Errorf("pass on the output of %s in %s: %w", c.Args[0], m.Name(), err)
		}
		r.Stdout = ""
	}
	r.Stdout, r.Stderr = r.Stdout[:min(len(r.Stdout), outputLimit)], r.Stderr[:min(len(r.Stderr), outputLimit)]
	return r, nil
}

// Get implements instance.Machine.
func (m *Machine) Get(ctx context.Context, name string) ([]byte, error) {
	ch, err := m.control(ctx)
	if err == nil {
		var b []byte
		if b, err = ch.read(ctx, name); err == nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("read %s of %s: %w", name, m.Name(), err)
}

// UndoCommand implements instance.Machine.
func (m *Machine) UndoCommand(c instance.Command) ledger.Undo {
	return instance.Encode(undoExec, commandUndo{UndoExec: instance.UndoExec{Handle: m.Handle(), Command: c},
		Host: m.driver.base.Host(), Drill: m.driver.base.Drill()})
}

// user that commands in the guest run as.
func (m *Machine) user() string { return cmp.Or(m.vm.User, "root") }
