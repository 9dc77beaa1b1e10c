package store

import (
	"fmt"
	"slices"
	"strings"
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
