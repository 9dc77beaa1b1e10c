package scenarios

import (
	"strings"

	"lifeboat/drills/record"
)

// flow checks the pulse: it must be able to see an outage.
func (r *review) flow() {
	f := r.sc.Flow
	if f == nil {
		return
	}
	switch {
	case f.Pulse.Every > slowestUser:
		r.problem("flow.pulse.every", "at most 1m, better 5s", "%s between two looks is too long to see anything", f.Pulse.Every)
	case f.Pulse.Every > 0:
	case r.given("flow.pulse.every"):
		r.problem("flow.pulse.every", hintDuration, "cannot be 0s")
	case r.given("flow.pulse") && f.Pulse.Rate < slowestPulse:
		r.problem("flow.pulse", "at least 0.2/s, better 10/s", "%s is slower than one every 5s", f.Pulse.Rate)
	case f.Pulse.Rate > 1000:
		r.problem("flow.pulse", "a pulse is low and constant, such as 20/s", "%s is a load test", f.Pulse.Rate)
	}
	r.limits(f)
	if f.Tolerate == 100 {
		r.problem("flow.tolerate", "give the share of bad iterations that is still green", "nothing would ever be red")
	}
}

// Patience is how long an iteration of the flow may be waited for, and the incident whose rule says so; -1: none does. A
// rule must be able to fire after an iteration that took as long as it may. One user may be in another one when things
// break, which the rule does not count.
func (s *Scenario) Patience(alone bool) (longest Duration, incident int) {
	longest, incident = s.Verify.Within, -1
	if !s.sees() {
		return longest, incident
	}
	for i, in := range s.Incidents {
		rule, err := ParseRule(in.Detect.When)
		left := in.Detect.Within - rule.For
		if alone {
			left = min(left, in.Detect.Within/2)
		}
		if err == nil && left > 0 && left < longest {
			longest, incident = left, i
		}
	}
	return longest, incident
}

// limits checks how long an iteration and a request may take; nothing but Patience bounds them.
func (r *review) limits(f *Flow) {
	longest, incident := r.sc.Patience(f.Pulse.Every > 0)
	what := "verify.within"
	if incident >= 0 {
		what = r.sc.part(incident, "detect.within")
	}
	for _, key := range []string{"timeout", "request_timeout"} {
		limit := f.Timeout
		if key == "request_timeout" {
			limit = f.RequestTimeout
		}
		switch at := "flow." + key; {
		case limit == 0 && r.given(at):
			r.problem(at, hintDuration, "cannot be 0s")
		case limit > longest:
			r.problem(at, "at most "+longest.String()+", or a longer "+what, "a pulse that waits %s sees an outage too late", limit)
		}
	}
	switch {
	case f.Timeout > 0 && f.RequestTimeout > f.Timeout:
		r.problem("flow.request_timeout", "timeout is of one iteration, request_timeout of one request in it",
			"an iteration that is given up after %s leaves no request %s", f.Timeout, f.RequestTimeout)
	case f.Timeout > 0 && f.Latency >= f.Timeout:
		r.problem("flow.latency", "make it shorter than the timeout, or delete it",
			"a pulse that gives up after %s never sees a latency of %s", f.Timeout, f.Latency)
	}
}

// times checks the drill's own times.
func (r *review) times() {
	if r.sc.StableFor < shortestStable {
		r.problem("stable_for", "at least 5s; the default is 60s", "%s of green prove nothing", r.sc.StableFor)
	}
	if r.sc.Deadline == 0 {
		r.problem("deadline", "the hard maximum of the drill, such as 4h", "cannot be 0s")
	}
	if r.sc.Baseline.StableFor == 0 {
		r.problem("baseline.stable_for", "the default is 5s", "cannot be 0s")
	}
	if r.sc.Verify.Within < r.sc.StableFor {
		r.problem("verify.within", "wait longer than stable_for, which is "+r.sc.StableFor.String(),
			"within %s nothing can be green for long enough", r.sc.Verify.Within)
	}
}

// trigger holds what stands in the scenario against why a rollback is taken.
func (r *review) trigger() {
	t := r.sc.Trigger
	switch t {
	default:
		return // reported already
	case record.TriggerFault, record.TriggerUpgrade, record.TriggerOrder:
	case record.TriggerNone:
		for _, key := range []string{"upgrade", "faults", "detect", "decide", "rollback", "incidents"} {
			if r.given(key) {
				r.problem(key, "delete it, or say trigger: fault, upgrade or order",
					"a check run (trigger: none) has none")
			}
		}
		return
	}
	if r.sc.Flow == nil && !r.given("flow") {
		r.problem("trigger", "add flow: {script: …}, a k6 script of the business",
			"under %s the pulse of a flow says when the business is down", t)
	}
	if t == record.TriggerUpgrade && len(r.sc.Upgrade) == 0 {
		r.problem("trigger", "add its steps under upgrade", "there is no upgrade")
	}
}

// incidents checks what breaks and what is done about it.
func (r *review) incidents() {
	names := map[string]bool{}
	for i, in := range r.sc.Incidents {
		r.beginning(i, in)
		r.faults(i, in)
		r.detect(i, in.Detect)
		r.decide(i, in)
		if at := r.sc.part(i, "name"); in.Name != "" && names[in.Name] {
			r.problem(at, "give each incident a name of its own", "another incident is named %q already", clip(in.Name))
		} else if len([]rune(in.Name)) > longestName || strings.ContainsAny(in.Name, "\n\t") {
			r.problem(at, "a few words, such as old kernel", "is longer than %d letters or lines", longestName)
		}
		names[in.Name] = true
	}
}

