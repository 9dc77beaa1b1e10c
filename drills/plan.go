package drills

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Plan is a scenario with everything resolved: which restore points, which
// back-ends, in which order. Making it changes nothing.
type Plan struct {
	Scenario *scenarios.Scenario
	Backups  map[string]*BackupPlan
	Order    []string // instances, those that are needed first
	Faults   [][]FaultPlan
	Checks   []CheckPlan
	Kinds    []string // of instances, sorted
	Refusals []string // why this host cannot run it, each a sentence
	Needs    Needs
}

// Needs is what the drill takes from the host, estimated from sizes.
type Needs struct {
	Disk       int64 `json:"disk_bytes"`
	Memory     int64 `json:"memory_bytes"`
	FreeDisk   int64 `json:"free_disk_bytes"`   // 0: unknown
	FreeMemory int64 `json:"free_memory_bytes"` // 0: unknown
}

// BackupPlan is a backup with its restore point.
type BackupPlan struct {
	Name   string
	Spec   scenarios.Backup
	Store  store.Store
	Point  store.Point
	Loader restore.Loader // one of the two
	Imager restore.Imager
}

// FaultPlan is a fault with its back-end.
type FaultPlan struct {
	Spec  scenarios.Fault
	Fault fault.Fault
}

// CheckPlan is a check with its back-end.
type CheckPlan struct {
	Spec  scenarios.CheckSpec
	Check verifier.Check
}

// diskFactor is the disk that a restore takes for each byte of its backup: a
// compressed dump of text grows about fivefold, indexes and WAL included.
const diskFactor = 6

// overlayDisk is the disk that a virtual machine takes, bytes: what it writes into its overlays and snapshots
// in a drill. A kernel upgrade writes about 0.5 GiB.
const overlayDisk = 1 << 30

// NewPlan resolves a scenario. The error is scenarios.Problems when the file is
// wrong; what only this host lacks is in Plan.Refusals.
func NewPlan(ctx context.Context, kit Kit, s *scenarios.Scenario) (*Plan, error) {
	p, problems := resolve(kit, s)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, name := range slices.Sorted(maps.Keys(p.Backups)) {
		if err := p.Backups[name].pick(ctx); err != nil {
			p.Refusals = append(p.Refusals, err.Error())
		}
	}
	p.askHost(ctx, kit)
	p.estimate(ctx, kit)
	return p, nil
}

// Check finds what is wrong with a scenario in the eyes of the back-ends that its kinds name. It asks neither stores nor
// the host. The scenario may be one that has problems already, as scenarios.Read gives it: those are not repeated.
func Check(kit Kit, s *scenarios.Scenario) scenarios.Problems {
	_, problems := resolve(kit, s)
	return problems
}

// resolve finds the back-end of every kind, and what it has to say.
func resolve(kit Kit, s *scenarios.Scenario) (*Plan, scenarios.Problems) {
	p := &Plan{Scenario: s, Backups: map[string]*BackupPlan{}, Order: bootOrder(s)}
	var problems scenarios.Problems
	for _, name := range slices.Sorted(maps.Keys(s.Backups)) {
		b, bad := planBackup(kit, s, name)
		problems = append(problems, bad...)
		p.Backups[name] = b
	}
	problems = append(problems, p.planInstances(kit)...)
	problems = append(problems, p.planFaults(kit)...)
	problems = append(problems, p.planChecks(kit)...)
	return p, problems.Sorted(s.File)
}

