// Package qemu boots disk images as virtual machines, where they lie and without copying them.
//
//	sandbox of docker's: the sealed network namespace, its DNS, its record of attempts to get out
//	 └─ container of QEMU: no capability but reading, read-only root, the backup's file read-only
//	     └─ guest: user-mode network, whose sockets are those of the namespace and so are sealed with it
//
// The guest is controlled through abstract unix sockets of that namespace, which the guest itself
// cannot reach. What it writes goes to overlays on a volume of the drill.
package qemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
)

// Image of the engine that holds QEMU; ci/images/qemu.sh builds it.
const Image = "lifeboat/qemu:7.2"

const (
	defaultMemory = 1 << 30   // bytes of a guest
	headroom      = 768 << 20 // bytes of QEMU beyond the guest's memory: 430 MiB were measured with tb-size=128
	diskDir       = "/disk"
	backupPath    = "/backup/image"
)

// Driver boots the virtual machines of one drill in the sandboxes of a docker driver. It implements
// instance.Driver, DiskLoader, Layered, Companion and EgressReporter.
type Driver struct {
	site  instance.Site
	base  *docker.Driver
	accel accelerator

	mu       sync.Mutex
	disks    map[string]instance.DiskImage // by reference
	machines map[string]*Machine           // the latest of each name
}

var (
	_ instance.Driver     = (*Driver)(nil)
	_ instance.DiskLoader = (*Driver)(nil)
	_ instance.Layered    = (*Driver)(nil)
)

// New makes a driver whose machines stand in the sandboxes of base, which belongs to the same site.
func New(site instance.Site, base *docker.Driver) *Driver {
	if site.Log == nil {
		site.Log = slog.New(slog.DiscardHandler)
	}
	return &Driver{site: site, base: base, disks: map[string]instance.DiskImage{}, machines: map[string]*Machine{}}
}

// Base implements instance.Layered.
func (d *Driver) Base() instance.Driver { return d.base }

// Close lets go of the machines, whose disks nobody serves and whose consoles nobody reads from then on, and ends the
// connections to the engine and into the sandboxes.
func (d *Driver) Close() error {
	d.mu.Lock()
	machines := slices.Collect(maps.Values(d.machines))
	d.mu.Unlock()
	for _, m := range machines {
		m.hangUp()
	}
	return d.base.Close()
}

// Ready says in a sentence why this host cannot boot virtual machines, or nil.
func (d *Driver) Ready(ctx context.Context) error {
	if err := d.base.Ready(ctx); err != nil {
		return err
	}
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("virtual machines are x86-64 and this host is %s; run the drill on an amd64 host", runtime.GOARCH)
	}
	return d.base.HasImage(ctx, Image, "make vm-images builds it")
}

// LoadDisk implements instance.DiskLoader: the image is looked at when a machine boots from it, inside
// that machine's sandbox.
func (d *Driver) LoadDisk(_ context.Context, i instance.DiskImage) (string, error) {
	if _, ok := formats[i.Format]; !ok {
		return "", fmt.Errorf("disk of %s: format %q is not one of %v", i.Name, i.Format, instance.DiskFormats())
	}
	ref := i.Name + " (" + i.Format + ")"
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disks[ref] = i
	return ref, nil
}

// Boot implements instance.Driver.
func (d *Driver) Boot(ctx context.Context, r instance.Request) (instance.Machine, error) {
	d.mu.Lock()
	old := d.machines[r.Name]
	d.mu.Unlock()
	vm, ok := r.Own.(*VM)
	if !ok {
		vm = &VM{}
	}
	drives, err := d.drivesOf(r, *vm)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", r.Name, err)
	}
	accel, err := d.accel.choose(ctx, d)
	if err != nil {
		return nil, err
	}
	m := &Machine{driver: d, request: r, vm: vm, drives: drives, accel: accel}
	if r.KeepData {
		if old == nil {
			return nil, fmt.Errorf("boot %s on kept data: no machine of that name was booted before", r.Name)
		}
		if err := old.Stop(ctx); err != nil { // what the guest has not written yet belongs to the data
			return nil, fmt.Errorf("boot %s on kept data: shut it down: %w", r.Name, err)
		}
		m.layers, m.snapshots, m.numbered = old.layers, old.snapshots, old.numbered
		m.key = old.key
		for i, v := range m.drives {
			if i >= len(old.drives) {
				return nil, fmt.Errorf("boot %s on kept data: it had fewer disks before", r.Name)
			}
			v.virtual, v.layout = old.drives[i].virtual, old.drives[i].layout
		}
	}
	if m.key == nil {
		if err := m.makeKey(); err != nil {
			return nil, fmt.Errorf("make a key for %s: %w", r.Name, err)
		}
	}
	if old != nil {
		old.hangUp()
	}
	if err := m.create(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.machines[r.Name] = m
	d.mu.Unlock()
	if r.Hold {
		return m, nil
	}
	return m, m.Start(ctx)
}

// container is what QEMU runs in.
func (m *Machine) container() docker.Hypervisor {
	h := docker.Hypervisor{Image: Image, Run: []string{"/bin/sh", runScript}, Data: []string{diskDir}, Memory: m.memory() + headroom}
	for _, v := range m.drives {
		if v.here {
			h.Files = append(h.Files, docker.File{Source: v.image.Disk.Path(), Target: v.backup()})
		}
	}
	if m.accel == accelKVM {
		h.Devices = []string{kvmDevice}
	}
	return h
}

// drivesOf a request, the one that it boots from first.
func (d *Driver) drivesOf(r instance.Request, vm VM) ([]*drive, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	specs := append([]Disk{{Bus: vm.Bus}}, vm.Disks...)
	refs := append([]string{r.Image}, r.Disks...)
	if len(refs) != len(specs) {
		return nil, fmt.Errorf("there are %d disks, and the images of %d", len(specs), len(refs))
	}
	var drives []*drive
	for i, spec := range specs {
		image, known := d.disks[refs[i]]
		if !known {
			return nil, fmt.Errorf("%q is no disk of a backup", refs[i])
		}
		spec.Bus = cmp.Or(spec.Bus, vm.Bus)
		drives = append(drives, &drive{index: i, image: image, spec: spec, here: image.Disk.Path() != "" && d.base.Local()})
	}
	return drives, nil
}

func (m *Machine) memory() int64 {
	if m.request.Memory == 0 {
		return defaultMemory
	}
	return m.request.Memory
}

// create makes the container and looks at the image in it, before anything of the image runs.
func (m *Machine) create(ctx context.Context) error {
	var err error
	if m.hypervisor, err = m.driver.base.Hypervise(ctx, m.request, m.container()); err != nil {
		return err
	}
	if err := m.furnish(ctx); err != nil {
		return err
	}
	if m.request.KeepData {
		return nil
	}
	if err := m.inspect(ctx); err != nil {
		return errors.Join(err, m.Destroy(context.WithoutCancel(ctx)))
	}
	return nil
}

// furnish gives the container what QEMU needs in it beside the image. When it fails, the place where the disk is
// offered is free again.
func (m *Machine) furnish(ctx context.Context) error {
	err := errors.Join(m.serveDisks(ctx), m.putSeed(ctx))
	if err != nil {
		m.hangUp()
	}
	return err
}
