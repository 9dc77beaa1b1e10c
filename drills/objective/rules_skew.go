package objective

import (
	"slices"

	"lifeboat/drills/record"
)

// skew holds the parts of one system against each other: by how much the moments to which its backups are consistent lie apart. It is asked where the
// scenario limits it, or where several backups make one instance.
func (j *judge) skew() {
	limit := j.r.Header.MaxSkew
	if limit <= 0 && !slices.ContainsFunc(j.r.Header.Instances, func(i record.InstancePlan) bool { return len(i.With) > 0 }) {
		return
	}
	var parts []record.RestorePoint
	for _, p := range j.r.RestorePoints {
		if p.Loaded && !slices.ContainsFunc(parts, func(o record.RestorePoint) bool { return o.Backup == p.Backup }) {
			parts = append(parts, p)
		}
	}
	var older, newer record.RestorePoint
	known := 0
	for _, p := range parts {
		if p.ConsistentTo.IsZero() {
			if limit > 0 {
				j.unknown("skew.unmeasured", args{"backup": p.Backup})
			}
			continue
		}
		if known++; known == 1 || p.ConsistentTo.Before(older.ConsistentTo) {
			older = p
		}
		if known == 1 || p.ConsistentTo.After(newer.ConsistentTo) {
			newer = p
		}
	}
	if known < 2 {
		if limit > 0 && known == len(parts) {
			j.unknown("skew.alone", nil)
		}
		return
	}
	apart := newer.ConsistentTo.Sub(older.ConsistentTo)
	a := args{"older": older.Backup, "newer": newer.Backup, "skew": span(apart)}
	if limit > 0 && apart > limit {
		a["limit"] = span(limit)
		j.limitMissed("skew.exceeded", a)
		return
	}
	j.observe("skew.known", a)
}
