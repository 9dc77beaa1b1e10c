package objective

import (
	"slices"
	"strings"

	"lifeboat/drills/record"
)

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
