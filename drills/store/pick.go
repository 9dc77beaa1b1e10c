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

// Pick chooses among points that are in a store's order, oldest first: latest
// (also written as ""), oldest, or the point with that very name. Errors wrap ErrNoPoint.
func Pick(points []Point, pick string) (Point, error) {
	if len(points) == 0 {
		return Point{}, fmt.Errorf("pick %s: %w: the store is empty", word(pick), ErrNoPoint)
	}
	// A name comes first: somebody may well call a backup "latest".
	if i := slices.IndexFunc(points, func(p Point) bool { return p.ID == pick }); i >= 0 {
		return points[i], nil
	}
	switch pick {
	case "", Latest:
		return points[len(points)-1], nil
	case Oldest:
		return points[0], nil
	}
	return Point{}, fmt.Errorf("pick %s: %w of that name (there are: %s)", pick, ErrNoPoint, names(points))
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
