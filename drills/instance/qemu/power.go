package qemu

import (
	"context"

	"lifeboat/drills/instance"
)

// Stop implements instance.Machine: the guest is asked to power off. Where it does not within powerDown its power is
// cut, and State says so.
func (m *Machine) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.hypervisor.State(ctx)
	if err != nil || !s.Running {
		return err
	}
	if m.monitor != nil && m.order(ctx, "system_powerdown") == nil {
		within, cancel := context.WithTimeout(ctx, powerDown)
		for s.Running && err == nil && instance.Pause(within, 4*askPause) == nil {
			s, err = m.hypervisor.State(ctx)
		}
		cancel()
	}
	m.powerCut.Store(s.Running)
	m.forget()
	return m.hypervisor.Stop(ctx)
}

// order has the monitor run a command; the caller holds mu.
func (m *Machine) order(ctx context.Context, command string) error {
	q, err := m.standing(ctx)
	if err != nil {
		return err
	}
	return q.do(ctx, command, nil, nil)
}

// cut ends QEMU as a power cut does.
func (m *Machine) cut(ctx context.Context) error {
	if m.monitor != nil {
		_ = m.order(ctx, "quit") // whether it says so or not, the container is stopped
	}
	m.forget()
	return m.hypervisor.Stop(ctx)
}
