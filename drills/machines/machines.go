// Package machines is the room in which the machines of one drill stand: which of them carries a name now, how many
// carried it before, what is in it and what was seen of it. One lock guards it all. The room knows no journal and no
// scenario: what is done with machines, and in which order, is the drill's.
package machines

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/verifier"
)

// Room of one drill. Its methods may be called from several goroutines.
type Room struct {
	kinds   []string // of instances, in the order in which their drivers were made
	drivers map[string]instance.Driver

	mu    sync.Mutex
	slots map[string]*slot // by the instance's name
}

// slot is what belongs to the name of an instance.
type slot struct {
	machine    instance.Machine // nil: none carries the name
	generation int              // boots of this name that were begun
	image      *verifier.Image  // from which the machine was booted, if from a backup's and it holds that still
	loaded     []string         // backups that are in the machine; nil: nobody loaded any
	snapshots  []string         // of the machine, in their order
	release    string           // of the kernel that is remembered
	took       time.Duration    // from the latest start until it was ready; 0: not known
	diagnosed  *time.Duration   // when that was done last
}

// Open makes the drivers of these kinds for a site.
func Open(of map[string]instance.Kind, kinds []string, site instance.Site) (*Room, error) {
	r := &Room{kinds: kinds, drivers: map[string]instance.Driver{}, slots: map[string]*slot{}}
	for _, kind := range kinds {
		driver, err := of[kind].New(site)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		r.drivers[kind] = driver
	}
	return r, nil
}

// Close ends the drivers' connections, once nobody uses their machines any more. What stands stays: the ledger undoes it.
func (r *Room) Close() {
	for _, driver := range r.drivers {
		CloseDriver(driver)
	}
}

// CloseDriver ends the connections of a driver that has any.
func CloseDriver(driver instance.Driver) {
	if c, ok := driver.(io.Closer); ok {
		_ = c.Close() // nothing was written through it
	}
}

// at gives the slot of a name to fn, and makes it where there is none.
func (r *Room) at(name string, fn func(s *slot)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[name]
	if s == nil {
		s = &slot{}
		r.slots[name] = s
	}
	fn(s)
}

// seen is what stands in the slot of a name now.
func (r *Room) seen(name string) slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slots[name]; s != nil {
		return *s
	}
	return slot{}
}

// Begin counts a boot of a name and returns which one it is; 1 is the first.
func (r *Room) Begin(name string) (generation int) {
	r.at(name, func(s *slot) { s.generation++; generation = s.generation })
	return generation
}

// Generation is the latest boot of a name that was begun; 0: none.
func (r *Room) Generation(name string) int { return r.seen(name).generation }

// Stands enters the machine that carries its name from now on. The snapshots of the one before went with its disk.
func (r *Room) Stands(m instance.Machine, image *verifier.Image) {
	r.at(m.Name(), func(s *slot) { s.machine, s.image, s.snapshots = m, image, nil })
}

// Gone says that no machine carries a name any more.
func (r *Room) Gone(name string) {
	r.at(name, func(s *slot) { s.machine = nil })
}

// Machine returns the machine that carries the name now.
func (r *Room) Machine(name string) (instance.Machine, error) {
	if m := r.seen(name).machine; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("instance %s is not booted (booted are %v)", name, r.Booted())
}

// Booted are the names that a machine carries now, sorted.
func (r *Room) Booted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := slices.Sorted(maps.Keys(r.slots))
	return slices.DeleteFunc(names, func(name string) bool { return r.slots[name].machine == nil })
}

// Each returns the machines of these names that stand, in this order.
func (r *Room) Each(names []string) []instance.Machine {
	var all []instance.Machine
	for _, name := range names {
		if m, err := r.Machine(name); err == nil {
			all = append(all, m)
		}
	}
	return all
}

// Image returns the image of a backup from which the machine of a name was booted, as long as it holds that.
func (r *Room) Image(name string) (image verifier.Image, ok bool) {
	if s := r.seen(name); s.image != nil {
		return *s.image, true
	}
	return image, false
}

