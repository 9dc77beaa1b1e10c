package docker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/sandbox"
)

// hypervisorCapabilities: the backup's file may belong to another user, and only be read by him.
var hypervisorCapabilities = []string{"DAC_OVERRIDE"}

// Hypervisor is a container in a sandbox in which a virtual machine runs: no restored container sees a file or a device
// of the host.
type Hypervisor struct {
	Image   string // of the engine
	Run     []string
	Data    []string // absolute folders that live on labelled volumes
	Memory  int64    // bytes, the guest's included
	Files   []File
	Devices []string // /dev/kvm
}

// File of this host that a hypervisor sees, always read-only.
type File struct {
	Source string // absolute, on this host
	Target string // absolute, in the container
}

// Hypervise makes the container of a virtual machine in the sandbox of the machine's name, with its aliases and what it is
// allowed to reach, unstarted.
func (d *Driver) Hypervise(ctx context.Context, r instance.Request, h Hypervisor) (*Machine, error) {
	return d.boot(ctx, instance.Request{Name: r.Name, Generation: r.Generation, Aliases: r.Aliases, Allow: r.Allow,
		KeepData: r.KeepData, Image: h.Image, Entrypoint: h.Run, Data: h.Data, Memory: h.Memory}, &h)
}

func (m *Machine) capabilities() []string {
	if m.over != nil {
		return hypervisorCapabilities
	}
	return capabilities
}

// narrow a container down to what a virtual machine's process needs: it reads its files of this host, writes to its
// volumes, and nothing else.
func (v *Hypervisor) narrow(h *container.HostConfig) {
	h.ReadonlyRootfs, h.Tmpfs = true, map[string]string{"/tmp": ""}
	for _, f := range v.Files {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeBind, Source: f.Source, Target: f.Target, ReadOnly: true})
	}
	for _, d := range v.Devices {
		h.Devices = append(h.Devices, container.DeviceMapping{PathOnHost: d, PathInContainer: d, CgroupPermissions: "rw"})
	}
}

// expects tells whether a mount is one of its files, and cannot be written to. No hypervisor has none.
func (v *Hypervisor) expects(p container.MountPoint) bool {
	return v != nil && !p.RW && slices.Contains(v.Files, File{Source: p.Source, Target: p.Destination})
}

// holds tells whether a device of this host is one of its own.
func (v *Hypervisor) holds(device string) bool { return v != nil && slices.Contains(v.Devices, device) }

// Local tells whether the engine sees the files of this host.
func (d *Driver) Local() bool { return strings.HasPrefix(d.engine.host, "unix:") }

// DialSocket opens a connection to an abstract unix socket ("@name") of the machine's network
// namespace; nobody listening is syscall.ECONNREFUSED.
func (m *Machine) DialSocket(ctx context.Context, name string) (net.Conn, error) {
	return m.sandbox.way.dial(ctx, sandbox.OnSocket+name)
}

// ListenSocket waits on an abstract unix socket of the machine's network namespace, and returns once
// it does. The first byte that is read says that somebody came; what follows is their connection.
func (m *Machine) ListenSocket(ctx context.Context, name string) (net.Conn, error) {
	return m.sandbox.way.dial(ctx, sandbox.AtSocket+name)
}

// Find makes a machine of a container of this drill, for a process that did not create it. Only its
// sockets can be used, until it is left. ledger.ErrGone: it is not there, or does not run.
func Find(ctx context.Context, host, id, drill string) (*Machine, error) {
	e, err := openHost(host, nil)
	if err != nil {
		return nil, err
	}
	m, err := e.machine(ctx, id, drill)
	if err != nil {
		e.Close()
	}
	return m, err
}

func (e *Engine) machine(ctx context.Context, id, drill string) (*Machine, error) {
	i, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case gone(err):
		return nil, fmt.Errorf("container %.12s: %w", id, ledger.ErrGone)
	case err != nil:
		return nil, fmt.Errorf("look at container %.12s: %w", id, err)
	case i.Container.Config.Labels[ledger.LabelDrill] != drill:
		return nil, fmt.Errorf("container %.12s: %w", id, errNotOurs)
	case !i.Container.State.Running:
		return nil, fmt.Errorf("container %.12s is not running: %w", id, ledger.ErrGone)
	}
	inside, _ := strings.CutPrefix(string(i.Container.HostConfig.NetworkMode), "container:")
	return &Machine{d: &Driver{engine: e}, id: id, sandbox: &sealedSandbox{id: inside, way: &way{engine: e, sandbox: inside}}}, nil
}

// Leave closes the connections of a machine that Find made.
func (m *Machine) Leave() {
	m.sandbox.way.close()
	m.d.engine.Close()
}

// Host of the engine, for Find.
func (d *Driver) Host() string { return d.engine.host }

// Drill that the driver's machines belong to.
func (d *Driver) Drill() string { return d.site.Scope.Drill }

// HasImage returns nil when the engine holds an image, or a sentence that ends with how to get it.
func (d *Driver) HasImage(ctx context.Context, ref, hint string) error {
	if _, err := d.engine.client.ImageInspect(ctx, ref); err != nil {
		if gone(err) {
			return fmt.Errorf("the engine at %s has no image %s; %s", d.engine.host, ref, hint)
		}
		return fmt.Errorf("look at image %s: %w", ref, err)
	}
	return nil
}

// RunAlone runs a program of our own without any network, with devices of this host.
func (d *Driver) RunAlone(ctx context.Context, p instance.Program, devices ...string) (instance.Process, error) {
	return d.run(ctx, p, place{network: "none", devices: devices})
}
