package drills

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Space is what a file system has left that restored code, or lifeboat, can fill.
type Space struct {
	Path        string
	Free, Size  int64 // bytes
	Files, Most int64 // that can still be made, of how many; Most 0: without a limit
}

// spaceEvery is how often a drill looks. A disk of 2 GB/s writes half of the default floor in that time.
const spaceEvery = 250 * time.Millisecond

// The default of free_disk, whichever is less. Of files, the same share.
const (
	defaultFloor = 1 << 30
	floorShare   = 20 // one part of so many
	leastFiles   = 1000
)

// short says in what a file system has less left than the scenario keeps free; empty: in nothing.
func (s Space) short(keep scenarios.Size) string {
	floor := cmp.Or(int64(keep), min(defaultFloor, s.Size/floorShare))
	switch {
	case s.Free < floor:
		return fmt.Sprintf("the disk of %s has %d MiB left, less than the %d MiB that free_disk keeps", s.Path, s.Free>>20,
			(floor+1<<20-1)>>20)
	case s.Most > 0 && s.Files < min(leastFiles, s.Most/floorShare):
		return fmt.Sprintf("the disk of %s can hold %d more files, which is next to none", s.Path, s.Files)
	}
	return ""
}

// lookForSpace refuses a host that is short of it from the start.
func (p *Plan) lookForSpace(ctx context.Context, kit Kit) {
	if kit.Space == nil {
		return
	}
	all, err := kit.Space(ctx)
	if err != nil {
		p.Refusals = append(p.Refusals, fmt.Sprintf("look how much disk is left: %v", err))
	}
	for _, s := range all {
		if why := s.short(p.Scenario.FreeDisk); why != "" {
			p.Refusals = append(p.Refusals, why+"; "+hintSpace)
		}
	}
}

const hintSpace = "free some, set free_disk lower, or drill on a larger host"

// fullError ends a drill before the host is full.
type fullError struct{ why string }

func (e *fullError) Error() string {
	return e.why + ": the drill was ended before the host is full; look at what the restored system writes, " + hintSpace
}

// watchSpace ends the drill when the host runs full, until the returned function is called. What restored code writes
// has no other limit: most engines have none to give.
func (b *books) watchSpace(ctx context.Context, cancel context.CancelCauseFunc, look func(context.Context) ([]Space, error),
	keep scenarios.Size,
) (stop func()) {
	if look == nil {
		return func() {}
	}
	told := false
	return every(ctx, spaceEvery, func(ctx context.Context) {
		all, err := look(ctx)
		if err != nil && ctx.Err() == nil && !told {
			told = true
			b.log.Warn("look how much disk is left", "error", err)
		}
		for _, s := range all {
			if why := s.short(keep); why != "" {
				cancel(&fullError{why}) // which ends the watch as well
			}
		}
	})
}

// every does something beside the drill, with a pause before each time, until the context or stop ends it.
func every(ctx context.Context, pause time.Duration, do func(context.Context)) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for instance.Pause(ctx, pause) == nil {
			do(ctx)
		}
	}()
	return func() { end(); <-done }
}

// diskFactor is the disk that a restore takes for each byte of its backup: a
// compressed dump of text grows about fivefold, indexes and WAL included.
const diskFactor = 6

// overlayDisk is the disk that a virtual machine takes, bytes: what it writes into its overlays and snapshots
// in a drill. A kernel upgrade writes about 0.5 GiB.
const overlayDisk = 1 << 30

// defaultMemory of an instance that names none, bytes.
const defaultMemory = 1 << 30

