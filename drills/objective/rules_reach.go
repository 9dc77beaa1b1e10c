package objective

import (
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// reach: what no flow and no check ever spoke to is not proved, and a flow that spoke to none of what was restored is no
// witness of it. It is asked of a drill that asked all that it was to ask; one that ended before has said so.
func (j *judge) reach() {
	reach := j.r.Reach
	if reach == nil || !j.askedAll() {
		return
	}
	if reach.Unmeasured != "" {
		j.v.Weak = append(j.v.Weak, record.Reason{ID: "reach.unmeasured", Args: args{"why": reach.Unmeasured}})
		return
	}
	proved := j.fromBackups()
	spoken := spokenTo(reach.Links, func(l record.Link) bool { return l.Check || l.Flow != "" })
	for _, i := range j.r.Header.Instances {
		switch {
		case spoken[i.Name]:
		case proved[i.Name]:
			j.unknown("reach.none", args{"instance": i.Name, "backup": i.Backup})
		default:
			j.observe("reach.untouched", args{"instance": i.Name})
		}
	}
	var elsewhere []string
	for _, f := range reach.Flows {
		heard := spokenTo(reach.Links, func(l record.Link) bool { return l.Flow == f })
		if !slices.ContainsFunc(j.r.Header.Instances, func(i record.InstancePlan) bool { return heard[i.Name] && proved[i.Name] }) {
			elsewhere = append(elsewhere, f)
		}
	}
	if len(elsewhere) > 0 {
		j.unknown("reach.elsewhere", args{"flows": strings.Join(elsewhere, ", ")})
	} else {
		j.reachAgain(proved)
	}
}

// reachAgain: what a rollback brought back is proved by who speaks to it afterwards. A flow may have gone over to something
// else meanwhile, and be green there. Journals that do not say until when something was spoken to are not asked.
func (j *judge) reachAgain(proved map[string]bool) {
	links := j.r.Reach.Links
	if slices.ContainsFunc(links, func(l record.Link) bool { return l.Last == 0 }) {
		return
	}
	for _, i := range j.r.Header.Instances {
		since, rebuilt := j.rebuilt(i.Name)
		asked := func(l record.Link) bool { return l.Check || l.Flow != "" }
		if rebuilt && proved[i.Name] && spokenTo(links, asked)[i.Name] && !spokenTo(until(links, since), asked)[i.Name] {
			j.unknown("reach.not_again", args{"instance": i.Name, "backup": i.Backup})
		}
	}
	var rolled time.Duration
	for _, in := range j.r.Incidents {
		if in.Rollback == record.RollbackDone && in.RolledBack != nil {
			rolled = max(rolled, in.RolledBack.Late)
		}
	}
	if u := j.r.Pulse; rolled == 0 || u == nil || len(u.Reds) > 0 && u.Reds[len(u.Reds)-1].Open { // red: that says it
		return
	}
	var elsewhere []string
	for _, f := range j.r.Reach.Flows {
		if j.askedBefore(f) {
			continue
		}
		heard := spokenTo(until(links, rolled), func(l record.Link) bool { return l.Flow == f })
		if !slices.ContainsFunc(j.r.Header.Instances, func(i record.InstancePlan) bool { return heard[i.Name] && proved[i.Name] }) {
			elsewhere = append(elsewhere, f)
		}
	}
	if len(elsewhere) > 0 {
		j.unknown("reach.elsewhere_since", args{"flows": strings.Join(elsewhere, ", ")})
	}
}

// askedBefore tells whether a flow was the pulse between an upgrade and its rollback only: nobody ran it after that.
func (j *judge) askedBefore(flow string) bool {
	u := j.r.Pulse
	return flow != j.r.Header.Flow && flow != u.Asking(j.r.Header.Flow) &&
		slices.ContainsFunc(u.Rests, func(r record.Rest) bool { return r.Turn && r.Flow == flow })
}

// rebuilt tells whether a rollback brought an instance back and left it, and when.
func (j *judge) rebuilt(name string) (since time.Duration, is bool) {
	for _, s := range j.r.Steps {
		if s.Subject.Instance != name || s.Phase != record.PhaseRollback || s.Outcome != record.OutcomeDone {
			continue
		}
		switch t := scenarios.TraitsOf(s.Kind); {
		case t.Rebuilt:
			since, is = s.Ended, true
		case t.Fresh: // and nothing stands there now
			is = false
		}
	}
	return since, is
}

// until are the links that were used at a moment or later.
func until(links []record.Link, moment time.Duration) []record.Link {
	return slices.DeleteFunc(slices.Clone(links), func(l record.Link) bool { return l.Last < moment })
}

// askedAll tells whether the drill took its course to its end.
func (j *judge) askedAll() bool {
	return j.r.Status == record.RunCompleted && j.bootedAll() && !j.excusedAt(j.r.Observed) &&
		!slices.ContainsFunc(j.r.Header.Checks, func(p record.CheckPlan) bool { return !j.asked(p) })
}

// fromBackups are the instances that hold what is to be proved.
func (j *judge) fromBackups() map[string]bool {
	all := map[string]bool{}
	for _, i := range j.r.Header.Instances {
		all[i.Name] = i.Backup != ""
	}
	for _, x := range j.r.Restores {
		all[x.Subject.Instance] = true
	}
	return all
}

// spokenTo are the instances that were reached by those links, or from an instance that was.
func spokenTo(links []record.Link, first func(record.Link) bool) map[string]bool {
	all := map[string]bool{}
	for _, l := range links {
		if first(l) {
			all[l.To] = true
		}
	}
	for before := -1; before != len(all); {
		before = len(all)
		for _, l := range links {
			if l.From != "" && all[l.From] {
				all[l.To] = true
			}
		}
	}
	return all
}

// egressExamples of a kind are named, in the order of their first attempts.
const egressExamples = 3

// egress is one finding for each kind of attempt to get out: who tried, over what, declared or not. A restored system
// that looks for hundreds of names must not bury what else was found.
func (j *judge) egress() {
	type kind struct {
		instance, protocol string
		expected           bool
	}
	var order []kind
	of := map[kind][]record.EgressFact{}
	for _, e := range j.r.Egress {
		k := kind{e.Subject.Instance, e.Protocol, e.Expected}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], e)
	}
	for _, k := range order {
		a := args{"instance": k.instance, "protocol": k.protocol}
		facts, count := of[k], 0
		for _, e := range facts {
			count += e.Count
		}
		a["count"] = number(count)
		if len(facts) == 1 {
			a["target"], a["host"] = facts[0].Target, facts[0].Host
		} else {
			a["targets"] = number(len(facts))
			a["examples"] = examples(facts)
		}
		switch {
		case k.expected && len(facts) == 1:
			j.observe("egress.expected", a)
		case k.expected:
			j.observe("egress.expected_many", a)
		case len(facts) == 1:
			j.finding("medium", "egress.unexpected", a)
		default:
			j.finding("medium", "egress.unexpected_many", a)
		}
	}
}

func examples(facts []record.EgressFact) string {
	var all []string
	for _, e := range facts[:min(len(facts), egressExamples)] {
		if e.Host != "" && e.Host != e.Target {
			all = append(all, e.Target+" ("+e.Host+")")
		} else {
			all = append(all, e.Target)
		}
	}
	return strings.Join(all, ", ")
}
