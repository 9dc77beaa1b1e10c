package drills

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"lifeboat/drills/store"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// kindOf an instance; the zero Kind where nobody knows it.
func (p *Plan) kindOf(name string) instance.Kind { return p.kinds[p.Scenario.Instances[name].Kind] }

// known tells whether there is an instance of that name, of a kind that somebody boots.
func (p *Plan) known(name string) bool { return p.kindOf(name).New != nil }

// kindsThat lists the kinds of such instances.
func (p *Plan) kindsThat(fit func(t instance.Traits) bool) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p.kinds)) {
		if fit(p.kinds[name].Traits) {
			all = append(all, name)
		}
	}
	return strings.Join(all, " or ")
}

// MadeOf are the backups that an instance is made of at first: the one that it boots from, the one that is loaded, and those
// of further disks.
func (p *Plan) MadeOf(name string) []string {
	all := p.Scenario.Instances[name].Backups()
	for _, d := range instance.DisksOf(p.own[name]) {
		if d.Backup != "" {
			all = append(all, d.Backup)
		}
	}
	return all
}

// planLoads looks at what is loaded into an instance: data of one server at most, and trees of files whose folders are apart.
func (p *Plan) planLoads(name string, i scenarios.Instance) (problems []scenarios.Problem) {
	server, folders := "", map[string]string{}
	for _, load := range i.Load {
		b := p.Backups[load]
		if b == nil || b.Loader == nil {
			if b != nil && b.Imager != nil {
				problems = append(problems, p.problem(i.Pos, "write boot: "+load, "instance %s loads backup %s, which is an image", name, load))
			}
			continue
		}
		folder, early := beforehand(b)
		switch {
		case early && p.known(name) && p.kindOf(name).Boots != instance.Images:
			problems = append(problems, p.problem(i.Pos, "load it into one that is booted from an image",
				"instance %s takes no files: it has no volume, and backup %s is put onto one", name, load))
		case !early && server != "":
			problems = append(problems, p.problem(i.Pos, "give each server an instance of its own; trees of files go beside one of them",
				"instance %s loads %s and %s, and is one server", name, server, load))
		case !early:
			server = load
		}
		for other, of := range folders {
			if early && (strings.HasPrefix(folder+"/", other+"/") || strings.HasPrefix(other+"/", folder+"/")) {
				problems = append(problems, p.problem(i.Pos, "give each tree a folder of its own: a folder is emptied first",
					"backups %s and %s of instance %s are put into each other: %s and %s", of, load, name, other, folder))
			}
		}
		if early && folder != "" {
			folders[folder] = load
		}
	}
	return problems
}