// askHost asks every kind of instance whether this host can boot it.
func (p *Plan) askHost(ctx context.Context, kit Kit) {
	for _, kind := range p.Kinds {
		driver, err := kit.Instances[kind](instance.Site{Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = driver.Ready(ctx)
		}
		if err != nil {
			p.Refusals = append(p.Refusals, fmt.Sprintf("%s: %v", kind, err))
		}
	}
}

func planBackup(kit Kit, s *scenarios.Scenario, name string) (*BackupPlan, []scenarios.Problem) {
	spec := s.Backups[name]
	b := &BackupPlan{Name: name, Spec: spec}
	var problems []scenarios.Problem
	if open, ok := kit.Stores[spec.Store.Kind]; ok {
		st, bad := open(s.Dir, spec.Store)
		b.Store, problems = st, append(problems, bad...)
	} else {
		problems = unknownKind(s, spec.Store.Pos, "store", spec.Store.Kind, kit.Stores)
	}
	loader, loads := kit.Loaders[spec.Restore.Kind]
	imager, boots := kit.Imagers[spec.Restore.Kind]
	var bad []scenarios.Problem
	switch {
	case loads:
		b.Loader, bad = loader(spec.Restore)
	case boots:
		b.Imager, bad = imager(spec.Restore)
	default:
		both := map[string]bool{}
		for k := range kit.Loaders {
			both[k] = true
		}
		for k := range kit.Imagers {
			both[k] = true
		}
		bad = unknownKind(s, spec.Restore.Pos, "restore", spec.Restore.Kind, both)
	}
	return b, append(problems, bad...)
}

// unknownKind says which kinds there are; that there is none at all was said when the file was read.
func unknownKind[V any](s *scenarios.Scenario, pos scenarios.Pos, what, kind string,
	known map[string]V) []scenarios.Problem {
	if kind == "" {
		return nil
	}
	return []scenarios.Problem{{
		File: s.File, Line: pos.Line, Column: pos.Column,
		Message: fmt.Sprintf("unknown kind of %s %q", what, kind),
		Hint:    scenarios.Nearest(kind, slices.Sorted(maps.Keys(known)), "this lifeboat knows "),
	}}
}

func (p *Plan) planInstances(kit Kit) []scenarios.Problem {
	var problems []scenarios.Problem
	s := p.Scenario
	for _, name := range p.Order {
		i := s.Instances[name]
		if _, ok := kit.Instances[i.Kind]; !ok {
			problems = append(problems, unknownKind(s, i.Pos, "instance", i.Kind, kit.Instances)...)
			continue
		}
		if !slices.Contains(p.Kinds, i.Kind) {
			p.Kinds = append(p.Kinds, i.Kind)
		}
		problems = append(problems, p.boots(name, i.Boot, i.Pos)...)
		if b := p.Backups[i.Load]; b != nil && b.Loader == nil && b.Imager != nil {
			problems = append(problems, p.problem(i.Pos, "write boot: "+i.Load,
				"instance %s loads backup %s, which is an image", name, i.Load))
		}
	}
	for _, steps := range p.steps() {
		for _, st := range steps {
			if st.Boot != nil && st.Boot.From != "" {
				problems = append(problems, p.boots(st.Boot.Instance, st.Boot.From, st.Pos)...)
			}
		}
	}
	slices.Sort(p.Kinds)
	return problems
}

// steps lists those of every upgrade and of every rollback.
func (p *Plan) steps() [][]scenarios.Step {
	all := [][]scenarios.Step{p.Scenario.Upgrade}
	for _, in := range p.Scenario.Incidents {
		all = append(all, in.Upgrade, in.Rollback)
	}
	return all
}

// boots checks that an instance can be booted from a backup. References to nothing were reported when the file was read.
func (p *Plan) boots(name, backup string, pos scenarios.Pos) []scenarios.Problem {
	i, known := p.Scenario.Instances[name]
	b := p.Backups[backup]
	switch {
	case !known || b == nil:
	case b.Imager == nil && b.Loader != nil && i.Virtual():
		return []scenarios.Problem{p.problem(pos, "a machine boots restore: {kind: disk}; a dump is loaded into a container",
			"instance %s boots from backup %s, which is loaded, not booted", name, backup)}
	case b.Imager == nil && b.Loader != nil:
		return []scenarios.Problem{p.problem(pos, "write load: "+backup+" and name an image",
			"instance %s boots from backup %s, which is loaded, not booted", name, backup)}
	default:
		if f, ok := b.Imager.(restore.Fitting); ok && f.Fits(i.Virtual()) != nil {
			return []scenarios.Problem{p.problem(pos, "boot it from another backup, or change the kind of one of them",
				"instance %s (%s) cannot boot from backup %s: %v", name, i.Kind, backup, f.Fits(i.Virtual()))}
		}
	}
	return nil
}

// problem of the scenario at a place.
func (p *Plan) problem(pos scenarios.Pos, hint, format string, args ...any) scenarios.Problem {
	return scenarios.Problem{File: p.Scenario.File, Line: pos.Line, Column: pos.Column,
		Message: fmt.Sprintf(format, args...), Hint: hint}
}

func (p *Plan) planFaults(kit Kit) []scenarios.Problem {
	var problems []scenarios.Problem
	for _, in := range p.Scenario.Incidents {
		var plans []FaultPlan
		for _, spec := range in.Faults {
			open, ok := kit.Faults[spec.Kind]
			if !ok {
				problems = append(problems, unknownKind(p.Scenario, spec.Pos, "fault", spec.Kind, kit.Faults)...)
				continue
			}
			f, bad := open(spec.Settings)
			problems = append(problems, bad...)
			on := p.Scenario.Instances[spec.On]
			_, known := kit.Instances[on.Kind]
			if fit, ok := f.(fault.Fitting); ok && known && fit.Fits(on.Virtual()) != nil {
				problems = append(problems, p.problem(spec.Pos, "name an instance of kind: qemu, or choose another fault",
					"fault %s cannot be injected on %s: %v", spec.Kind, spec.On, fit.Fits(on.Virtual())))
			}
			plans = append(plans, FaultPlan{Spec: spec, Fault: f})
		}
		p.Faults = append(p.Faults, plans)
	}
	return problems
}

func (p *Plan) planChecks(kit Kit) []scenarios.Problem {
	var problems []scenarios.Problem
	for _, spec := range p.Scenario.Checks.All() {
		open, ok := kit.Checks[string(spec.Layer)+"/"+spec.Kind]
		if !ok {
			problems = append(problems, p.unknownCheck(kit, spec)...)
			continue
		}
		c, bad := open(spec, p.Scenario.Dir)
		problems = append(problems, bad...)
		p.Checks = append(p.Checks, CheckPlan{Spec: spec, Check: c})
	}
	return problems
}

// unknownCheck says which checks the layer has, or in which one that check belongs.
func (p *Plan) unknownCheck(kit Kit, spec scenarios.CheckSpec) []scenarios.Problem {
	known := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(kit.Checks)) {
		layer, kind, _ := strings.Cut(key, "/")
		switch {
		case layer == string(spec.Layer):
			known[kind] = true
		case kind == spec.Kind:
			return []scenarios.Problem{p.problem(spec.Pos, "move it to checks."+layer,
				"%q is a check of the layer %s, not of %s", spec.Kind, layer, spec.Layer)}
		}
	}
	return unknownKind(p.Scenario, spec.Pos, string(spec.Layer)+" check", spec.Kind, known)
}

