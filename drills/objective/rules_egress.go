package objective

import (
	"strings"

	"lifeboat/drills/record"
)

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
