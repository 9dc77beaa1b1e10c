package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// limits says what this drill was not: not measured, simulated, emulated, not rehearsed, excluded.
func (a author) limits() section {
	var blocks []block
	add := func(caption string, list []cell) {
		if len(list) > 0 {
			blocks = append(blocks, block{Caption: a.say("caption." + caption), List: list})
		}
	}
	var unmeasured, simulated, not []cell
	for _, r := range a.v.Unmeasured {
		if !a.reasoned(r) {
			unmeasured = append(unmeasured, text(a.words(r)))
		}
	}
	for _, basis := range []record.Basis{record.BasisSimulated, record.BasisEmulated, record.BasisProjected} {
		var names []string
		for _, j := range a.v.Objectives {
			name := a.c.Named(a.l, "objective", j.Name)
			if j.Measured != nil && j.Basis == basis && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			simulated = append(simulated, text(a.say("limits.basis", "objective", strings.Join(names, a.say("limits.and")),
				"basis", a.say("basis_means."+string(basis)))))
		}
	}
	for _, id := range a.r.Header.NotRehearsed {
		not = append(not, text(a.c.Sentence(a.l, record.Reason{ID: id})))
	}
	add("unmeasured", unmeasured)
	add("simulated", simulated)
	add("not_rehearsed", not)
	add("excluded", a.excluded())
	for _, e := range a.r.Harness {
		blocks = append(blocks, block{List: []cell{marked(a.badge("status", "inconclusive"),
			a.say("limits.harness", "phase", a.c.Named(a.l, "phase", e.Phase), "error", e.Error))}})
	}
	if len(blocks) == 0 {
		blocks = append(blocks, block{Paragraph: a.say("limits.none")})
	}
	return section{ID: "limits", Title: a.say("section.limits"), Blocks: blocks}
}

// scope is what was rehearsed: the plan as it was fixed before the drill.
func (a author) scope() section {
	h := a.r.Header
	var pairs []pair
	add := func(key string, c cell) {
		if c.Text != "" {
			pairs = append(pairs, pair{a.say("scope." + key), c})
		}
	}
	add("planned", text(a.slot(a.r.Header.Planned, a.r.Header.Started)))
	add("trigger", text(a.c.Named(a.l, "trigger", string(h.Trigger))))
	add("prepare", text(a.told(strings.Join(h.Prepare, " → "))))
	for _, in := range h.Incidents {
		add("begins", text(a.told(strings.Join(in.Upgrade, " → "))))
		var faults []string
		for _, f := range in.Faults { // as the plan calls them
			kind, on, _ := strings.Cut(f, " on ")
			faults = append(faults, a.say("incident.fault_on", "kind", kind, "on", on))
		}
		add("faults", text(strings.Join(faults, a.say("limits.and"))))
		add("rollback", textOf(a.told(strings.Join(in.Rollback, " → ")), in.Name))
	}
	var instances []string
	for _, i := range h.Instances {
		basis := ""
		if i.Basis == record.BasisEmulated {
			basis = a.c.Named(a.l, "basis", string(i.Basis))
		}
		instances = append(instances, a.say("scope.instance", "instance", i.Name, "kind", i.Kind, "backup", i.Backup, "basis", basis))
	}
	add("instances", text(strings.Join(instances, " · ")))
	add("green", text(a.green()))
	add("flow", text(a.flow()))
	add("stable", text(a.say("scope.stable_for", "stable", h.StableFor.String())))
	add("deadline", text(a.l.Limit(h.Deadline)))
	if n := a.r.Network; n != nil {
		words := n.Range
		if n.Declared != "" {
			words = a.say("scope.network_of", "range", n.Range, "declared", n.Declared)
		}
		add("network", text(words))
	}
	add("egress", text(strings.Join(h.ExpectedEgress, ", ")))
	add("egress_allowed", text(strings.Join(h.AllowedEgress, ", ")))
	if h.Reference != nil {
		add("reference", text(a.l.Time(*h.Reference)))
	}
	s := a.section("scope", block{Pairs: pairs})
	s.Note = a.say("note.scope")
	return s
}