// estimate sums what the instances take and refuses what cannot fit: before anything starts.
func (p *Plan) estimate(ctx context.Context, kit Kit) {
	for _, name := range p.Order {
		i := p.Scenario.Instances[name]
		p.Needs.Memory += max(int64(i.Memory), defaultMemory)
		for _, b := range []string{i.Boot, i.Load} {
			switch bp := p.Backups[b]; {
			case bp == nil:
			case i.Virtual(): // it is read where it lies
				p.Needs.Disk += overlayDisk
			default:
				p.Needs.Disk += bp.Point.Size * diskFactor
			}
		}
	}
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
		p.Refusals = append(p.Refusals, fmt.Sprintf("the instances may take %d MiB of memory, %d MiB are free; "+
			"lower memory: in the scenario, or drill on a larger host", p.Needs.Memory>>20, memory>>20))
	}
}

// defaultMemory of an instance that names none, bytes.
const defaultMemory = 1 << 30

// bootOrder sorts the instances so that those that are needed come first. The
// loader has refused cycles, and needs of what is not there.
func bootOrder(s *scenarios.Scenario) []string {
	var order []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if _, known := s.Instances[name]; seen[name] || !known {
			return
		}
		seen[name] = true
		for _, n := range s.Instances[name].Needs {
			visit(n)
		}
		order = append(order, name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Instances)) {
		visit(name)
	}
	return order
}

// RefusedError says that preflight found something that this host cannot do;
// nothing was started and no number was taken.
type RefusedError struct{ Reasons []string }

func (e *RefusedError) Error() string {
	errs := make([]error, len(e.Reasons))
	for i, r := range e.Reasons {
		errs[i] = errors.New(r)
	}
	return fmt.Sprintf("preflight refused: %v", errors.Join(errs...))
}

// after waits, or returns early with the context's error.
func after(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
