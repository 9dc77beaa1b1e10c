package objective

import "lifeboat/drills/record"

// kind: what lies in the place of a backup is something else. It has failed where that is no backup at all; what is
// packed in a way that nothing here unpacks, and what another restore would take, may be as good as any.
func (j *judge) kind(x record.RestoreFact) {
	if m := x.Missing; m != nil && m.Store != "" {
		a := args{"backup": x.Backup, "why": m.Store}
		j.unknown("backup.unasked", a)
		j.finding("medium", "backup.unasked", a)
		return
	}
	if m := x.Missing; m != nil && m.Name == "" {
		a := args{"backup": x.Backup}
		j.unknown("backup.none", a)
		j.finding("medium", "backup.none", a)
		return
	}
	if m := x.Missing; m != nil {
		a := args{"backup": x.Backup, "name": m.Name, "why": m.Why, "more": "", "newest": m.Newest, "limit": ""}
		if m.More > 0 {
			a["more"] = number(m.More)
		}
		if m.Limit > 0 {
			a["limit"] = span(m.Limit)
		}
		if x.BackupBad == "" {
			j.unknown("backup.missing", a)
			j.finding("medium", "backup.missing", a)
			return
		}
		j.failed("backup.missing", a)
		j.finding("high", "backup.missing", a)
		return
	}
	if m := x.Misfit; m != nil {
		a := args{"backup": x.Backup, "point": x.Point, "what": m.What, "has": m.Has, "wants": m.Wants}
		j.unknown("backup.misfit", a)
		j.finding("medium", "backup.misfit", a)
		return
	}
	k := x.Kind
	if x.BackupBad != "" {
		a := args{"backup": x.Backup, "point": x.Point, "kind": k.Name, "said": k.Said}
		j.failed("backup.no_backup", a)
		j.finding("high", "backup.no_backup", a)
		return
	}
	if k.Command == "" {
		a := args{"backup": x.Backup, "point": x.Point, "kind": k.Name}
		j.unknown("backup.misplaced", a)
		j.finding("medium", "backup.misplaced", a)
		return
	}
	a := args{"backup": x.Backup, "point": x.Point, "kind": k.Name, "why": k.Why, "command": k.Command}
	j.unknown("backup.packed", a)
	j.finding("medium", "backup.packed", a)
}