// green says what counted as good, as it was written down before the drill.
func (a author) green() string {
	h := a.r.Header
	if h.PulseRate <= 0 {
		return ""
	}
	latency := ""
	if h.LatencyLimit > 0 {
		latency = a.l.Limit(h.LatencyLimit)
	}
	return a.say("scope.green_means", "pace", a.pace(), "limits", a.givesUp(), "latency", latency,
		"tolerate", fmt.Sprintf("%g %%", h.Tolerate*100))
}

// flow says which script asked, with which variables and which addresses.
func (a author) flow() string {
	h := a.r.Header
	if h.Flow == "" {
		return ""
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(h.FlowEnv)) {
		env = append(env, name+"="+h.FlowEnv[name])
	}
	asked := ""
	if a.r.Pulse != nil {
		asked = strings.Join(a.r.Pulse.Asked, ", ")
	}
	return a.say("scope.flow_asked", "flow", h.Flow, "after", h.FlowAfter, "asked", asked, "env", strings.Join(env, ", "))
}

// pace says how the pulse asks.
func (a author) pace() string {
	p := a.r.Pace()
	if p.Alone() {
		return a.say("pulse.alone", "every", positive(p.Every))
	}
	return a.say("pulse.rate", "rate", fmt.Sprintf("%g", p.Rate))
}

// givesUp says when the pulse gives up; "" where nobody knows.
func (a author) givesUp() string {
	p := a.r.Pace()
	switch {
	case p.Timeout <= 0:
		return ""
	case p.Request <= 0 || p.Request == p.Timeout:
		return a.say("pulse.limit", "timeout", positive(p.Timeout))
	}
	return a.say("pulse.limits", "timeout", positive(p.Timeout), "request", positive(p.Request))
}

func (a author) people() section {
	people := a.r.Header.People
	order := []string{"commander", "operators", "impact", "communications", "reviewer"}
	var pairs []pair
	for _, role := range order {
		name := cmp.Or(people[role], a.say("people.unnamed"))
		pairs = append(pairs, pair{a.say("role." + role), text(name)})
	}
	for _, role := range slices.Sorted(maps.Keys(people)) {
		if !slices.Contains(order, role) {
			pairs = append(pairs, pair{a.c.Named(a.l, "role", role), text(people[role])})
		}
	}
	for _, in := range a.r.Incidents {
		if d := in.Decision; d != nil && d.By != string(record.BasisSimulated) {
			pairs = append(pairs, pair{a.say("people.decided"), textOf(d.By, a.l.Clock(a.wall(d.At.Late)))})
		}
	}
	return a.section("people", block{Pairs: pairs})
}

// production sets the declared facts of production beside those of the drill. Nothing is
// scaled or projected here.
func (a author) production() section {
	h := a.r.Header
	var size int64
	for _, p := range a.r.RestorePoints {
		size += p.Size
	}
	here := map[string]string{"engine": h.Host.Engine}
	if size > 0 {
		here["size"] = a.say("production.backups", "size", a.l.Size(size))
	}
	if h.Host.CPUs > 0 {
		here["cpus"] = fmt.Sprint(h.Host.CPUs)
	}
	if h.Host.Memory > 0 {
		here["memory"] = a.l.Size(h.Host.Memory)
	}
	here["host"] = strings.Join(nonEmpty(h.Host.Name, h.Host.OS, h.Host.Kernel), " · ")
	keys := []string{"size", "cpus", "memory", "host", "engine"}
	for _, k := range slices.Sorted(maps.Keys(h.Production)) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	t := &table{Class: "production", Columns: a.columns("", "", "production", "drill")}
	for _, k := range keys {
		if h.Production[k] == "" && here[k] == "" {
			continue
		}
		row := []cell{text(a.c.Named(a.l, "production_fact", k)), text(h.Production[k]), text(here[k])}
		if row[1].Text == "" {
			row[1] = text(a.say("production.undeclared"))
		}
		if row[2].Text == "" {
			row[2] = text(a.say("production.not_compared"))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return section{}
	}
	s := a.section("production", block{Table: t})
	s.Note = a.say("note.production")
	return s
}

// rest says what the pulse's flow did not see, and who asked meanwhile or from then on.
func (a author) rest(r record.Rest) string {
	key := "pulse.rested"
	switch {
	case r.Turn:
		key = "pulse.turned"
	case !r.Seen:
		key = "pulse.unseen"
	}
	return a.say(key, "at", r.From.Early.String(), "for", (r.To.Late - r.From.Early).String(), "flow", r.Flow, "scenario", r.Scenario)
}