// planInstances has each instance's own keys read by its kind, and looks at what it is made of.
func (p *Plan) planInstances() []scenarios.Problem {
	var problems []scenarios.Problem
	s := p.Scenario
	for _, name := range p.Order {
		i := s.Instances[name]
		if !p.known(name) {
			problems = append(problems, unknownKind(s, i.Pos, "instance", i.Kind, p.kinds)...)
			continue
		}
		if !slices.Contains(p.Kinds, i.Kind) {
			p.Kinds = append(p.Kinds, i.Kind)
		}
		problems = append(problems, p.decode(name)...)
		problems = append(problems, p.boots(name, i.Boot, i.Pos)...)
		for _, d := range instance.DisksOf(p.own[name]) {
			if p.Backups[d.Backup] == nil && d.Backup != "" {
				problems = append(problems, i.Settings.Problem(d.Key, scenarios.Nearest(d.Backup,
					slices.Sorted(maps.Keys(s.Backups)), "backups: "), "there is no backup %q", scenarios.Clip(d.Backup)))
			}
			problems = append(problems, p.boots(name, d.Backup, i.Pos)...)
		}
		for _, in := range p.loadings(name) {
			problems = append(problems, p.planLoads(name, in)...)
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

// decode has an instance's own keys read by its kind. Those that are another kind's are told by what that is.
func (p *Plan) decode(name string) (problems []scenarios.Problem) {
	i, kind := p.Scenario.Instances[name], p.kindOf(name)
	for _, other := range slices.Sorted(maps.Keys(p.kinds)) {
		for _, key := range p.kinds[other].Keys {
			if !slices.Contains(kind.Keys, key) && slices.Contains(i.Settings.Keys(), key) {
				problems = append(problems, i.Settings.Problem(key, fmt.Sprintf("say kind: %s, or delete it", other),
					"belongs to %s", p.kinds[other].Is))
				i.Settings = i.Settings.Without(key)
			}
		}
	}
	own, bad := kind.Settings(i)
	p.own[name] = own
	return append(problems, bad...)
}

// boots checks that an instance can be booted from a backup. References to nothing were reported when the file was read.
func (p *Plan) boots(name, backup string, pos scenarios.Pos) []scenarios.Problem {
	b, traits := p.Backups[backup], p.kindOf(name).Traits
	switch {
	case !p.known(name) || b == nil:
	case b.Imager == nil && b.Loader != nil && traits.OwnDisk:
		return []scenarios.Problem{p.problem(pos, "a machine boots restore: {kind: disk}; a dump is loaded into a container",
			"instance %s boots from backup %s, which is loaded, not booted", name, backup)}
	case b.Imager == nil && b.Loader != nil:
		return []scenarios.Problem{p.problem(pos, "write load: "+backup+" and name an image",
			"instance %s boots from backup %s, which is loaded, not booted", name, backup)}
	default:
		if f, ok := b.Imager.(restore.Fitting); ok && f.Fits(traits) != nil {
			return []scenarios.Problem{p.problem(pos, "boot it from another backup, or change the kind of one of them",
				"instance %s (%s) cannot boot from backup %s: %v, kind: %s", name, p.Scenario.Instances[name].Kind, backup, f.Fits(traits),
				p.kindsThat(func(t instance.Traits) bool { return f.Fits(t) == nil }))}
		}
	}
	return nil
}

// unused finds backups that nothing is made of.
func (p *Plan) unused() (problems []scenarios.Problem) {
	used := map[string]bool{}
	use := func(names ...string) {
		for _, n := range names {
			used[n] = true
		}
	}
	for name := range p.Scenario.Instances {
		use(p.MadeOf(name)...)
	}
	for _, b := range p.Backups {
		if n, ok := b.Loader.(restore.Needing); ok {
			use(slices.Collect(maps.Values(n.Needs()))...)
		}
	}
	p.Scenario.EachStep(func(_ string, st scenarios.Step) { use(st.Traits().Reads...) })
	for _, name := range slices.Sorted(maps.Keys(p.Scenario.Backups)) {
		if !used[name] {
			problems = append(problems, p.Scenario.Problem("backups."+name, "name it under boot or load of an instance, or delete it",
				"is restored nowhere")...)
		}
	}
	return problems
}

// instanceOf is the instance that a check calls by its name or by one of its aliases.
func (p *Plan) instanceOf(name string) string {
	for in, spec := range p.Scenario.Instances {
		if slices.Contains(spec.Aliases, name) {
			return in
		}
	}
	return name
}

// loadings are an instance as it is loaded at first, and as each step loads it that takes other backups.
func (p *Plan) loadings(name string) []scenarios.Instance {
	in := p.Scenario.Instances[name]
	all := []scenarios.Instance{in}
	p.Scenario.EachStep(func(_ string, st scenarios.Step) {
		if st.Boot != nil && st.Boot.Instance == name && len(st.Boot.Load) > 0 {
			in.Load, in.Pos = st.Boot.Load, st.Pos
			all = append(all, in)
		}
	})
	return all
}

// loads are all backups that are loaded into an instance, at first or by a step.
func (p *Plan) loads(name string) (all []string) {
	for _, in := range p.loadings(name) {
		all = append(all, in.Load...)
	}
	return all
}

// loaded is the backup of an instance that a check looks at, of those that are loaded: the first that is a tree of files, or the first that is
// not; where there is none such, the first. "": none is loaded.
func (p *Plan) loaded(in scenarios.Instance, tree bool) string {
	for _, name := range in.Load {
		if _, early := beforehand(p.Backups[name]); early == tree {
			return name
		}
	}
	if len(in.Load) > 0 {
		return in.Load[0]
	}
	return ""
}

// speaksTo are the hosts that the drill itself or what the scenario lets out speaks to, and the networks that guests
// have on their own cards: no machine may have their addresses.
func (p *Plan) speaksTo() []string {
	var all []string
	for _, b := range p.Backups {
		if r, ok := b.Store.(store.Remote); ok {
			all = append(all, r.Hosts()...)
		}
	}
	for _, out := range p.Scenario.Egress.Allow {
		if host, _, err := net.SplitHostPort(out); err == nil {
			all = append(all, host)
		}
	}
	for _, own := range p.own {
		if n, ok := instance.As[instance.Networked](own); ok {
			all = append(all, n.Network().String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
