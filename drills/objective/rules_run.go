package objective

import (
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// run: how the run itself ended. What broke because of the harness is unknown,
// never the backup's fault.
func (j *judge) run() {
	r := j.r
	switch r.Status {
	case record.RunCompleted:
	case record.RunAborted:
		a := args{"by": "", "why": ""}
		if r.Abort != nil {
			a = args{"by": r.Abort.By, "why": r.Abort.Why}
		}
		j.reason(record.StatusAborted, "aborted.by", a)
	default:
		j.unknown("run.crashed", args{"at": span(r.Observed)})
	}
	for _, h := range r.Harness {
		j.unknown("harness.broke", args{"phase": h.Phase, "error": h.Error})
	}
	for _, o := range r.Observations {
		switch o.ID {
		case "detect.in_green":
			j.unknown(o.ID, args{"rule": o.Args["rule"], "incident": o.Args["incident"]})
		case "fault.red_before":
			j.unknown(o.ID, args{"incident": o.Args["incident"]})
		case "flow.crowded":
			j.unknown(o.ID, args{"pace": o.Args["pace"], "why": o.Args["why"]})
		case "flow.blind", "flow.blind_errors":
			j.unknown(o.ID, args{"flows": o.Args["flows"]})
		case "flow.hollow", "flow.uncontrolled", "flow.uncontrolled_errors":
			j.v.Weak = append(j.v.Weak, record.Reason{ID: o.ID, Args: args{"flows": o.Args["flows"]}})
		case "boot.hidden", "store.check_failed", "store.unchecked":
			j.v.Weak = append(j.v.Weak, record.Reason{ID: o.ID, Args: o.Args})
		}
		if strings.HasPrefix(o.ID, "upgrade.") && o.Args["on_conflict"] == "stop" { // what was predicted kept it back
			a := args{"instance": "", "running": "", "next": "", "modules": "", "why": ""}
			for k := range a {
				a[k] = o.Args[k]
			}
			j.unknown("upgrade.stopped", a)
		}
	}
}

// unasked takes those reasons away that say no more than that the drill was stopped before anything was to be asked.
func (j *judge) unasked() {
	stopped := []string{"upgrade.stopped", "upgrade.failed", "boot.failed", "prepare.failed", "flow.blind", "flow.blind_errors", "fault.red_before"}
	if !slices.ContainsFunc(j.v.Reasons, func(r record.Reason) bool { return slices.Contains(stopped, r.ID) }) {
		return
	}
	empty := []string{"pulse.missing", "incident.missing", "check.missing", "objective.not_measured"}
	j.v.Reasons = slices.DeleteFunc(j.v.Reasons, func(r record.Reason) bool { return slices.Contains(empty, r.ID) })
}

// isolation: every sandbox must have been probed from inside, nothing but the
// controls may have been reached, and without a control that was reached the
// others prove nothing.
func (j *judge) isolation() {
	probed, controlled := map[string]bool{}, map[string]bool{}
	named := false
	for _, p := range j.r.Probes {
		name := p.Subject.Instance
		named = named || name != ""
		switch {
		case p.Control && p.Reached:
			controlled[name] = true
		case p.Control:
			j.unknown("isolation.unproved", args{"instance": name})
		case p.Reached:
			a := args{"instance": name, "target": p.Target, "address": p.Address, "protocol": p.Protocol}
			j.unknown("isolation.leak", a)
			j.finding("high", "isolation.leak", a)
		default:
			probed[name] = true
		}
	}
	for _, b := range j.r.Boots {
		name := b.Subject.Instance
		if !named { // one proof for all
			name = ""
		}
		if !probed[name] || !controlled[name] {
			j.unknown("isolation.unproved", args{"instance": b.Subject.Instance})
		}
	}
	j.egress()
}

// restores: whose fault it is when one goes wrong.
func (j *judge) restores() {
	for _, x := range j.r.Restores {
		if x.Kind != nil || x.Missing != nil || x.Misfit != nil {
			j.kind(x)
			continue
		}
		if x.Unread != "" { // and nothing says what it is
			a := args{"backup": x.Backup, "why": x.Unread}
			j.unknown("backup.unasked", a)
			j.finding("medium", "backup.unasked", a)
		}
		if x.BackupBad != "" && !j.slowBoot(x) {
			a := args{"backup": x.Backup, "point": x.Point, "why": x.BackupBad, "instance": x.Subject.Instance}
			j.failed("backup.bad", a)
			j.finding("high", "backup.bad", a)
		}
		if x.ImageBad != "" {
			a := args{"backup": x.Backup, "what": x.ImageBad, "instance": x.Subject.Instance}
			j.unknown("backup.image_lacks", a)
			j.finding("medium", "backup.image_lacks", a)
		}
		if x.Lack != nil {
			a := args{"backup": x.Backup, "lack": x.Lack.Kind, "what": x.Lack.What, "instance": x.Subject.Instance}
			j.unknown("backup.lack", a)
			j.finding("medium", "backup.lack", a)
		}
	}
	j.changed()
	j.unrestored()
	seen := map[string]bool{}
	for _, p := range j.r.RestorePoints {
		j.made(p)
		if p.Doubt != "" {
			j.unknown("digest.doubtful", args{"backup": p.Backup, "point": p.Point, "why": p.Doubt})
		}
		j.promise(p, seen)
	}
}

// promise holds what was promised of a backup's bytes against what was read; seen are the backups of which something was said.
func (j *judge) promise(p record.RestorePoint, seen map[string]bool) {
	d, well := p.Promise, j.restoredWell(p.Backup)
	if d != nil && d.Algorithm == record.SHA256 && p.Digest != "" && p.Digest != d.String() {
		if well {
			a := args{"backup": p.Backup, "point": p.Point, "why": p.Digest + ", not " + d.String(), "instance": ""}
			j.failed("backup.bad", a)
			j.finding("high", "backup.bad", a)
		}
		return
	}
	if seen[p.Backup] {
		return
	}
	switch seen[p.Backup] = true; {
	case d != nil && d.VerifiedBy != record.VerifiedByNobody && d.Weak():
		j.observe("digest.weak", args{"backup": p.Backup, "algorithm": d.Algorithm})
	case d != nil && d.VerifiedBy != record.VerifiedByNobody:
		delete(seen, p.Backup) // another point of it may have none
	case d != nil && well:
		j.observe("digest.unread", args{"backup": p.Backup})
	default:
		j.observe("digest.unverified", args{"backup": p.Backup})
	}
}

// prepared: a step between restore and baseline that failed left nothing to rehearse, and nor did one of an upgrade after
// which a fault was to come. Where anything else ended the upgrade, that is said.
func (j *judge) prepared() {
	upgrading := j.r.Header.Trigger == record.TriggerFault && j.r.Status == record.RunCompleted && len(j.r.Harness) == 0 &&
		!slices.ContainsFunc(j.r.Failures, func(f record.FailureFact) bool { return f.During == record.PhaseUpgrade }) &&
		!slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool { return x.During == record.PhaseUpgrade && x.Bad() != "" })
	for _, st := range j.r.Steps {
		if upgrading && st.Phase == record.PhaseUpgrade && st.Outcome == record.OutcomeFailed {
			j.unknown("upgrade.failed", args{"step": st.What, "error": st.Error})
		}
		if st.Phase == record.PhasePrepare && st.Outcome == record.OutcomeFailed {
			j.unknown("prepare.failed", args{"step": st.What, "error": st.Error})
		}
	}
}

