package objective

import (
	"slices"
	"strconv"

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
