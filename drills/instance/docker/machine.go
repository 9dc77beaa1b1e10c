package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

const (
	defaultMemory = 1 << 30
	defaultPids   = 512
	sharedMemory  = 256 << 20 // /dev/shm: databases want more than the engine's 64 MiB; counts against Memory
	stopGrace     = 10 * time.Second
	bootWatch     = 150 * time.Millisecond // how long a machine must stay up to count as booted
	consoleLimit  = 1 << 20
	cpuPeriod     = 100000
)

// capabilities that servers need to prepare their folders and drop to their own
// user. None of them reaches out: no NET_RAW, NET_ADMIN, SYS_TIME.
var capabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}

// Machine is a container in a sandbox.
type Machine struct {
	d       *Driver
	slot    string
	box     *box
	id      string
	body    *body
	request instance.Request
	own     Own
	over    *Hypervisor // nil: no virtual machine runs in it

	health *instance.Health // of its image; nil: none

	ending atomic.Bool // lifeboat itself stops or removes it

	mu      sync.Mutex
	volumes map[string]string // path → volume; empty once they were handed over or removed
	removed bool
}

var _ instance.Machine = (*Machine)(nil)

// create makes the container of a request, with its volumes, unstarted.
func (d *Driver) create(ctx context.Context, s *slot, r instance.Request, over *Hypervisor, kept map[string]string) (*Machine, error) {
	img, err := d.engine.client.ImageInspect(ctx, r.Image)
	if err != nil {
		if gone(err) {
			return nil, fmt.Errorf("boot %s: %w", r.Name, d.engine.noImage(r.Image))
		}
		return nil, fmt.Errorf("boot %s: look at image %s: %w", r.Name, r.Image, err)
	}
	var declared []string // else they would become volumes without a label
	if img.Config != nil {
		declared = slices.Sorted(maps.Keys(img.Config.Volumes))
	}
	paths := volumesFor(r.Data, declared)
	m := &Machine{d: d, slot: s.name, box: s.box, request: r, over: over, volumes: map[string]string{}, health: healthOf(img.Config)}
	m.own, _ = r.Own.(Own)
	for p, v := range kept {
		m.volumes[p] = v
	}
	for _, p := range paths {
		if m.volumes[p] != "" {
			continue
		}
		v := d.name(r.Name, fmt.Sprint(r.Generation), fmt.Sprint(len(m.volumes)))
		if err := d.createVolume(ctx, r.Name, v); err != nil {
			return nil, err
		}
		m.volumes[p] = v
	}
	m.body, err = d.createContainer(ctx, plan{
		name: d.name(r.Name, fmt.Sprint(r.Generation)), image: r.Image, instance: r.Name, role: roleMachine,
		entrypoint: r.Entrypoint, command: r.Command, env: r.Env, host: m.hostConfig(), gains: m.grants(),
	})
	if err != nil {
		return nil, err
	}
	m.id = m.body.id
	return m, m.prove(ctx)
}

// volumesFor are the folders that get a volume: those that are asked for, and those that the image declares. What lies
// within one that the image declares is on that volume already: postgres:18 refuses to start where its old data folder,
// below the one that it declares now, is a mount of its own.
func volumesFor(asked, declared []string) []string {
	var paths []string
	for _, p := range asked {
		within := func(v string) bool { return strings.HasPrefix(path.Clean(p)+"/", path.Clean(v)+"/") }
		if !slices.ContainsFunc(declared, within) {
			paths = append(paths, p)
		}
	}
	return append(paths, declared...)
}

func (m *Machine) hostConfig() container.HostConfig {
	r := m.request
	h := container.HostConfig{NetworkMode: container.NetworkMode("container:" + m.box.id), CapAdd: m.held(),
		ShmSize: sharedMemory}
	if m.over != nil {
		m.over.narrow(&h)
	}
	h.Memory = r.Memory
	if h.Memory == 0 {
		h.Memory = defaultMemory
	}
	h.MemorySwap = h.Memory
	h.PidsLimit = ptr(int64(defaultPids))
	if r.CPUs > 0 {
		// Not NanoCPUs: a fault that sets the quota later would collide with it.
		h.CPUPeriod, h.CPUQuota = cpuPeriod, int64(r.CPUs*cpuPeriod)
	}
	// A reaper may remove the volume while this create is under way: the engine makes it anew then, and must label it too.
	labels := &mount.VolumeOptions{Labels: m.d.labels(r.Name, roleVolume)}
	for p, v := range m.volumes {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: v, Target: p, VolumeOptions: labels})
	}
	return h
}

func (d *Driver) createVolume(ctx context.Context, inst, name string) error {
	if err := d.intend("volume", undoVolume, name, "docker volume rm "+name); err != nil {
		return err
	}
	_, err := d.engine.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: d.labels(inst, roleVolume)})
	if err != nil {
		return fmt.Errorf("create volume %s: %w", name, err)
	}
	return nil
}

// Name implements instance.Machine.
func (m *Machine) Name() string { return m.slot }

// Handle implements instance.Machine: the container's id.
func (m *Machine) Handle() string { return m.id }

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
	if err := m.body.start(ctx); err != nil {
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
	if err := m.body.stop(ctx, "", stopGrace); err != nil {
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
	for p, v := range m.volumes {
		if _, err := m.d.engine.client.VolumeRemove(ctx, v, client.VolumeRemoveOptions{}); err != nil && !gone(err) {
			return fmt.Errorf("destroy %s: remove volume %s: %w", m.slot, v, err)
		}
		delete(m.volumes, p)
	}
	return nil
}

// handOver ends the machine in an orderly way, removes its container, and gives its volumes away.
func (m *Machine) handOver(ctx context.Context) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.volumes) == 0 && m.removed {
		return nil, fmt.Errorf("the data of %s was destroyed, there is none to keep", m.slot)
	}
	if !m.removed {
		if err := m.Stop(ctx); err != nil && !gone(err) {
			return nil, err
		}
	}
	if err := m.remove(ctx); err != nil {
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
	if err := m.body.terminate(ctx); err != nil {
		return fmt.Errorf("destroy %s: %w", m.slot, err)
	}
	m.removed = true
	return nil
}

// Recall implements instance.Machine. Standard input does not travel: the command has none.
func (m *Machine) Recall(c instance.Command) ledger.Undo {
	return instance.Encode(undoExec, recall{UndoExec: instance.UndoExec{Handle: m.id, Command: c},
		Host: m.d.engine.host, Drill: m.d.site.Scope.Drill})
}