// askHost asks every kind of instance whether this host can boot it.
func (p *Plan) askHost(ctx context.Context, kit Kit) {
	for _, kind := range p.Kinds {
		if kit.Instances[kind].Isolation != instance.Sealed {
			p.Refusals = append(p.Refusals, kind+": nothing keeps such instances from production; no drill boots them")
			continue
		}
		driver, err := kit.Instances[kind].New(instance.Site{Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = driver.Ready(ctx)
		}
		if err != nil {
			p.Refusals = append(p.Refusals, fmt.Sprintf("%s: %v", kind, err))
		}
		machines.CloseDriver(driver)
	}
}

// tryHost has every kind of instance prove that this host really carries a drill, in its own words if not.
func (p *Plan) tryHost(ctx context.Context, kit Kit) (refusals []string) {
	for _, kind := range p.Kinds {
		driver, err := kit.Instances[kind].New(instance.Site{Log: slog.New(slog.DiscardHandler)})
		base := driver
		if g, ok := instance.As[instance.Layered](driver); ok && err == nil {
			base = g.Base()
		}
		if t, ok := instance.As[instance.Trier](base); ok && err == nil {
			err = t.Tried(ctx)
		}
		if err != nil && ctx.Err() == nil {
			refusals = append(refusals, fmt.Sprintf("%s: %v; lifeboat doctor tries it again", kind, err))
		}
		machines.CloseDriver(driver)
	}
	return refusals
}

// estimate sums what the instances take and refuses what cannot fit: before anything starts.
func (p *Plan) estimate(ctx context.Context, kit Kit) {
	for _, name := range p.Order {
		i := p.Scenario.Instances[name]
		p.Needs.Memory += cmp.Or(int64(i.Memory), defaultMemory) + p.kindOf(name).Overhead
		for _, backup := range p.backupsOf(name) {
			if p.kindOf(name).Boots == instance.Disks { // it is read where it lies
				p.Needs.Disk += overlayDisk
			} else {
				p.Needs.Disk += p.Backups[backup].Point.Size * diskFactor
			}
		}
	}
	disk, programs := p.programs()
	p.Needs.Disk += disk
	p.Needs.Memory += int64(programs) * instance.ProgramMemory
	if kit.Capacity == nil {
		return
	}
	disk, memory, err := kit.Capacity(ctx)
	if err != nil {
		p.Refusals = append(p.Refusals, fmt.Sprintf("measure this host: %v", err))
		return
	}
	p.Needs.FreeDisk, p.Needs.FreeMemory = disk, memory
	if disk > 0 && p.Needs.Disk > disk {
		p.Refusals = append(p.Refusals, fmt.Sprintf("the restores need about %d MiB of disk, %d MiB are free; "+
			"free some, or drill on a larger host", p.Needs.Disk>>20, disk>>20))
	}
	if memory > 0 && p.Needs.Memory > memory {
		p.Refusals = append(p.Refusals, fmt.Sprintf("the instances, with k6 and what runs them, may take %d MiB of memory, "+
			"%d MiB are free; lower memory: in the scenario, or drill on a larger host", p.Needs.Memory>>20, memory>>20))
	}
}

// backupsOf lists those from which an instance is booted or loaded, at first and by the steps, each once.
func (p *Plan) backupsOf(name string) []string {
	all := p.MadeOf(name)
	for _, st := range slices.Concat(p.steps()...) {
		if t := st.Traits(); t.On == name {
			all = append(all, t.Reads...)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(b string) bool { return p.Backups[b] == nil })
}

// Size of the restore points that are restored, bytes as they lie in their stores.
func (p *Plan) Size() (sum int64) {
	for _, b := range p.Backups {
		sum += b.Point.Size
	}
	return sum
}

// programs counts what runs beside the instances at the same time, and the bytes of the backups that a script is given:
// the pulse, and one more, which is a check's k6 or a script.
func (p *Plan) programs() (disk int64, most int) {
	if p.Scenario.Flow != nil {
		most++
	}
	one := slices.ContainsFunc(p.Checks, func(c CheckPlan) bool { return c.Spec.Layer == record.LayerBusiness })
	for _, st := range slices.Concat(p.steps()...) {
		if st.Script == nil {
			continue
		}
		one = true
		disk = max(disk, p.given(st.Script))
	}
	if one {
		most++
	}
	return disk, most
}

func (p *Plan) given(s *scenarios.ScriptStep) (size int64) {
	for _, b := range s.Backups {
		if bp := p.Backups[b]; bp != nil {
			size += bp.Point.Size
		}
	}
	return size
}
