package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
)

// Console implements instance.Machine: at most the last MiB.
func (m *Machine) Console(ctx context.Context) (string, error) {
	logs, err := m.d.engine.client.ContainerLogs(ctx, m.id, client.ContainerLogsOptions{ShowStdout: true,
		ShowStderr: true, Tail: "10000"})
	if err != nil {
		return "", fmt.Errorf("read console of %s: %w", m.slot, err)
	}
	defer logs.Close()
	var b bytes.Buffer
	if _, err := stdcopy.StdCopy(&b, &b, logs); err != nil && err != io.EOF {
		return "", fmt.Errorf("read console of %s: %w", m.slot, err)
	}
	if b.Len() > consoleLimit {
		b.Next(b.Len() - consoleLimit)
	}
	return b.String(), nil
}

// State implements instance.Machine.
func (m *Machine) State(ctx context.Context) (instance.State, error) {
	i, err := m.d.engine.client.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	if err != nil {
		if gone(err) {
			if err := m.foreign(ctx); err != nil {
				return instance.State{}, err
			}
			return instance.State{Reason: "destroyed"}, nil
		}
		return instance.State{}, fmt.Errorf("look at %s: %w", m.slot, err)
	}
	s := i.Container.State
	if !s.Running || s.Paused {
		if err := m.foreign(ctx); err != nil {
			return instance.State{}, err
		}
	}
	return instance.State{Running: s.Running, Exit: s.ExitCode, Reason: reason(s)}, nil
}

func reason(s *container.State) string {
	switch {
	case s.Error != "":
		return s.Error
	case s.Running:
		return ""
	case s.OOMKilled:
		return "killed for want of memory"
	case s.Status == container.StateCreated:
		return "not started"
	}
	return fmt.Sprintf("ended with exit code %d", s.ExitCode)
}

// Start implements instance.Machine. A machine that ends at once is a
// *instance.BootError with its last lines.
func (m *Machine) Start(ctx context.Context) error {
	m.ending.Store(false)
	if err := m.container.start(ctx); err != nil {
		if kind, words := m.Lacks(ctx, err.Error()); kind != "" {
			return &instance.BootError{Instance: m.slot, Reason: words, Console: err.Error(), Lack: kind}
		}
		if badImage(err) {
			return &instance.BootError{Instance: m.slot, Reason: err.Error()}
		}
		return fmt.Errorf("start %s: %w", m.slot, err)
	}
	watch, cancel := context.WithTimeout(ctx, bootWatch)
	defer cancel()
	w := m.d.engine.client.ContainerWait(watch, m.id,
		client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-w.Result:
	case <-watch.Done():
		return ctx.Err()
	case <-w.Error:
		return ctx.Err()
	}
	s, err := m.State(ctx)
	if err != nil || s.Running {
		return err
	}
	console, err := m.Console(ctx)
	if err != nil {
		return err
	}
	bad := &instance.BootError{Instance: m.slot, Reason: "it " + s.Ended() + ", at once", Console: instance.LastLines(console, 20)}
	if kind, words := m.Lacks(ctx, console); kind != "" {
		bad.Reason, bad.Lack = words, kind
	}
	return bad
}

// Stop implements instance.Machine: the image's own stop signal, then force after ten seconds.
func (m *Machine) Stop(ctx context.Context) error {
	m.ending.Store(true)
	if err := m.container.stop(ctx, "", stopGrace); err != nil {
		return fmt.Errorf("stop %s: %w", m.slot, err)
	}
	return nil
}

// Destroy implements instance.Machine.
func (m *Machine) Destroy(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.remove(ctx); err != nil {
		return err
	}
	return m.drop(ctx, slices.Collect(maps.Keys(m.volumes)))
}

// drop removes the volumes of folders, once no container holds them.
func (m *Machine) drop(ctx context.Context, folders []string) error {
	aside := make(chan struct{})
	go func() { defer close(aside); m.asides.Wait() }()
	select {
	case <-aside:
	case <-ctx.Done(): // an engine that stands still
		return fmt.Errorf("destroy %s: %w", m.slot, context.Cause(ctx))
	}
	for _, p := range folders {
		v := m.volumes[p]
		if _, err := m.d.engine.client.VolumeRemove(ctx, v, client.VolumeRemoveOptions{}); err != nil && !gone(err) {
			return fmt.Errorf("destroy %s: remove volume %s: %w", m.slot, v, err)
		}
		delete(m.volumes, p)
	}
	return nil
}

// handOver ends the machine in an orderly way, removes its container, and gives its volumes away, but for
// those of folders that are dropped.
func (m *Machine) handOver(ctx context.Context, drop []string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.volumes) == 0 && m.removed {
		return nil, fmt.Errorf("the data of %s was destroyed, there is none to keep", m.slot)
	}
	for _, p := range drop {
		if m.volumes[p] == "" {
			return nil, fmt.Errorf("drop %s of %s: it is no volume; volumes are %s", p, m.slot,
				strings.Join(slices.Sorted(maps.Keys(m.volumes)), ", "))
		}
	}
	if !m.removed {
		if err := m.Stop(ctx); err != nil && !gone(err) {
			return nil, err
		}
	}
	if err := m.remove(ctx); err != nil {
		return nil, err
	}
	if err := m.drop(ctx, drop); err != nil {
		return nil, err
	}
	v := m.volumes
	m.volumes = map[string]string{}
	return v, nil
}

func (m *Machine) remove(ctx context.Context) error {
	m.ending.Store(true)
	if m.removed {
		return nil
	}
	if err := m.container.terminate(ctx); err != nil {
		return fmt.Errorf("destroy %s: %w", m.slot, err)
	}
	m.removed = true
	return nil
}
