// Package fake is a back-end without an engine, for tests: its machines live in
// memory and do what a script says. It uses no network and no other time than
// that of timers, so that it works inside a testing/synctest bubble, and it
// passes the same suite as the real back-ends.
package fake

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/tree"
)

// World is what a test arranges: the images there are, and what goes wrong.
// It may be changed while no driver is in use.
type World struct {
	Images   map[string]Script // by reference
	Archives map[string]Script // what LoadImage makes of an archive, by image id
	// Program is what Run runs; Stop ends its ctx.
	Program  func(ctx context.Context, p instance.Program) (exit int, err error)
	NotReady error               // what Ready says
	Leak     []record.Probe      // reached by the probes of every new sandbox
	Seal     time.Duration       // that sealing a sandbox takes
	Attempts []record.EgressFact // what Egress reports
	Hides    []instance.Hidden   // what Hidden reports
	Torn     func() error        // what Intact says; nil: every sandbox stands
	// Links is what Reached says; nil: lifeboat and every flow of Flows reached every instance.
	Links func() ([]record.Link, error)
	Flows []string
}

// Script is an image.
type Script struct {
	BootTime time.Duration // from Start to the call of Up
	// Up brings the machine up: it opens ports and writes files. An error is a machine that does not come up.
	Up func(ctx context.Context, m *Machine) error
	// Exec runs a command; nil: every command ends with exit code 0 and prints nothing.
	Exec func(ctx context.Context, m *Machine, c instance.Command) (instance.Result, error)
	// Down is told about a Stop, before the ports are shut.
	Down    func(m *Machine)
	Health  *instance.Health // its healthcheck; nil: none
	Volumes []string         // folders that live on volumes, beside the request's

	// Of virtual machines only, which are those of a Virtual driver.
	Diagnose func(m *Machine) instance.Diagnosis // nil: nothing is wrong with it
	Basis    record.Basis                        // of its times; empty: measured
	Facts    map[string]string                   // what Describe tells
}

// Kinds of undo in the ledger.
const (
	undoMachine = "fake.machine"
	undoExec    = "fake.exec"
)

// Driver implements instance.Driver, ImageLoader, EgressReporter and Companion.
type Driver struct {
	site  instance.Site
	world *World

	mu       sync.Mutex
	sealed   map[string]*seal    // by name of the instance, or script of the flow
	machines map[string]*Machine // the latest generation, by name
	handles  map[string]*Machine
	loaded   map[string]Script
	programs map[string]bool
	trees    map[string][]tree.Entry // by instance and folder
}

var (
	_ instance.Driver         = (*Driver)(nil)
	_ instance.ImageLoader    = (*Driver)(nil)
	_ instance.EgressReporter = (*Driver)(nil)
	_ instance.Companion      = (*Driver)(nil)
	_ instance.ReachReporter  = (*Driver)(nil)
)

// New makes a driver for a site in a world.
func New(site instance.Site, w *World) *Driver {
	return &Driver{site: site, world: w, sealed: map[string]*seal{}, machines: map[string]*Machine{},
		handles: map[string]*Machine{}, loaded: map[string]Script{}, programs: map[string]bool{}, trees: map[string][]tree.Entry{}}
}

// Ready implements instance.Driver.
func (d *Driver) Ready(context.Context) error { return d.world.NotReady }

