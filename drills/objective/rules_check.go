package objective

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"lifeboat/drills/record"
)

// checks: every planned check must have been asked after the last rollback
// (in a check run: after the restore), and every answer there is must be good.
func (j *judge) checks() {
	h := j.r.Header
	if len(h.Checks) == 0 {
		j.unknown("checks.none", args{})
	}
	j.layers()
	for _, c := range j.r.Checks {
		j.answer(c)
	}
	for _, p := range h.Checks {
		if !j.asked(p) || !j.askedBetween(p) {
			j.unknown("check.missing", args{"check": p.Name, "layer": string(p.Layer)})
		}
	}
}

// askedBetween tells whether a planned check was answered in every verification that was begun between two incidents.
func (j *judge) askedBetween(p record.CheckPlan) bool {
	for i := range j.r.Incidents {
		in := &j.r.Incidents[i]
		if i == len(j.r.Incidents)-1 || !j.verified(in) {
			continue
		}
		if !slices.ContainsFunc(j.r.Checks, func(c record.CheckResult) bool {
			return c.Name == p.Name && c.Layer == p.Layer && c.When == record.After && c.Incident == in.ID && c.Ended >= in.T3.Early
		}) {
			return false
		}
	}
	return true
}

// layers: one without a check needs a reason, which is printed beside the verdict.
func (j *judge) layers() {
	h := j.r.Header
	for _, l := range record.Layers() {
		used := false
		for _, p := range h.Checks {
			used = used || p.Layer == l
		}
		why := strings.TrimSpace(h.Excluded[l])
		switch {
		case used:
		case strings.ContainsFunc(why, unicode.IsLetter): // what cannot be read is no reason
			j.v.Excluded = append(j.v.Excluded, record.Excluded{Layer: l, Reason: why})
		case len(h.Checks) > 0:
			j.unknown("layer.unchecked", args{"layer": string(l)})
		}
	}
}

// counts tells whether an answer is one of those that the drill must be able
// to show. While the system is broken anything may be answered.
func (j *judge) counts(c record.CheckResult) bool {
	return c.When == record.After || c.When == record.Before || c.When == record.Once
}

func (j *judge) answer(c record.CheckResult) {
	if !j.counts(c) {
		return
	}
	a := args{"check": c.Name, "layer": string(c.Layer), "message": c.Message}
	switch c.Status {
	case record.CheckPassed:
	case record.CheckFailed:
		if c.When == record.Before && j.r.Header.Trigger != record.TriggerNone {
			return // the baseline's rule
		}
		if j.slowCheck(c) {
			return
		}
		a["backup"] = c.Backup
		j.failed("check.failed", a)
		j.finding("high", "check.failed", a)
	case record.CheckSkipped:
		j.unknown("check.skipped", a)
	case record.CheckCrashed:
		j.unknown("check.crashed", a)
	default:
		j.unknown("check.unreadable", args{"check": c.Name, "layer": string(c.Layer), "result": string(c.Status)})
	}
}

// asked tells whether a planned check was answered when it matters.
func (j *judge) asked(p record.CheckPlan) bool {
	var since time.Duration
	for _, in := range j.r.Incidents {
		if in.T3 != nil {
			since = max(since, in.T3.Early)
		}
	}
	for _, c := range j.r.Checks {
		if c.Name != p.Name || c.Layer != p.Layer || c.Ended < since {
			continue
		}
		if c.When == record.After || c.When == record.Once || c.When == record.Before && j.r.Header.Trigger == record.TriggerNone {
			return true
		}
	}
	return false
}

// results are the answers of one time and status.
func (j *judge) results(when record.When, status record.CheckStatus) []record.CheckResult {
	var found []record.CheckResult
	for _, c := range j.r.Checks {
		if c.When == when && c.Status == status {
			found = append(found, c)
		}
	}
	return found
}
