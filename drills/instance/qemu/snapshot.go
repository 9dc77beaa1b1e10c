package qemu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/instance"
)

var _ instance.Snapshotter = (*Machine)(nil)

const freezeLimit = 30 * time.Second

// Snapshot implements instance.Snapshotter: the guest's file systems are frozen where its agent can, and
// what is written from now on goes to a new overlay.
func (m *Machine) Snapshot(ctx context.Context, name string) error {
	q, err := m.qmp()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.layers, func(l layer) bool { return l.name == name }) {
		return fmt.Errorf("snapshot %s of %s: there is one of that name", name, m.Name())
	}
	top := &m.layers[len(m.layers)-1]
	next := layer{number: m.newest() + 1}
	thaw := m.freeze(ctx)
	err = q.do(ctx, "blockdev-snapshot-sync", map[string]any{"node-name": top.node(), "snapshot-file": next.path(),
		"format": "qcow2", "snapshot-node-name": next.node()}, nil)
	if err = errors.Join(err, thaw()); err != nil {
		return fmt.Errorf("snapshot %s of %s: %w", name, m.Name(), err)
	}
	top.name = name
	m.layers = append(m.layers, next)
	m.snapshots = append(m.snapshots, slices.Clone(m.layers[:len(m.layers)-1]))
	return nil
}

// freeze the guest's file systems where its agent can; else the snapshot is as after a power cut, which file
// systems survive. A guest that may be frozen must be thawed, also when nobody knows whether it froze.
func (m *Machine) freeze(ctx context.Context) (thaw func() error) {
	freezing, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	err := m.agent.do(freezing, "guest-fsfreeze-freeze", nil, nil)
	var no *refusal
	if errors.Is(err, errNoAgent) || errors.As(err, &no) {
		return func() error { return nil }
	}
	return func() error {
		thawing, cancel := context.WithTimeout(context.WithoutCancel(ctx), freezeLimit)
		defer cancel()
		if err := m.agent.do(thawing, "guest-fsfreeze-thaw", nil, nil); err != nil {
			return fmt.Errorf("thaw its file systems: %w", err)
		}
		return nil
	}
}

// newest is the highest number of an overlay that was ever used.
func (m *Machine) newest() int {
	n := 0
	for _, chain := range append(m.snapshots, m.layers) {
		for _, l := range chain {
			n = max(n, l.number)
		}
	}
	return n
}

// Revert implements instance.Snapshotter.
func (m *Machine) Revert(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.snapshots, func(chain []layer) bool { return chain[len(chain)-1].name == name })
	if i < 0 {
		var have []string
		for _, chain := range m.snapshots {
			have = append(have, chain[len(chain)-1].name)
		}
		return fmt.Errorf("revert %s to snapshot %s: there are %v", m.Name(), name, have)
	}
	next := layer{number: m.newest() + 1}
	if err := m.cut(ctx); err != nil {
		return fmt.Errorf("revert %s to snapshot %s: %w", m.Name(), name, err)
	}
	m.layers = append(slices.Clone(m.snapshots[i]), next)
	return m.power(ctx)
}
