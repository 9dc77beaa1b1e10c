package fake

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// VM is a scripted machine with a disk and a kernel of its own. Where its script's Up returns an error, the
// machine runs all the same and the error stands on its console: nothing but a Diagnosis tells.
type VM struct{ *Machine }

var (
	_ instance.Snapshotter = (*VM)(nil)
	_ instance.Rebooter    = (*VM)(nil)
	_ instance.Diagnoser   = (*VM)(nil)
	_ instance.Based       = (*VM)(nil)
	_ instance.Described   = (*VM)(nil)
)

// disk is all files of a machine.
type disk struct {
	files   volume
	volumes map[string]volume
}

// copied files share no memory with the machine's.
func copied(files volume) volume {
	out := volume{}
	for name, content := range files {
		out[name] = bytes.Clone(content)
	}
	return out
}

func (d disk) copied() disk {
	out := disk{files: copied(d.files), volumes: map[string]volume{}}
	for at, v := range d.volumes {
		out.volumes[at] = copied(v)
	}
	return out
}

// Snapshot implements instance.Snapshotter.
func (m *VM) Snapshot(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.frozen[name]; taken {
		return fmt.Errorf("take snapshot %s of %s: there is one already", name, m.Name())
	}
	if m.frozen == nil {
		m.frozen = map[string]disk{}
	}
	m.frozen[name] = disk{m.files, m.volumes}.copied()
	return nil
}

// Revert implements instance.Snapshotter.
func (m *VM) Revert(ctx context.Context, name string) error {
	m.mu.Lock()
	frozen, ok := m.frozen[name]
	m.mu.Unlock()
	if !ok {
		return fmt.Errorf("revert %s: there is no snapshot %s", m.Name(), name)
	}
	m.halt(instance.State{Reason: "reverted"})
	again := frozen.copied()
	m.mu.Lock()
	m.files, m.volumes = again.files, again.volumes
	m.mu.Unlock()
	return m.Start(ctx)
}

// Reboot implements instance.Rebooter.
func (m *VM) Reboot(ctx context.Context) error {
	if err := m.Stop(ctx); err != nil {
		return err
	}
	return m.Start(ctx)
}

// Diagnose implements instance.Diagnoser.
func (m *VM) Diagnose(ctx context.Context) (instance.Diagnosis, error) {
	if err := ctx.Err(); err != nil {
		return instance.Diagnosis{}, err
	}
	got := instance.Diagnosis{}
	if m.script.Diagnose != nil {
		got = m.script.Diagnose(m.Machine)
	}
	if console, _ := m.Console(ctx); got.Lines == nil && console != "" {
		got.Lines = strings.Split(strings.TrimSuffix(console, "\n"), "\n")
	}
	got.Lines = slices.Clone(got.Lines)
	return got, nil
}

// Basis implements instance.Based.
func (m *VM) Basis() record.Basis {
	if m.script.Basis == "" {
		return record.BasisMeasured
	}
	return m.script.Basis
}

// Describe implements instance.Described.
func (m *VM) Describe(context.Context) map[string]string { return maps.Clone(m.script.Facts) }
