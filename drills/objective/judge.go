// Package objective judges a drill: it holds a record against the objectives
// and the rules of a verdict. It is pure: the same record gives the same
// verdict, for anybody, years later.
package objective

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// Judge says what a record means. It is pure and never panics. A drill is
// passed only when it ended in order, something was asked, and everything that
// was promised before it began was measured and held: each rule below can only
// take a "passed" away, none can give one.
func Judge(r *record.Record) record.Verdict {
	if r == nil {
		return record.Verdict{Status: record.StatusNotRun, Reasons: []record.Reason{}, Objectives: []record.Judged{}}
	}
	j := &judge{r: r}
	if r.Header.UpTo == record.UpToRead {
		return j.onlyRead()
	}
	j.run()
	j.clocks()
	j.isolation()
	j.restores()
	j.limits()
	j.skew()
	j.failures()
	j.prepared()
	j.pulse()
	j.baseline()
	j.checks()
	j.reach()
	j.incidents()
	j.business()
	j.objectives()
	j.phases()
	j.cleanup()
	j.notes()
	j.unasked()
	return j.verdict()
}

// SoFar judges a drill that has not been cleaned up and sealed yet, as if both
// were going to go well: for those who must decide whether to keep its instances.
func SoFar(r *record.Record) record.Status {
	if r == nil {
		return record.StatusNotRun
	}
	c := *r
	if c.Status == record.RunCrashed {
		c.Status = record.RunCompleted
	}
	c.Phases = slices.DeleteFunc(slices.Clone(r.Phases), func(p record.Phase) bool { return p.Open })
	c.Cleanup = record.Cleanup{T8: &record.Moment{}}
	return Judge(&c).Status
}

// judge is a verdict in the making.
type judge struct {
	r    *record.Record
	v    record.Verdict
	held int // objectives with a limit that was held
}

// args are the arguments of a message.
type args = map[string]string

func (j *judge) reason(s record.Status, id string, a args) {
	n := record.Reason{ID: id, Args: a, Status: s}
	if !slices.ContainsFunc(j.v.Reasons, func(o record.Reason) bool { return same(o, n) }) {
		j.v.Reasons = append(j.v.Reasons, n)
	}
}

func (j *judge) failed(id string, a args)  { j.reason(record.StatusFailed, id, a) }
func (j *judge) unknown(id string, a args) { j.reason(record.StatusInconclusive, id, a) }

func (j *judge) finding(severity, id string, a args) {
	j.v.Findings = append(j.v.Findings, record.Finding{ID: id, Severity: severity, Args: a})
}

func (j *judge) unmeasured(n record.Reason) {
	if !slices.ContainsFunc(j.v.Unmeasured, func(o record.Reason) bool { return same(o, n) }) {
		j.v.Unmeasured = append(j.v.Unmeasured, n)
	}
}

func (j *judge) observe(id string, a args) {
	j.v.Observations = append(j.v.Observations, record.Observation{ID: id, Args: a})
}

func same(a, b record.Reason) bool {
	if a.ID != b.ID || len(a.Args) != len(b.Args) {
		return false
	}
	for k, v := range a.Args {
		if b.Args[k] != v {
			return false
		}
	}
	return true
}

func (j *judge) verdict() record.Verdict {
	v := &j.v
	v.Status = record.StatusPassed
	for _, r := range v.Reasons {
		v.Status = record.Worse(v.Status, r.Status)
	}
	if v.Status == record.StatusPassed && j.r.Status != record.RunAborted { // what was stopped did not hold all
		id := "passed.all"
		if j.r.Header.Trigger == record.TriggerNone {
			id = "passed.check_run"
		}
		j.reason(record.StatusPassed, id, args{"checks": strconv.Itoa(len(j.r.Header.Checks)),
			"objectives": strconv.Itoa(j.held)})
	}
	if j.r.Status == record.RunAborted {
		v.Status = record.StatusAborted
	}
	j.order()
	if v.Objectives == nil {
		v.Objectives = []record.Judged{}
	}
	return *v
}

// span renders a length of time as an argument.
func span(d time.Duration) string { return d.String() }

func number(n int) string { return strconv.Itoa(n) }

