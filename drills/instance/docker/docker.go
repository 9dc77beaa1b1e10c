// Package docker boots restored machines as containers of a Docker engine, each
// in the network namespace of a sealed sandbox container.
//
//	drill's network: internal, no address of the host on its bridge, own subnet
//	 ├─ sandbox "db"  lifeboat's own program, PID 1, the only holder of NET_ADMIN; fixed address, aliases
//	 │   └─ container of the restored database, in the sandbox's network namespace
//	 ├─ sandbox "app" ─ container of the restored application
//	 └─ sandboxes of the programs (each flow of k6, a user's scripts), where a customer stands
//
// Nothing is published: the way in is a process in the sandbox whose standard
// input and output carry all connections. Data lives on labelled volumes.
package docker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// Driver boots the containers of one drill. It implements instance.Driver,
// ImageLoader, EgressReporter and Companion.
type Driver struct {
	site   instance.Site
	engine *Engine
	base   time.Time // elapsed 0 of the drill
	log    *slog.Logger

	mu     sync.Mutex // guards the maps and the network; never held while a sandbox is sealed
	net    *network
	slots  map[string]*slot
	spent  map[string]time.Duration // processor time of each container, when it was asked last
	takes  takes                    // of the engine's disk, when that was looked for last
	tools  map[string]string        // tool images made so far, by path of the executable
	began  map[string]string        // the image with which each volume began, by its id
	hidden map[shadow]int           // and the generation of the machine in which it was so first
	closed bool

	count atomic.Int64 // of programs beside a machine, for their names
}

// slot is one instance name: its sandbox outlives the machines booted in it.
type slot struct {
	mu      sync.Mutex // serialises boots of this name
	name    string
	sandbox *sealedSandbox
	refused error    // a proof of its seal failed: nothing stands there
	wanted  bool     // an instance or programs stand there; else its sandbox was sealed ahead, and is nobody's yet
	machine *Machine // the latest generation

	programs bool   // it is a place for programs, and no instance
	flow     string // of k6's programs: what runs there
}

// title is what a report calls it.
func (s *slot) title() string {
	switch {
	case s.flow != "":
		return "k6"
	case s.programs:
		return "script"
	}
	return s.name
}

var (
	_ instance.Driver         = (*Driver)(nil)
	_ instance.ImageLoader    = (*Driver)(nil)
	_ instance.EgressReporter = (*Driver)(nil)
	_ instance.Companion      = (*Driver)(nil)
	_ instance.ReachReporter  = (*Driver)(nil)
	_ instance.HiddenReporter = (*Driver)(nil)
	_ instance.Ahead          = (*Driver)(nil)
)

// New makes a driver for a site. It does not connect: Ready does.
func New(site instance.Site) (*Driver, error) {
	if site.Log == nil {
		site.Log = slog.New(slog.DiscardHandler)
	}
	e, err := Open(site.Log)
	if err != nil {
		return nil, err
	}
	return on(e, site), nil
}

// on an engine.
func on(e *Engine, site instance.Site) *Driver {
	base := site.Base
	if base.IsZero() {
		base = time.Now()
	}
	return &Driver{site: site, engine: e, base: base, log: site.Log,
		slots: map[string]*slot{}, tools: map[string]string{}, spent: map[string]time.Duration{},
		began: map[string]string{}, hidden: map[shadow]int{}}
}

// Close ends the driver's connections to the engine and into its sandboxes. What it made stays: the ledger undoes it.
func (d *Driver) Close() error {
	if d == nil { // made of an engine that could not be reached
		return nil
	}
	d.hangUp()
	return d.engine.Close()
}

// hangUp closes the connections into the sandboxes.
func (d *Driver) hangUp() {
	d.mu.Lock()
	d.closed = true
	slots := slices.Collect(maps.Values(d.slots))
	d.mu.Unlock()
	for _, s := range slots {
		s.mu.Lock()
		if s.sandbox != nil {
			s.sandbox.way.close()
		}
		s.mu.Unlock()
	}
}

// Closed tells whether the driver's drill is over.
func (d *Driver) Closed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// name of anything of this drill on the engine.
func (d *Driver) name(parts ...string) string {
	n := "lifeboat-" + d.site.Scope.Drill
	for _, p := range parts {
		n += "-" + p
	}
	return n
}

// labels of anything of this drill, with the instance and the role it plays.
func (d *Driver) labels(inst, role string) map[string]string {
	l := d.site.Scope.Labels()
	if inst != "" {
		l[ledger.LabelInstance] = inst
	}
	l[labelRole] = role
	return l
}

// intend writes to the ledger what is about to be created.
func (d *Driver) intend(what, kind, name, fix string) error {
	_, err := d.site.Ledger.Intend(ledger.Entry{What: what, Name: name, Fix: fix,
		Undo: instance.Encode(kind, thing{Host: d.engine.host, Name: name, Drill: d.site.Scope.Drill})})
	if err != nil {
		return fmt.Errorf("write %s %s to the ledger: %w", what, name, err)
	}
	return nil
}

func (d *Driver) slot(name string) *slot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.slots[name]
	if s == nil {
		s = &slot{name: name}
		d.slots[name] = s
	}
	return s
}

// Boot implements instance.Driver. A machine of the same name that is still
// there is replaced: with KeepData its volumes go over to the new one,
// otherwise it is destroyed.
func (d *Driver) Boot(ctx context.Context, r instance.Request) (instance.Machine, error) {
	m, err := d.boot(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// boot is Boot; over is what a hypervisor's container has, nil: it is a restored one.
func (d *Driver) boot(ctx context.Context, r instance.Request, over *Hypervisor) (*Machine, error) {
	began := time.Now()
	s := d.slot(r.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = true
	if err := d.seal(ctx, s, r.Aliases, r.Allow); err != nil {
		return nil, err
	}
	waited := time.Since(began)
	s.sandbox.way.open() // it is there when the first question comes
	kept, err := d.replace(ctx, s, r)
	if err != nil {
		return nil, err
	}
	m, err := d.create(ctx, s, r, over, kept)
	if err != nil {
		return nil, err
	}
	s.machine, m.waited = m, waited
	if r.Hold || over != nil {
		return m, nil
	}
	if err := m.Start(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// replace clears the previous generation away and returns the volumes to keep, by their path.
func (d *Driver) replace(ctx context.Context, s *slot, r instance.Request) (map[string]string, error) {
	old := s.machine
	if old == nil {
		if r.KeepData {
			return nil, fmt.Errorf("boot %s on kept data: no machine of that name was booted before", s.name)
		}
		return nil, nil
	}
	if !r.KeepData {
		if err := old.Destroy(ctx); err != nil {
			return nil, fmt.Errorf("replace %s: %w", s.name, err)
		}
		return nil, nil
	}
	volumes, err := old.handOver(ctx, r.DropData)
	if err != nil {
		return nil, fmt.Errorf("replace %s: %w", s.name, err)
	}
	return volumes, nil
}
