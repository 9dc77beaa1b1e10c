// Package objective judges a drill: it holds a record against the objectives
// and the rules of a verdict. It is pure: the same record gives the same
// verdict, for anybody, years later.
package objective

import (
	"slices"
	"strconv"
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
