package docker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
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
	d         *Driver
	slot      string
	sandbox   *sealedSandbox
	id        string
	container *ownContainer
	request   instance.Request
	image     string // its id
	own       Own
	over      *Hypervisor // nil: no virtual machine runs in it

	health *instance.Health // of its image; nil: none

	waited time.Duration // until its sandbox was sealed

	ending atomic.Bool    // lifeboat itself stops or removes it
	asides sync.WaitGroup // programs on its volumes that ended, and are not removed yet

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
	if c := img.Config; over == nil && len(r.Entrypoint)+len(r.Command) == 0 && (c == nil || len(c.Entrypoint)+len(c.Cmd) == 0) {
		return nil, &instance.BootError{Instance: r.Name, Lack: record.LackCommand,
			Reason: "its image names no command, and the scenario gives it none under command"}
	}
	paths := volumesFor(r.Data, declared)
	m := &Machine{d: d, slot: s.name, sandbox: s.sandbox, request: r, image: img.ID, over: over, volumes: map[string]string{}, health: healthOf(img.Config)}
	m.own, _ = r.Own.(Own)
	if over == nil {
		d.shadows(r, img.ID, kept)
	}
	maps.Copy(m.volumes, kept)
	for _, p := range paths {
		if m.volumes[p] != "" {
			continue
		}
		v := d.name(r.Name, fmt.Sprint(r.Generation), fmt.Sprint(len(m.volumes)))
		if err := d.createVolume(ctx, r.Name, v); err != nil {
			return nil, err
		}
		m.volumes[p] = v
		d.begins(v, img.ID)
	}
	m.container, err = d.createContainer(ctx, plan{
		name: d.name(r.Name, fmt.Sprint(r.Generation)), image: r.Image, instance: r.Name, role: roleMachine,
		entrypoint: r.Entrypoint, command: commandOf(r, img.Config), env: r.Env, host: m.hostConfig(), gains: m.grants(),
	})
	if err != nil {
		return nil, err
	}
	m.id = m.container.id
	return m, m.prove(ctx)
}

// commandOf a request; nil: the image's own.
func commandOf(r instance.Request, c *dockerspec.DockerOCIImageConfig) []string {
	command := r.Command
	if len(r.Arguments) > 0 && len(r.Command)+len(r.Entrypoint) == 0 && c != nil { // an entry point of the scenario's takes the image's command away
		command = c.Cmd
	}
	return slices.Concat(command, r.Arguments)
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
	h := container.HostConfig{NetworkMode: container.NetworkMode("container:" + m.sandbox.id), CapAdd: m.held(),
		ShmSize: sharedMemory}
	if m.over != nil {
		m.over.narrow(&h)
	}
	h.Memory = r.Memory
	h.Memory = cmp.Or(h.Memory, defaultMemory)
	h.MemorySwap = h.Memory
	h.PidsLimit = new(int64(defaultPids))
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
	ctx, done := creating(ctx)
	defer done()
	_, err := d.engine.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: d.labels(inst, roleVolume)})
	if err != nil {
		return fmt.Errorf("create volume %s: %w", name, err)
	}
	return nil
}

// Name implements instance.Machine.
func (m *Machine) Name() string { return m.slot }

// SealWait implements instance.Awaiting.
func (m *Machine) SealWait() time.Duration { return m.waited }

// Handle implements instance.Machine: the container's id.
func (m *Machine) Handle() string { return m.id }

// UndoCommand implements instance.Machine. Standard input does not travel: the command has none.
func (m *Machine) UndoCommand(c instance.Command) ledger.Undo {
	return instance.Encode(undoExec, commandUndo{UndoExec: instance.UndoExec{Handle: m.id, Command: c},
		Host: m.d.engine.host, Drill: m.d.site.Scope.Drill})
}