// failures: instances that did not come up for reasons that no backup need be to blame for. In an upgrade that is the incident, or the end
// of what was to be rehearsed; in a rollback it is the rollback that failed.
func (j *judge) failures() {
	for _, x := range j.r.Failures {
		said := x.Why
		if n := len(x.Lines); n > 0 && !strings.Contains(said, x.Lines[n-1]) {
			said += "; it printed last: " + x.Lines[n-1]
		}
		a := args{"instance": x.Subject.Instance, "backup": x.Backup, "point": x.Point, "image": x.Image, "why": said,
			"met": strings.Join(x.Met, ", "), "sought": strings.Join(x.Sought, ", "), "unknown": x.NotAsked}
		switch {
		case x.During == record.PhaseRollback && len(x.Met)+len(x.Sought) > 0:
			a["why"] = "" // the rollback's own reason says it
			j.finding("medium", "boot.failed", a)
		case x.During == record.PhaseRestore, x.During == record.PhaseUpgrade && j.r.Header.Trigger != record.TriggerUpgrade:
			j.unknown("boot.failed", a)
			j.finding("medium", "boot.failed", a)
		}
	}
}

// restoredWell: no restore of a backup broke off, so its digest is that of the whole.
func (j *judge) restoredWell(backup string) bool {
	return !slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool {
		return x.Backup == backup && x.Bad() != ""
	})
}

// phases: a phase that failed, or never ended, is explained by some other
// reason; where it is not, the drill is not passed all the same.
func (j *judge) phases() {
	explained := slices.ContainsFunc(j.v.Reasons, func(r record.Reason) bool {
		return r.Status != "" && r.Status != record.StatusPassed
	})
	for _, p := range j.r.Phases {
		switch {
		case p.Name == record.PhaseCleanup || p.Name == record.PhaseSeal:
		case p.Open && j.r.Status == record.RunCompleted:
			j.unknown("phase.unfinished", args{"phase": p.Name})
		case p.Outcome == record.OutcomeFailed && !p.Open && !explained:
			j.unknown("phase.failed", args{"phase": p.Name, "error": p.Error})
		}
	}
}

// cleanup: what is left has an exit code of its own and is no word on the
// backup; a clean-up that nobody proved is missing evidence.
func (j *judge) cleanup() {
	c := j.r.Cleanup
	var left, fix []string
	for _, f := range c.Failed {
		if f.Name != "" {
			left = append(left, f.Name)
		}
		left = append(left, f.Left...)
		if f.Fix != "" && !slices.Contains(fix, f.Fix) {
			fix = append(fix, f.Fix)
		}
	}
	switch {
	case len(c.Failed) > 0:
		j.reason("", "cleanup.incomplete", args{"count": number(max(1, len(left))), "left": strings.Join(left, ", "),
			"fix": strings.Join(fix, "; ")})
	case c.T8 == nil && len(c.Kept) == 0 && j.r.Status == record.RunCompleted:
		j.unknown("cleanup.unproved", args{"why": c.Unproved})
	}
}

// notes: worth reading, without a word on the verdict.
func (j *judge) notes() {
	if n := j.r.Journal.Torn; n > 0 {
		j.observe("journal.torn", args{"lines": number(n)})
	}
	if s := j.r.Header.ClockState; s == "not synchronised" {
		j.observe("clock.unsynchronised", args{"state": s})
	}
	j.throughput()
}