// Load enters the backups that are loaded into the machine of a name.
func (r *Room) Load(name string, backups []string) {
	r.at(name, func(s *slot) { s.loaded = backups })
}

// Loaded are the backups that were loaded into the machine of a name last; nil: none were.
func (r *Room) Loaded(name string) []string { return r.seen(name).loaded }

// Snapped enters a snapshot of the machine of a name.
func (r *Room) Snapped(name, snapshot string) {
	r.at(name, func(s *slot) { s.snapshots = append(s.snapshots, snapshot) })
}

// Snapshots of the machine of a name, in the order in which they were taken.
func (r *Room) Snapshots(name string) []string { return slices.Clone(r.seen(name).snapshots) }

// Reverted says that what the machine of a name holds is a snapshot's, and no backup's any more.
func (r *Room) Reverted(name string) {
	r.at(name, func(s *slot) { s.image = nil })
}

// Remember the kernel that the machine of a name runs.
func (r *Room) Remember(name, release string) {
	r.at(name, func(s *slot) { s.release = release })
}

// Remembered is the kernel that was remembered; "": none.
func (r *Room) Remembered(name string) string { return r.seen(name).release }

// Rose says for how long the machine of a name took to come up.
func (r *Room) Rose(name string, took time.Duration) {
	r.at(name, func(s *slot) { s.took = took })
}

// Took is for how long the machine of a name took to come up last; 0: nobody knows.
func (r *Room) Took(name string) time.Duration { return r.seen(name).took }

// Diagnosed says that the machine of a name was diagnosed.
func (r *Room) Diagnosed(name string, at time.Duration) {
	r.at(name, func(s *slot) { s.diagnosed = &at })
}

// DiagnosedSince tells whether it was, since a moment.
func (r *Room) DiagnosedSince(name string, since time.Duration) bool {
	at := r.seen(name).diagnosed
	return at != nil && *at >= since
}

// Driver of a kind.
func (r *Room) Driver(kind string) instance.Driver { return r.drivers[kind] }

// Grounds are the drivers in whose sandboxes the machines stand: what is asked once of the whole drill is asked of each
// of them, and of none twice.
func (r *Room) Bases() []instance.Driver {
	var all []instance.Driver
	for _, kind := range r.kinds {
		if g := groundOf(r.drivers[kind]); g != nil && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

func groundOf(driver instance.Driver) instance.Driver {
	for {
		g, ok := instance.As[instance.Layered](driver)
		if !ok {
			return driver
		}
		driver = g.Base()
	}
}

// SealAhead has the sandboxes of places sealed before anybody wants them, by the drivers that can. kindOf tells the kind of an
// instance. wait is instance.Ahead's, of all of them.
func (r *Room) SealAhead(ctx context.Context, places []instance.Place, kindOf func(name string) string) (wait func()) {
	companion, _ := r.Companion() // none runs a flow where there is none
	var waits []func()
	for _, driver := range r.Bases() {
		a, ok := instance.As[instance.Ahead](driver)
		if !ok {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(places), func(p instance.Place) bool {
			if p.Instance == "" {
				return any(companion) != any(driver)
			}
			return groundOf(r.drivers[kindOf(p.Instance)]) != driver
		})
		waits = append(waits, a.SealAhead(ctx, own))
	}
	return func() {
		for _, wait := range waits {
			wait()
		}
	}
}

// Intact says when the harness itself cut a machine off: what it does not answer proves nothing then.
func (r *Room) Intact(ctx context.Context) error {
	for _, driver := range r.Bases() {
		if g, ok := instance.As[instance.Guard](driver); ok {
			if err := g.Intact(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Companion is who runs programs beside the machines.
func (r *Room) Companion() (instance.Companion, error) {
	for _, driver := range r.Bases() {
		if c, ok := instance.As[instance.Companion](driver); ok {
			return c, nil
		}
	}
	return nil, fmt.Errorf("run a program beside the instances: none of the kinds %v can", r.kinds)
}
