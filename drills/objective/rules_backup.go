package objective

import (
	"slices"
	"strconv"
	"time"

	"lifeboat/drills/record"
)

// limits holds restore points, and those that lie beside them, to what is promised of them whatever they hold: a size, one that does not
// shrink, and as many and as old ones as retention promises. What nobody could ask is not known.
func (j *judge) limits() {
	for _, l := range j.r.Header.Limits {
		found := false
		for _, p := range j.r.RestorePoints {
			if p.Backup == l.Backup {
				found = true
				j.size(l, p)
				j.retention(l, p)
			}
		}
		if !found {
			j.unknown("limit.unmeasured", args{"backup": l.Backup})
		}
	}
}

func (j *judge) limitMissed(id string, a args) {
	j.failed(id, a)
	j.finding("high", id, a)
}

func (j *judge) size(l record.BackupLimit, p record.RestorePoint) {
	if l.MinSize == 0 && l.Shrink == 0 {
		return
	}
	if p.Size <= 0 {
		j.unknown("limit.unsized", args{"backup": p.Backup, "point": p.Point})
		return
	}
	bytes := func(n int64) string { return strconv.FormatInt(n, 10) }
	if p.Size < l.MinSize {
		j.limitMissed("limit.small", args{"backup": p.Backup, "point": p.Point, "size": bytes(p.Size), "min_size": bytes(l.MinSize)})
	}
	if l.Shrink == 0 {
		return
	}
	if len(l.Before) == 0 {
		j.observe("limit.no_size_before", args{"backup": p.Backup})
		return
	}
	before := slices.Sorted(slices.Values(l.Before))
	usual := before[len(before)/2] // of an even number the larger one of both in the middle
	if float64(p.Size) < float64(usual)*(1-l.Shrink/100) {
		j.limitMissed("limit.shrunk", args{"backup": p.Backup, "point": p.Point, "size": bytes(p.Size), "usual": bytes(usual),
			"count": number(len(before)), "shrink": strconv.FormatFloat(l.Shrink, 'f', -1, 64) + "%"})
	}
}

func (j *judge) retention(l record.BackupLimit, p record.RestorePoint) {
	switch {
	case l.Keep == 0 && l.Oldest == 0:
		return
	case p.Lies == 0, l.Oldest > 0 && p.Oldest.IsZero():
		j.unknown("limit.unlisted", args{"backup": p.Backup})
		return
	}
	if p.Lies < l.Keep {
		j.limitMissed("limit.few", args{"backup": p.Backup, "count": number(p.Lies), "keep": number(l.Keep)})
	}
	if age := p.Listed.Sub(p.Oldest); l.Oldest > 0 && age < l.Oldest {
		j.limitMissed("limit.no_old", args{"backup": p.Backup, "age": span(max(0, age)), "limit": span(l.Oldest)})
	}
}

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

// onlyRead judges a drill that restored nothing, since it was only to read: it may fail, and can never pass.
func (j *judge) onlyRead() record.Verdict {
	j.run()
	j.clocks()
	j.restores()
	j.limits()
	j.objectives()
	j.phases()
	j.cleanup()
	j.unknown("read.only", args{})
	return j.verdict()
}

// WellRead tells that all that is to be said against a backup is that it was only read.
func WellRead(r *record.Record, v record.Verdict) bool {
	return r.Header.UpTo == record.UpToRead && v.Status == record.StatusInconclusive && len(v.Reasons) == 1 &&
		v.Reasons[0].ID == "read.only" && Highest(Ladder(r)) == 1
}
