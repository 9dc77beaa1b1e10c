package drills

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// planTraits holds what the scenario asks of its instances against what their kinds have.
func (p *Plan) planTraits() []scenarios.Problem {
	problems := p.networks()
	for _, name := range p.Order {
		problems = append(problems, p.readyAsked(name)...)
	}
	for _, c := range p.Scenario.Checks.All() {
		problems = append(problems, p.portsAsked(c)...)
	}
	p.Scenario.EachStep(func(at string, st scenarios.Step) {
		problems = append(problems, p.stepFits(at, st)...)
	})
	return problems
}

// networks holds the drill's range against the networks that machines have of their own.
func (p *Plan) networks() []scenarios.Problem {
	n := p.Scenario.Network
	for _, name := range slices.Sorted(maps.Keys(p.own)) {
		var own netip.Prefix // on its own card; the zero value: it has none
		if of, ok := instance.As[instance.Networked](p.own[name]); ok {
			own = of.Network()
		}
		if n.IsValid() && own.IsValid() && own.Bits() <= n.Bits() && n.Overlaps(own) {
			return p.Scenario.Problem("network", "give another range; a larger one, such as 10.0.0.0/16, may hold it",
				"%s sees %s on its own card", name, own)
		}
	}
	return nil
}

// accepted says of a kind that accepts a connection before its guest listens, or lives.
func accepted(k instance.Kind) string {
	return fmt.Sprintf("a connection to %s is accepted for it, and so proves nothing", k.Is)
}

// closed says why a port of an instance cannot be reached, and which key opens it; "" where it can.
func (p *Plan) closed(name string, port int) (why, key string) {
	f, ok := instance.As[instance.Forwarding](p.own[name])
	if !ok || port == 0 {
		return "", ""
	}
	key, ports := f.Forwards()
	if slices.Contains(ports, port) {
		return "", key
	}
	return fmt.Sprintf("port %d of %s is reached only where %s names it", port, p.kindOf(name).Is, key), key
}

// readyAsked checks that what says when an instance is ready can say it.
func (p *Plan) readyAsked(name string) (problems []scenarios.Problem) {
	at, ready := "instances."+name+".ready", p.Scenario.Instances[name].Ready
	if ready == nil || !p.known(name) {
		return nil
	}
	if kind := p.kindOf(name); kind.Accepts && p.Scenario.Given(at+".tcp") {
		problems = append(problems, p.Scenario.Problem(at+".tcp", "say ready: {http: …} or ready: {exec: […]}", "%s", accepted(kind))...)
	}
	if u, err := url.Parse(ready.HTTP); err == nil {
		port, _ := strconv.Atoi(u.Port())
		if why, key := p.closed(name, port); why != "" {
			problems = append(problems, p.Scenario.Problem(at+".http", "add it to "+key+" of the instance", "%s", why)...)
		}
	}
	return problems
}

// portsAsked checks that the ports that a check asks can be reached, and that an answer means something.
func (p *Plan) portsAsked(c scenarios.CheckSpec) (problems []scenarios.Problem) {
	for _, target := range c.Settings.Texts("to") {
		name, text, ok := scenarios.SplitTarget(target)
		if !ok || !p.known(name) {
			continue
		}
		port, _ := strconv.Atoi(text)
		switch why, key := p.closed(name, port); {
		case why != "":
			problems = append(problems, c.Settings.Problem("to", "add it to instances."+name+"."+key, "%s", why))
		case c.Kind == "tcp" && p.kindOf(name).Accepts && !c.Settings.Has("expect"):
			problems = append(problems, c.Settings.Problem("to", "add expect: what its greeting holds, or ask with http or a command",
				"%s", accepted(p.kindOf(name))))
		}
	}
	return problems
}

// stepFits checks that a step can be done with an instance of that kind.
func (p *Plan) stepFits(at string, st scenarios.Step) (problems []scenarios.Problem) {
	key, _ := st.Action()
	if t := st.Traits(); t.OwnDisk && p.known(t.On) && !p.kindOf(t.On).OwnDisk {
		for _, other := range slices.Sorted(maps.Keys(p.kinds)) {
			if k := p.kinds[other]; k.OwnDisk {
				problems = append(problems, p.Scenario.Problem(at+"."+key+".on", fmt.Sprintf("name %s (kind: %s)", k.Is, other),
					"%s is %s: its disk and its kernel are its host's", t.On, p.kindOf(t.On).Is)...)
				break
			}
		}
	}
	problems = append(problems, p.dropped(at+".boot.drop_data", st.Boot)...)
	if st.Boot != nil && p.kindOf(st.Boot.Instance).OwnDisk {
		for _, key := range []string{"image", "env", "command", "keep_data", "drop_data"} {
			if key = at + ".boot." + key; p.Scenario.Given(key) {
				problems = append(problems, p.Scenario.Problem(key, "delete it; revert goes back to a disk of before, exec changes the machine",
					"%s is booted from its disk alone", p.kindOf(st.Boot.Instance).Is)...)
			}
		}
	}
	return problems
}

// dropped finds folders to be dropped that are not among the instance's own.
func (p *Plan) dropped(at string, b *scenarios.BootStep) []scenarios.Problem {
	if b == nil || len(b.DropData) == 0 || p.own[b.Instance] == nil || p.kindOf(b.Instance).OwnDisk {
		return nil
	}
	var r instance.Request
	if err := p.own[b.Instance].Fill(&r, func(scenarios.Secret) (string, error) { return "", nil }); err != nil {
		return nil // it is told where the settings are
	}
	var problems []scenarios.Problem
	for _, folder := range b.DropData {
		if !slices.Contains(r.Data, folder) {
			problems = append(problems, p.Scenario.Problem(at, "name one of them, or add it to them",
				"%s is none of the folders of data: of %s", folder, b.Instance)...)
		}
	}
	return problems
}
