package docker

import (
	"context"
	"fmt"
	"net"
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

func (m *Machine) capabilities() []string {
	if m.request.VM != nil {
		return hypervisorCapabilities
	}
	return capabilities
}

// hypervisor narrows a container down to what a virtual machine's process needs: it reads the files
// of this host that the request names, writes to its volumes, and nothing else.
func (m *Machine) hypervisor(h *container.HostConfig) {
	h.ReadonlyRootfs, h.Tmpfs = true, map[string]string{"/tmp": ""}
	for _, f := range m.request.Mounts {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeBind, Source: f.Source, Target: f.Target, ReadOnly: true})
	}
	for _, d := range m.request.Devices {
		h.Devices = append(h.Devices, container.DeviceMapping{PathOnHost: d, PathInContainer: d, CgroupPermissions: "rw"})
	}
}

// expects tells whether a mount is one that the request names, and cannot be written to.
func (m *Machine) expects(p container.MountPoint) bool {
	for _, f := range m.request.Mounts {
		if p.Source == f.Source && p.Destination == f.Target && !p.RW {
			return true
		}
	}
	return false
}

// Local tells whether the engine sees the files of this host.
func (d *Driver) Local() bool { return strings.HasPrefix(d.engine.host, "unix:") }

// DialSocket opens a connection to an abstract unix socket ("@name") of the machine's network
// namespace; nobody listening is syscall.ECONNREFUSED.
func (m *Machine) DialSocket(ctx context.Context, name string) (net.Conn, error) {
	return m.box.way.dial(ctx, sandbox.OnSocket+name)
}

// ListenSocket waits on an abstract unix socket of the machine's network namespace, and returns once
// it does. The first byte that is read says that somebody came; what follows is their connection.
func (m *Machine) ListenSocket(ctx context.Context, name string) (net.Conn, error) {
	return m.box.way.dial(ctx, sandbox.AtSocket+name)
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
	return &Machine{d: &Driver{engine: e}, id: id, box: &box{id: inside, way: &way{engine: e, box: inside}}}, nil
}

// Leave closes the connections of a machine that Find made.
func (m *Machine) Leave() {
	m.box.way.close()
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
