package qemu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

var _ instance.Snapshotter = (*Machine)(nil)

const freezeLimit = 30 * time.Second

// Snapshot implements instance.Snapshotter: the guest's file systems are frozen where its agent can, and
// what is written from now on goes to a new overlay.
func (m *Machine) Snapshot(ctx context.Context, name string) error {
	q, err := m.qmp(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.layers, func(l layer) bool { return l.name == name }) {
		return fmt.Errorf("snapshot %s of %s: there is one of that name", name, m.Name())
	}
	top := &m.layers[len(m.layers)-1]
	next := m.fresh()
	thaw := m.freeze(ctx)
	var actions []any // all drives at one moment, or none
	for _, v := range m.drives {
		actions = append(actions, map[string]any{"type": "blockdev-snapshot-sync", "data": map[string]any{
			"node-name": v.layerNode(*top), "snapshot-file": v.path(next), "format": "qcow2", "snapshot-node-name": v.layerNode(next)}})
	}
	err = q.do(ctx, "transaction", map[string]any{"actions": actions}, nil)
	if err == nil { // whatever becomes of the thaw, QEMU writes there now
		err = m.keepVariables(ctx, *top)
		top.name = name
		m.layers = append(m.layers, next)
		m.snapshots = append(m.snapshots, slices.Clone(m.layers[:len(m.layers)-1]))
	}
	if err = errors.Join(err, thaw()); err != nil {
		return fmt.Errorf("snapshot %s of %s: %w", name, m.Name(), err)
	}
	return nil
}

// variablesPath are the variables of UEFI, which hold the boot entries: part of what a snapshot goes back to.
const variablesPath = diskDir + "/vars.fd"

func (m *Machine) uefi() bool { return m.vm != nil && m.vm.Firmware == "uefi" }

// variables as they were when the layer was frozen.
func (l layer) variables() string { return diskDir + "/vars-" + strconv.Itoa(l.number) + ".fd" }

// keepVariables keeps UEFI's variables beside a layer that was frozen.
func (m *Machine) keepVariables(ctx context.Context, l layer) error {
	if !m.uefi() {
		return nil
	}
	r, err := m.hypervisor.Exec(ctx, instance.Command{Args: []string{"cp", variablesPath, l.variables()}})
	if err == nil && r.Exit != 0 {
		err = errors.New(strings.TrimSpace(r.Stderr))
	}
	if err != nil {
		return fmt.Errorf("keep the variables of UEFI: %w", err)
	}
	return nil
}

// freeze the guest's file systems where its agent can; else the snapshot is as after a power cut, which file
// systems survive. A guest that may be frozen must be thawed, also when nobody knows whether it froze.
func (m *Machine) freeze(ctx context.Context) (thaw func() error) {
	freezing, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	err := m.agent.do(freezing, "guest-fsfreeze-freeze", nil, nil)
	if errors.Is(err, errNoAgent) || errors.As(err, new(*refusal)) {
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

// fresh is an overlay of a number that was never used, also not by a snapshot that failed: its file may be there
// with what the guest wrote since.
func (m *Machine) fresh() layer {
	m.numbered++
	return layer{number: m.numbered}
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
	next := m.fresh()
	if err := m.cut(ctx); err != nil {
		return fmt.Errorf("revert %s to snapshot %s: %w", m.Name(), name, err)
	}
	frozen := m.snapshots[i]
	m.layers = append(slices.Clone(frozen), next)
	m.variables = frozen[len(frozen)-1].variables()
	defer func() { m.variables = "" }()
	return m.power(ctx)
}
