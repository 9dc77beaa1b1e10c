package objective

import (
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// baseline: a restored system that is red before anything was broken points at
// its backup, when restore and boot succeeded and the question was properly asked.
func (j *judge) baseline() {
	phase, failed := j.baselinePhase()
	bad := j.results("before", record.CheckFailed)
	if !failed && len(bad) == 0 {
		return
	}
	excused := j.excusedAt(phase.Ended)
	if failed {
		excused = j.r.Abort != nil || j.excusedEnd(phase.Ended)
	}
	if phase.Open || !j.bootedAll() || excused {
		if failed {
			j.unknown("baseline.unknown", args{"why": phase.Error})
		}
		return
	}
	bad = slices.DeleteFunc(bad, j.slowCheck)
	for _, c := range bad {
		a := args{"check": c.Name, "layer": string(c.Layer), "message": c.Message, "backup": c.Backup}
		j.failed("check.failed_before", a)
		j.finding("high", "check.failed_before", a)
	}
	if !failed || j.slowBaseline(phase) {
		return
	}
	why := phase.Error
	if len(bad) == 0 {
		if j.crowded() || j.lateBaseline(phase) {
			return
		}
		red, ok := j.redBaseline(phase)
		if !ok {
			j.unknown("baseline.unknown", args{"why": why})
			return
		}
		if red != "" {
			why = red
		}
	}
	a := args{"backup": j.baselineBackups(bad), "why": why}
	j.failed("baseline.red", a)
	j.finding("high", "baseline.red", a)
}

func (j *judge) baselinePhase() (record.Phase, bool) {
	for _, p := range j.r.Phases {
		if p.Name == record.PhaseBaseline {
			return p, p.Outcome == record.OutcomeFailed
		}
	}
	return record.Phase{}, false
}

// redBaseline tells whether the pulse, working properly, saw red in the baseline, and why.
func (j *judge) redBaseline(phase record.Phase) (why string, ok bool) {
	u := j.r.Pulse
	if u == nil || u.Broken != "" {
		return "", false
	}
	if t := u.Totals; !u.Open && (t.Bad == 0 || degraded(t) || t.Silence > j.r.Pace().LongestSilence()) {
		return "", false
	}
	for _, s := range u.Reds {
		if s.From.Late <= phase.Ended {
			why, ok = s.Why, true
		}
	}
	return why, ok
}

// baselineBackups names those that the failed checks point at, or else all that were restored.
func (j *judge) baselineBackups(bad []record.CheckResult) string {
	var names []string
	for _, c := range bad {
		names = append(names, c.Backup)
	}
	if strings.Join(names, "") == "" {
		for _, x := range j.r.Restores {
			names = append(names, x.Backup)
		}
		for _, p := range j.r.RestorePoints {
			names = append(names, p.Backup)
		}
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// bootedAll tells whether every planned instance came up, and no restore went wrong.
func (j *judge) bootedAll() bool {
	for _, x := range j.r.Restores {
		if x.Bad() != "" {
			return false
		}
	}
	for _, i := range j.r.Header.Instances {
		if !slices.ContainsFunc(j.r.Boots, func(b record.BootFact) bool { return b.Subject.Instance == i.Name }) {
			return false
		}
	}
	return len(j.r.Boots) > 0
}
