package store

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Words that Pick understands beside the names of points.
const (
	Latest = "latest"
	Oldest = "oldest"
)

// Choice is a point and what stands beside it in its store.
type Choice struct {
	Point
	Skipped []Point // that are newer and cannot be used, the newest first; none where a point was named, or the oldest
	Older   []Point // that can be used and come right after it, the newest first: a few
}

// NoneUsable says that none of the points that were asked for can be used, or that there is none at all. It is a finding,
// not a problem of the store.
type NoneUsable struct {
	Pick string
	Lies []Point // the newest first; none: the store is empty
}

func (e *NoneUsable) Error() string {
	if len(e.Lies) == 0 {
		return fmt.Sprintf("pick %s: the store is empty", word(e.Pick))
	}
	return fmt.Sprintf("pick %s: none is complete: %s is %s", word(e.Pick), e.Lies[0].ID, e.Lies[0].Unusable.Words())
}

// Unwrap is ErrNoPoint where there is none at all.
func (e *NoneUsable) Unwrap() error {
	if len(e.Lies) == 0 {
		return ErrNoPoint
	}
	return nil
}

// Pick chooses among points that are in a store's order, oldest first: latest (also written as ""), oldest, or the point
// with that very name. What is not usable is left out. Errors wrap ErrNoPoint, or are a *NoneUsable, or what is wrong
// with what stands beside the point that would have been chosen.
func Pick(points []Point, pick string) (Choice, error) {
	if len(points) == 0 {
		return Choice{}, &NoneUsable{Pick: pick}
	}
	chosen, c := -1, Choice{}
	usable := func(p Point) bool { return p.Unusable == "" }
	// A name comes first: somebody may well call a backup "latest".
	if i := slices.IndexFunc(points, func(p Point) bool { return p.ID == pick }); i >= 0 {
		if !usable(points[i]) {
			return c, &NoneUsable{Pick: pick, Lies: points[i : i+1]}
		}
		chosen = i
	} else {
		switch pick {
		case "", Latest:
			for chosen = len(points) - 1; chosen >= 0 && !usable(points[chosen]); chosen-- {
				if points[chosen].Unusable != Absent {
					c.Skipped = append(c.Skipped, points[chosen])
				}
			}
			if chosen >= 0 {
				c.Skipped = append(c.Skipped, absent(points, points[chosen])...)
			}
			for i := chosen - 1; i >= 0 && len(c.Older) < few; i-- {
				if usable(points[i]) {
					c.Older = append(c.Older, points[i])
				}
			}
		case Oldest:
			chosen = slices.IndexFunc(points, usable)
		default:
			return c, fmt.Errorf("pick %s: %w of that name (there are: %s)", pick, ErrNoPoint, names(points))
		}
	}
	if chosen < 0 {
		lies := slices.Clone(points)
		slices.Reverse(lies)
		return c, &NoneUsable{Pick: pick, Lies: lies}
	}
	c.Point = points[chosen]
	return c, c.Wrong
}

const few = 3

// absent are those that are not there and may be newer than the chosen one: all but what by its name is not, as where old
// backups are removed and their lines stay.
func absent(points []Point, chosen Point) []Point {
	var all []Point
	at, known := Dated(chosen.ID)
	for _, p := range points {
		gone, dated := Dated(p.ID)
		if p.Unusable == Absent && !(known && dated && !gone.After(at)) {
			all = append(all, p)
		}
	}
	return all
}

func word(pick string) string {
	if pick == "" {
		return Latest
	}
	return pick
}

// names lists the newest few: they are what a user most likely meant.
func names(points []Point) string {
	const most = 5
	var all []string
	for i := len(points) - 1; i >= 0 && len(all) < most; i-- {
		all = append(all, points[i].ID)
	}
	if rest := len(points) - len(all); rest > 0 {
		all = append(all, fmt.Sprintf("and %d older", rest))
	}
	return strings.Join(all, ", ")
}

// Older is the order of List: by the time that a manifest declares, else by the time of writing, then by name.
func Older(a, b Point) int {
	return cmp.Or(when(a).Compare(when(b)), strings.Compare(a.ID, b.ID))
}

func when(p Point) time.Time {
	if !p.ConsistentTo.IsZero() {
		return p.ConsistentTo
	}
	return p.Taken
}

// inName finds a date, and perhaps a time of day, in a name: 20260131, 2026-01-31, 2026_01_31T020000, 2026-01-31-02-00.
var inName = regexp.MustCompile(`(?:^|[^0-9])(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])` +
	`(?:[-_.T ]?([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?:[-_.:m]?([0-5]\d))?)?(?:[^0-9]|$)`)

// Dated reads the date in a point's name, to the precision that it has; false where there is none.
func Dated(name string) (time.Time, bool) {
	m := inName.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, false
	}
	text := m[1] + m[2] + m[3]
	for _, part := range m[4:] {
		part = cmp.Or(part, "00")
		text += part
	}
	at, err := time.Parse("20060102150405", text)
	return at, err == nil
}

// Later finds among points the one whose name has the latest date, if that is later than the date in the name of p.
func Later(p Point, among []Point) (Point, bool) {
	at, ok := Dated(p.ID)
	if !ok {
		return Point{}, false
	}
	found, later := Point{}, false
	for _, o := range among {
		if t, dated := Dated(o.ID); dated && o.Unusable == "" && t.After(at) {
			found, at, later = o, t, true
		}
	}
	return found, later
}
