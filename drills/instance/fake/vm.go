package fake

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

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

var _ instance.Ahead = (*Driver)(nil)

// seal of a place.
type seal struct {
	done   chan struct{} // closed once it was tried
	err    error         // then: why it does not hold
	torn   bool          // it stands no more
	wanted bool          // somebody stands there
}

// SealAhead implements instance.Ahead. What a cancelled context left unsealed is sealed when it is wanted.
func (d *Driver) SealAhead(ctx context.Context, places []instance.Place) (wait func()) {
	var all sync.WaitGroup
	for _, p := range places {
		all.Go(func() { _ = d.seal(ctx, p.Instance+p.Flow, false) }) // whoever wants it hears
	}
	return all.Wait
}

// TearAhead ends a sandbox that was sealed ahead.
func (d *Driver) TearAhead(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed[name].torn = true
}

// seal pretends to seal a sandbox where none stands, and writes the proof.
func (d *Driver) seal(ctx context.Context, name string, wanted bool) error {
	d.mu.Lock()
	s, mine := d.sealed[name], false
	if s == nil || s.torn && wanted {
		s, mine = &seal{done: make(chan struct{})}, true
		d.sealed[name] = s
	}
	s.wanted = s.wanted || wanted
	d.mu.Unlock()
	if mine {
		err := d.prove(ctx, name)
		d.mu.Lock()
		s.err, s.torn = err, err != nil && ctx.Err() != nil
		d.mu.Unlock()
		close(s.done)
	}
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prove takes the time that a seal takes, and writes what its probes find.
func (d *Driver) prove(ctx context.Context, name string) error {
	if err := sleep(ctx, d.world.Seal); err != nil {
		return err
	}
	probes := append([]record.Probe{
		{Target: "control", Address: name, Protocol: "fake", Reached: true, Control: true},
		{Target: "host", Address: "host", Protocol: "fake"},
	}, d.world.Leak...)
	for _, p := range probes {
		if err := d.site.Journal.Append(record.KindProbe, record.Subject{Instance: name}, p); err != nil {
			return fmt.Errorf("write the probes of %s to the journal: %w", name, err)
		}
	}
	if len(d.world.Leak) > 0 {
		return &instance.LeakError{Instance: name, Probes: d.world.Leak}
	}
	return nil
}

// SealWait implements instance.Awaiting.
func (m *Machine) SealWait() time.Duration { return m.waited }
