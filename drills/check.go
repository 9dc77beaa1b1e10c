package drills

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/secrets"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Check finds what is wrong with a scenario in the eyes of the back-ends that its kinds name. It asks neither stores nor
// the host. The scenario may be one that has problems already, as scenarios.Read gives it: those are not repeated.
func Check(kit Kit, s *scenarios.Scenario) scenarios.Problems {
	_, problems := resolve(kit, s)
	return problems
}

// resolve finds the back-end of every kind, and what it has to say.
func resolve(kit Kit, s *scenarios.Scenario) (*Plan, scenarios.Problems) {
	p := &Plan{Scenario: s, Backups: map[string]*BackupPlan{}, Order: bootOrder(s), kinds: kit.Instances,
		own: map[string]instance.Settings{}, started: &store.Programs{Rooms: kit.Rooms}}
	var problems scenarios.Problems
	for _, name := range slices.Sorted(maps.Keys(s.Backups)) {
		b, bad := p.planBackup(kit, name)
		problems = append(problems, bad...)
		p.Backups[name] = b
	}
	problems = append(problems, p.needed()...)
	problems = append(problems, p.planInstances()...)
	problems = append(problems, p.planTraits()...)
	problems = append(problems, p.unused()...)
	problems = append(problems, p.planFaults(kit)...)
	problems = append(problems, p.planChecks(kit)...)
	known := secrets.Of(s)    // now that the back-ends have read theirs
	for i := range problems { // a back-end may repeat the address that it was given
		problems[i].Message = known.Hide(problems[i].Message)
	}
	return p, problems.Sorted(s.File)
}

func (p *Plan) planBackup(kit Kit, name string) (*BackupPlan, []scenarios.Problem) {
	s := p.Scenario
	spec := s.Backups[name]
	b := &BackupPlan{Name: name, Spec: spec}
	var problems []scenarios.Problem
	if open, ok := kit.Stores[spec.Store.Kind]; ok {
		st, bad := open(store.Site{Folder: s.Dir, Programs: p.started}, spec.Store)
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

// needed looks for the backups that others need.
func (p *Plan) needed() []scenarios.Problem {
	var problems []scenarios.Problem
	for _, name := range slices.Sorted(maps.Keys(p.Backups)) {
		needing, ok := p.Backups[name].Loader.(restore.Needing)
		if !ok {
			continue
		}
		needs := needing.Needs()
		for _, key := range slices.Sorted(maps.Keys(needs)) {
			other := p.Backups[needs[key]]
			settings := p.Backups[name].Spec.Restore
			switch {
			case other == nil:
				problems = append(problems, settings.Problem(key, scenarios.Nearest(needs[key],
					slices.Sorted(maps.Keys(p.Backups)), "backups are "), "there is no backup %q", needs[key]))
			case other.Loader != nil || other.Imager != nil: // else its own problem is told
				if hint, problem := p.Backups[name].takes(key, other); problem != "" {
					problems = append(problems, settings.Problem(key, hint, "backup %q %s", needs[key], problem))
				}
			}
		}
	}
	return problems
}

// takes tells whether a backup can use another one that it names; "" where it can.
func (b *BackupPlan) takes(key string, other *BackupPlan) (hint, problem string) {
	if c, ok := b.Loader.(restore.Choosing); ok {
		return c.Takes(key, other.Loader)
	}
	if other.Name == b.Name || other.Loader == nil {
		return "name a backup of restore: {kind: postgres} that pg_dumpall wrote", "holds no roles for this one"
	}
	return "", ""
}

// unknownKind says which kinds there are; that there is none at all was said when the file was read.
func unknownKind[V any](s *scenarios.Scenario, pos scenarios.Pos, what, kind string,
	known map[string]V) []scenarios.Problem {
	if kind == "" {
		return nil
	}
	return []scenarios.Problem{{
		File: pos.In(s.File), Line: pos.Line, Column: pos.Column,
		Message: fmt.Sprintf("unknown kind of %s %q", what, kind),
		Hint:    scenarios.Nearest(kind, slices.Sorted(maps.Keys(known)), "this lifeboat knows "),
	}}
}

// steps lists those of the preparation, of every upgrade and of every rollback.
func (p *Plan) steps() [][]scenarios.Step {
	all := [][]scenarios.Step{p.Scenario.Prepare, p.Scenario.Upgrade}
	for _, in := range p.Scenario.Incidents {
		all = append(all, in.Upgrade, in.Rollback)
	}
	return all
}

// problem of the scenario at a place.
func (p *Plan) problem(pos scenarios.Pos, hint, format string, args ...any) scenarios.Problem {
	return scenarios.Problem{File: pos.In(p.Scenario.File), Line: pos.Line, Column: pos.Column,
		Message: fmt.Sprintf(format, args...), Hint: hint}
}

func (p *Plan) planFaults(kit Kit) []scenarios.Problem {
	var problems []scenarios.Problem
	for i, in := range p.Scenario.Incidents {
		var plans []FaultPlan
		for k, spec := range in.Faults {
			open, ok := kit.Faults[spec.Kind]
			if !ok {
				problems = append(problems, unknownKind(p.Scenario, spec.Pos, "fault", spec.Kind, kit.Faults)...)
				continue
			}
			f, bad := open(spec.Settings)
			problems = append(problems, bad...)
			if fit, ok := f.(fault.Fitting); ok && p.known(spec.On) && fit.Fits(p.kindOf(spec.On).Traits) != nil {
				problems = append(problems, p.problem(spec.Pos, fmt.Sprintf("name an instance of kind: %s, or choose another fault",
					p.kindsThat(func(t instance.Traits) bool { return fit.Fits(t) == nil })),
					"fault %s cannot be injected on %s: %v", spec.Kind, spec.On, fit.Fits(p.kindOf(spec.On).Traits)))
			}
			plans = append(plans, FaultPlan{Spec: spec, Fault: f, Incident: i + 1, Index: k + 1})
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
		if backup := p.loaded(p.Scenario.Instances[spec.Settings.Text("on")], false); backup != "" {
			spec.Loads = p.Scenario.Backups[backup].Restore.Kind
		}
		c, bad := open(spec, p.Scenario.Dir)
		if with, ok := c.(verifier.Comparer); ok && len(bad) == 0 && p.Scenario.Trigger == record.TriggerNone && with.Compares() {
			bad = append(bad, p.problem(spec.Pos, "give it a fixed answer (expect, equals, at_least, against: now), ask with "+
				"another kind, or drill a fault or an upgrade", "check %q compares with before, and in a check run "+
				"(trigger: none) there is no before: it could never fail", spec.Name))
		}
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
