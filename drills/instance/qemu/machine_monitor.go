package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"

	"lifeboat/drills/instance"
)

// connect waits until QEMU answers on its monitor.
func (m *Machine) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("its monitor does not answer"))
	defer cancel()
	for {
		c, err := m.hypervisor.DialSocket(ctx, monitorSocket)
		if err == nil {
			m.monitor, err = newMonitor(ctx, c)
		}
		if err == nil {
			m.agent = &agent{patience: agentSync, dial: func(ctx context.Context) (net.Conn, error) { return m.hypervisor.DialSocket(ctx, agentSocket) }}
			return nil
		}
		if s, serr := m.hypervisor.State(ctx); serr == nil && !s.Running {
			said, _ := m.hypervisor.Console(ctx) // the reason stands without it
			return fmt.Errorf("start QEMU of %s: it %s: %s", m.Name(), s.Reason, instance.LastLines(said, 5))
		}
		if instance.Pause(ctx, askPause) != nil {
			return fmt.Errorf("start QEMU of %s: %w: %w", m.Name(), context.Cause(ctx), err)
		}
	}
}

// forget the channels of a QEMU that is not there any more; the caller holds mu.
func (m *Machine) forget() {
	if m.monitor != nil {
		m.monitor.close()
	}
	if m.agent != nil {
		m.agent.close()
	}
	if m.channel != nil {
		m.channel.close()
	}
	if m.unlocking != nil {
		m.unlocking.stop()
	}
	m.monitor, m.agent, m.channel, m.unlocking = nil, nil, nil, nil
}

// hangUp lets go of everything outside the container.
func (m *Machine) hangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	for _, v := range m.drives {
		if v.stop != nil {
			v.stop()
		}
	}
}

// qmp is the monitor of a running QEMU.
func (m *Machine) qmp(ctx context.Context) (*monitor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.monitor == nil {
		return nil, fmt.Errorf("%s does not run", m.Name())
	}
	return m.standing(ctx)
}

// standing is the monitor, reached anew where only the way to it broke; the caller holds mu.
func (m *Machine) standing(ctx context.Context) (*monitor, error) {
	if !m.monitor.cutOff() {
		return m.monitor, nil
	}
	c, err := m.hypervisor.DialSocket(ctx, monitorSocket)
	if err != nil {
		return nil, fmt.Errorf("reach the monitor of %s again: %w", m.Name(), err)
	}
	q, err := newMonitor(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("reach the monitor of %s again: %w", m.Name(), err)
	}
	q.panicked.Store(m.monitor.panicked.Load())
	m.monitor = q
	return q, nil
}