// longestName of an incident, in letters: it heads a column of a table.
const longestName = 30

// beginning checks the steps that make an incident begin.
func (r *review) beginning(i int, in Incident) {
	at := r.sc.part(i, "upgrade")
	switch {
	case len(in.Upgrade) == 0:
	case i == 0:
		r.problem(at, "move its steps to the end of the scenario's own upgrade", "the first incident begins with that one")
	case r.sc.Trigger == record.TriggerOrder:
		r.problem(at, "delete it, or say trigger: upgrade", "under an order nothing is broken first")
	}
}

// slowRestore is the kind of fault that is armed on a backup; every other one is on an instance.
const slowRestore = "slow-restore"

// faults checks what is broken, and that it is broken at all where it must be.
func (r *review) faults(i int, in Incident) {
	broken := 0
	for k, f := range in.Faults {
		at := index(r.sc.part(i, "faults"), k)
		if f.Kind == slowRestore {
			r.backup(at+".on", f.On)
			if f.RemovedBy != "" {
				r.problem(at+".removed_by", "delete it", "a slow restore ends when the restore does")
			}
		} else {
			r.instance(at+".on", f.On)
		}
		if f.During == "rollback" {
			continue
		}
		broken++
		switch {
		case r.sc.Trigger == record.TriggerOrder:
			r.problem(at, "delete it, or say during: rollback", "under an order nothing is broken first")
		case r.sc.Trigger == record.TriggerUpgrade:
			r.problem(at, "say trigger: fault, or during: rollback", "under trigger: upgrade the upgrade itself breaks things")
		}
	}
	if r.sc.Trigger == record.TriggerFault && broken == 0 {
		r.problem(r.sc.part(i, "faults"), "add what breaks, or say trigger: upgrade, order or none", "there is none")
	}
}

// detect checks the rule and that the pulse can see what it is about.
func (r *review) detect(i int, d Detect) {
	at := r.sc.part(i, "detect")
	if r.sc.Trigger == record.TriggerOrder {
		if r.given(at) {
			r.problem(at, "delete it", "under an order nothing is detected")
		}
		return
	}
	if d.When == "" {
		return
	}
	rule, err := ParseRule(d.When)
	if err != nil {
		r.problem(at+".when", HintRule, "%s", err)
		return
	}
	if r.sc.Flow != nil {
		if why := rule.unseen(*r.sc.Flow); why != "" {
			r.problem(at+".when", "raise the pulse or the timeout of the flow, or change the rule", "%s", why)
		}
	}
	if rule.For > d.Within {
		r.problem(at+".within", "wait longer than the rule's own window, "+rule.For.String(),
			"within %s the rule cannot fire", d.Within)
	}
	if d.Within > r.sc.Deadline {
		r.problem(at+".within", "at most the deadline, "+r.sc.Deadline.String(), "%s is longer than the drill", d.Within)
	}
}

// decide checks the decision against what follows it.
func (r *review) decide(i int, in Incident) {
	at, d := r.sc.part(i, "decide"), in.Decide
	for k, n := range d.Scope {
		r.instance(index(at+".scope", k), n)
	}
	if d.By == "person" {
		for _, key := range []string{"after", "outcome"} {
			if r.given(at + "." + key) {
				r.problem(at+"."+key, "delete it: the person says", "belongs to a simulated decision")
			}
		}
		if d.Within == 0 {
			r.problem(at+".within", hintDuration, "cannot be 0s")
		}
	}
	if d.By == "simulated" && d.Outcome == "partial-rollback" && len(d.Scope) == 0 {
		r.problem(at, "add scope: the instances that are rolled back", "a partial rollback has a scope")
	}
	steps := r.sc.part(i, "rollback")
	if d.rollsBack() && len(in.Rollback) == 0 && (r.sc.sees() || r.sc.Trigger == record.TriggerOrder) {
		r.problem(steps, "add its steps, or say decide: {outcome: watch}", "there is none")
	}
	if !d.rollsBack() && len(in.Rollback) > 0 {
		r.problem(steps, "delete them or change the outcome", "after the outcome %s no step is taken", d.Outcome)
	}
}

// objectives checks that what is promised can be measured in this drill.
func (r *review) objectives() {
	for _, n := range keysOf(r.sc.Objectives) {
		at := "objectives." + n
		everywhere, known := objectiveNames[n]
		switch {
		case !r.given(at):
		case !known:
			r.problem(at, nearest(n, keysOf(objectiveNames), "objectives: "), "there is no objective %q", clip(n))
		case r.sc.Trigger == record.TriggerNone && !everywhere:
			r.problem(at, "it has boot, age and data_loss", "a check run (trigger: none) measures no %s", n)
		case r.sc.Trigger == record.TriggerNone && n == "data_loss" && r.sc.Reference == nil:
			r.problem(at, "add reference: the time that it counts from", "a check run has no fault that it could count from")
		case r.sc.Trigger == record.TriggerOrder && n == "detect":
			r.problem(at, "delete it", "under an order nothing is detected")
		}
	}
}
