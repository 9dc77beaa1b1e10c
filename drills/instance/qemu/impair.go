package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
)

var _ instance.Hypervised = (*Machine)(nil)

// below is a running QEMU as an impairment needs it. The process of the drill reaches it by the first
// monitor, the one that heals by the second.
type below struct {
	q     *monitor
	guest func(ctx context.Context, c instance.Command) (instance.Result, error)
	// console is what the guest printed since it last started; nil: it cannot be read from here.
	console func(ctx context.Context) (string, error)
}

// impairment is one way to break a machine from below. All of it asks QEMU, remembers nothing, and may be repeated.
type impairment interface {
	possible(ctx context.Context) error // or why not
	impose(ctx context.Context) error
	holds(ctx context.Context) error // nil, or what was found instead
	lift(ctx context.Context) error  // nil only after looking again
}

// of is the way to make an impairment, which is valid.
func (b below) of(i instance.Impairment) impairment {
	switch {
	case i.BytesPerSecond != 0:
		return b.bytesPerSecond(i.BytesPerSecond)
	case i.Latency != 0:
		return b.latency(i.Latency)
	case i.IOError != "":
		return diskErrors{b, i.IOError}
	case i.LinkDown:
		return linkDown{b}
	case i.Balloon != 0:
		return balloon{b, i.Balloon}
	case i.Pause:
		return paused{b}
	case i.NMI:
		return interrupt{b}
	}
	return skewed{b, i.ClockSkew}
}

// Impairable implements instance.Hypervised.
func (m *Machine) Impairable(ctx context.Context, i instance.Impairment) error {
	return m.impairment(ctx, i, func(how impairment) error { return how.possible(ctx) })
}

// Impair implements instance.Hypervised.
func (m *Machine) Impair(ctx context.Context, i instance.Impairment) error {
	return m.impairment(ctx, i, func(how impairment) error {
		if err := how.possible(ctx); err != nil {
			return err
		}
		return how.impose(ctx)
	})
}

// Impaired implements instance.Hypervised.
func (m *Machine) Impaired(ctx context.Context, i instance.Impairment) error {
	return m.impairment(ctx, i, func(how impairment) error { return how.holds(ctx) })
}

func (m *Machine) impairment(ctx context.Context, i instance.Impairment, use func(impairment) error) error {
	err := i.Valid()
	if err != nil {
		return fmt.Errorf("impair %s: %w", m.Name(), err)
	}
	q, err := m.qmp(ctx)
	if err == nil {
		err = use(below{q, m.Exec, m.sinceBoot}.of(i))
	}
	if err != nil {
		return fmt.Errorf("impair %s (%s): %w", m.Name(), i, err)
	}
	return nil
}

// sinceBoot is what the guest printed since it last started, or the end of it where that is very much.
func (m *Machine) sinceBoot(ctx context.Context) (string, error) {
	m.mu.Lock()
	from := m.booted
	m.mu.Unlock()
	end, size, err := m.hypervisor.Tail(ctx, consoleLog, consoleRead)
	if err != nil {
		return "", fmt.Errorf("read the console of %s: %w", m.Name(), err)
	}
	if from > size { // what was printed before was let go
		from = 0
	}
	before := from - (size - int64(len(end))) // of an earlier start, in what was read
	return string(end[min(max(0, before), int64(len(end))):]), nil
}

// undoImpairment is the kind of undo that ends an impairment.
const undoImpairment = "qemu.mend"

// impairmentUndo is the data of such an undo. What is to be done in QEMU's graph is found out when it is done,
// because snapshots change the graph.
type impairmentUndo struct {
	Host       string              `json:"host"`
	Drill      string              `json:"drill"`
	Handle     string              `json:"handle"`
	Impairment instance.Impairment `json:"impairment"`
}

// UndoImpairment implements instance.Hypervised.
func (m *Machine) UndoImpairment(i instance.Impairment) ledger.Undo {
	return instance.Encode(undoImpairment, impairmentUndo{Host: m.driver.base.Host(), Drill: m.driver.base.Drill(),
		Handle: m.Handle(), Impairment: i})
}

// endImpairment ends an impairment from any process. ledger.ErrGone: QEMU does not run, and an impairment ends with it.
func endImpairment(ctx context.Context, s ledger.Scope, e ledger.Entry) error {
	var u impairmentUndo
	if err := e.Read(s, &u); err != nil {
		return err
	}
	if err := u.Impairment.Valid(); err != nil {
		return fmt.Errorf("undo %s: %w", e.Name, err)
	}
	m, err := docker.Find(ctx, u.Host, u.Handle, u.Drill)
	if err != nil {
		return err
	}
	defer m.Leave()
	c, err := m.DialSocket(ctx, undoSocket)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("QEMU does not run: %w", ledger.ErrGone)
	}
	if err != nil {
		return fmt.Errorf("reach QEMU's second monitor: %w", err)
	}
	q, err := newMonitor(ctx, c)
	if err != nil {
		return fmt.Errorf("use QEMU's second monitor: %w", err)
	}
	defer q.close()
	guest, done := guestOf(m)
	defer done()
	if err := (below{q: q, guest: guest}).of(u.Impairment).lift(ctx); err != nil {
		return fmt.Errorf("end an impairment (%s): %w", u.Impairment, err)
	}
	return nil
}

// guestOf commands the guest of a container through its agent, from a process that did not boot it.
// A guest that does not answer is ledger.ErrGone, as a container that does not run: nothing can be put right in it.
func guestOf(m *docker.Machine) (run func(context.Context, instance.Command) (instance.Result, error), done func()) {
	g := &agent{patience: agentQueue,
		dial: func(ctx context.Context) (net.Conn, error) { return m.DialSocket(ctx, agentSocket) }}
	ch := &agentChannel{agent: g, lost: func(channel) {}}
	return func(ctx context.Context, c instance.Command) (instance.Result, error) {
		r, err := ch.run(ctx, c)
		if errors.Is(err, errNoAgent) {
			err = fmt.Errorf("%w: %w", err, ledger.ErrGone)
		}
		return r, err
	}, g.close
}