// Boot implements instance.Driver.
func (d *Driver) Boot(ctx context.Context, r instance.Request) (instance.Machine, error) {
	m, err := d.boot(ctx, r, false)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Virtual is a driver whose machines have a disk and a kernel of their own.
type Virtual struct{ *Driver }

// Boot implements instance.Driver.
func (v Virtual) Boot(ctx context.Context, r instance.Request) (instance.Machine, error) {
	m, err := v.boot(ctx, r, true)
	if err != nil {
		return nil, err
	}
	return &VM{Machine: m}, nil
}

func (d *Driver) boot(ctx context.Context, r instance.Request, virtual bool) (*Machine, error) {
	script, ok := d.script(r.Image)
	if !ok {
		return nil, fmt.Errorf("boot %s: there is no image %s", r.Name, r.Image)
	}
	began := time.Now()
	if err := d.seal(ctx, r.Name, true); err != nil {
		return nil, err
	}
	waited := time.Since(began)
	kept, err := d.replace(ctx, r)
	if err != nil {
		return nil, err
	}
	m := newMachine(d, r, script, kept)
	m.virtual, m.waited = virtual, waited
	if _, err := d.site.Ledger.Intend(ledger.Entry{What: "container", Name: m.handle, Fix: "end the test",
		Undo: instance.Encode(undoMachine, m.handle)}); err != nil {
		return nil, fmt.Errorf("write %s to the ledger: %w", m.handle, err)
	}
	d.mu.Lock()
	d.machines[r.Name], d.handles[m.handle] = m, m
	d.mu.Unlock()
	if !r.Hold {
		if err := m.Start(ctx); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (d *Driver) script(image string) (Script, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.loaded[image]; ok {
		return s, true
	}
	s, ok := d.world.Images[image]
	return s, ok
}

// replace clears the previous generation away and returns the volumes to keep.
func (d *Driver) replace(ctx context.Context, r instance.Request) (map[string]volume, error) {
	d.mu.Lock()
	old := d.machines[r.Name]
	d.mu.Unlock()
	switch {
	case old == nil && r.KeepData:
		return nil, fmt.Errorf("boot %s on kept data: no machine of that name was booted before", r.Name)
	case old == nil:
		return nil, nil
	case !r.KeepData:
		return nil, old.Destroy(ctx)
	}
	return old.handOver(ctx, r.DropData)
}

// Machine returns the latest machine of a name, for a test to break it; nil when there is none.
func (d *Driver) Machine(name string) *Machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.machines[name]
}

// Left lists the handles of machines, and the names of programs, that are still there.
func (d *Driver) Left() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(d.handles)), maps.Keys(d.programs))
}

// LoadImage implements instance.ImageLoader.
func (d *Driver) LoadImage(_ context.Context, r instance.ImageArchive) (string, error) {
	if _, err := io.Copy(io.Discard, r.Archive); err != nil {
		return "", fmt.Errorf("read image archive of %s: %w", r.Name, err)
	}
	s, ok := d.world.Archives[r.ID]
	if !ok {
		return "", fmt.Errorf("load image of %s: %s is not in the archive", r.Name, r.ID)
	}
	ref := fmt.Sprintf("fake/%s:%.12s", r.Name, strings.TrimPrefix(r.ID, "sha256:"))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loaded[ref] = s
	return ref, nil
}

// Intact implements instance.Guard.
func (d *Driver) Intact(context.Context) error {
	if d.world.Torn == nil {
		return nil
	}
	return d.world.Torn()
}

// Egress implements instance.EgressReporter.
func (d *Driver) Egress(context.Context) ([]record.EgressFact, error) { return d.world.Attempts, nil }

// Hidden implements instance.HiddenReporter.
func (d *Driver) Hidden(context.Context) ([]instance.Hidden, error) { return d.world.Hides, nil }

// Reached implements instance.ReachReporter.
func (d *Driver) Reached(context.Context) ([]record.Link, error) {
	if d.world.Links != nil {
		return d.world.Links()
	}
	var all []record.Link
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, s := range d.sealed {
		if !s.wanted {
			continue
		}
		all = append(all, record.Link{Check: true, To: name})
		for _, flow := range d.world.Flows {
			all = append(all, record.Link{Flow: flow, To: name, Protocol: "tcp"})
		}
	}
	return all, nil
}

// sleep waits, or less when ctx ends.
func sleep(ctx context.Context, t time.Duration) error {
	if t <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// address is that of a fake connection.
type address string

func (a address) Network() string { return "fake" }
func (a address) String() string  { return string(a) }

var _ net.Addr = address("")
