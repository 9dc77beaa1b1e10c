package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

const (
	// widest is more than a time can be wrong by for want of its zone: zones go from UTC−12 to UTC+14.
	widest = 14 * time.Hour
	// rounded is how far apart two clocks, or a time and what somebody writes of it, may be.
	rounded = 5 * time.Minute
)

// made holds the moment that somebody declares a backup to be consistent to against the one at which the backup says
// that it was made. Nothing in a dump is younger than its header. That it is older may be: a dump of a replica that
// lags, or of a snapshot, if a manifest says so.
func (j *judge) made(p record.RestorePoint) {
	made, err := time.Parse(time.DateTime, p.Made)
	if err != nil || p.ConsistentTo.IsZero() {
		return
	}
	exact := !p.MadeAt.IsZero()
	if exact {
		made = p.MadeAt
	}
	a := args{"backup": p.Backup, "point": p.Point, "declared": p.ConsistentTo.UTC().Format(time.RFC3339),
		"source": p.ConsistentSource, "made": p.Made, "zone": p.Zone}
	switch after := p.ConsistentTo.Sub(made); {
	case after > widest:
		j.failed("backup.contradicts", a)
		j.finding("high", "backup.contradicts", a)
	case after > rounded && exact:
		j.unknown("restore_point.after_dump", a)
	case after < -widest && !p.Explained:
		j.unknown("restore_point.before_dump", a)
	}
}

// changed: one restore point that was restored twice must have been the same bytes. Where a digest is promised, each restore
// is held against that.
func (j *judge) changed() {
	type point struct{ backup, name string }
	first := map[point]string{}
	for _, x := range j.r.Restores {
		p := point{x.Backup, x.Point}
		switch {
		case x.Digest == "" || x.Bad() != "":
		case first[p] == "":
			first[p] = x.Digest
		case first[p] != x.Digest:
			j.unknown("restore_point.changed", args{"backup": x.Backup, "point": x.Point, "first": first[p], "then": x.Digest})
		}
	}
}

// unrestored: what was asked of an instance says something of its backup only if that was restored into it.
func (j *judge) unrestored() {
	if j.r.Status != record.RunCompleted || len(j.r.Harness) > 0 || !j.bootedAll() {
		return // nothing more was to come, and that is said
	}
	for _, i := range j.r.Header.Instances {
		for _, b := range i.Backups() {
			if !slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool { return x.Subject.Instance == i.Name && x.Backup == b }) {
				j.unknown("backup.unrestored", args{"backup": b, "instance": i.Name})
			}
		}
	}
}