// byCause orders the reasons of one status as a drill goes on: what came first is the cause of what came later, and what is
// merely missing because of it stands last. An entry is an id, or the beginning of ids up to their dot; the id counts first.
var byCause = []string{
	"aborted.", "clock.", "harness.", "run.", "isolation.",
	"flow.",
	"backup.", "host.slow_boot", "digest.", "restore_point.", "limit.", "skew.",
	"check.failed_before", "baseline.",
	"pulse.",
	"upgrade.", "boot.", "prepare.", "fault.red_before", "fault.no_effect", "fault.unconfirmed", "fault.unseen",
	"detect.", "incident.",
	"rollback.failed", "host.slow_rollback", "rollback.",
	"fault.",
	"business.red_at_end", "check.failed", "business.", "host.slow_business", "host.slow_check", "check.",
	"reach.",
	"objective.missed", "objective.not_recovered", "host.", "objective.",
	"checks.", "layer.", "phase.", "read.",
	"incident.missing", "check.missing", "objective.not_measured",
	"cleanup.",
}

func causeOf(id string) int {
	if i := among(byCause, id); i >= 0 {
		return i
	}
	return len(byCause)
}

// among finds an id in a list of ids and of beginnings of ids; -1: it is not there.
func among(list []string, id string) int {
	if i := slices.Index(list, id); i >= 0 {
		return i
	}
	kind, _, _ := strings.Cut(id, ".")
	return slices.Index(list, kind+".")
}

// serious orders statuses: what ended the drill, what failed, what is not known, the rest.
var serious = map[record.Status]int{
	record.StatusAborted: 0, record.StatusFailed: 1, record.StatusInconclusive: 2, record.StatusPassed: 3, "": 4,
}

// empty says no more than that something was not reached, where something else ended the drill.
var empty = []string{"check.missing", "objective.not_measured", "objective.unfinished", "incident.missing", "incident.undecided",
	"pulse.missing", "pulse.empty", "rollback.unfinished", "phase.unfinished", "baseline.unknown", "limit.unmeasured"}

// ending is what ends a drill, or keeps the business down to its end, before all was asked that was to be asked. A drill that
// it explains says so once. As in byCause, an entry may be the beginning of ids.
var ending = []string{"aborted.by", "run.crashed", "harness.broke", "upgrade.stopped", "upgrade.failed", "flow.blind", "flow.blind_errors",
	"fault.red_before", "fault.no_effect", "backup.", "boot.", "prepare.", "host.slow_boot", "check.failed_before", "baseline.red",
	"baseline.unknown", "host.slow_business", "detect.silent", "incident.undecided",
	"rollback.failed", "rollback.unknown", "host.slow_rollback",
	"business.red_at_end", "pulse.broken"}

// order sorts the reasons by their weight and their cause, and marks those that follow from a cause before them. Neither
// touches the verdict.
func (j *judge) order() {
	all := j.v.Reasons
	slices.SortStableFunc(all, func(a, b record.Reason) int {
		if by := serious[a.Status] - serious[b.Status]; by != 0 {
			return by
		}
		return causeOf(a.ID) - causeOf(b.ID)
	})
	for i := range all {
		all[i].Follows = all[i].Status == record.StatusInconclusive && slices.Contains(empty, all[i].ID) && !j.lacks(all[i]) &&
			slices.ContainsFunc(all[:i], func(r record.Reason) bool { return !r.Follows && among(ending, r.ID) >= 0 })
	}
}

// lacks: an objective has no figure for want of something of its own, which no other reason tells.
func (j *judge) lacks(r record.Reason) bool {
	unrestored := slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool { return x.Bad() != "" })
	return slices.ContainsFunc(j.v.Objectives, func(o record.Judged) bool {
		if unrestored && o.Note != nil && o.Note.ID == "unmeasured.no_consistency_time" {
			return false // what was not read could not say so
		}
		return r.ID == "objective.not_measured" && o.Name == r.Args["objective"] && o.Note != nil &&
			slices.Contains([]string{"unmeasured.no_consistency_time", "unmeasured.consistent_after", "unmeasured.unseen_boot",
				"unmeasured.unknown_objective"}, o.Note.ID)
	})
}
