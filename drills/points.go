package drills

import (
	"context"
	"slices"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// Points lists the complete restore points of a scenario's backup, the newest first, as its store gives them.
func Points(ctx context.Context, kit Kit, s *scenarios.Scenario, backup string) ([]store.Point, error) {
	p, problems := resolve(kit, s)
	if len(problems) > 0 {
		return nil, problems
	}
	points, err := p.Backups[backup].Store.List(ctx)
	if err != nil {
		return nil, err
	}
	points = slices.DeleteFunc(points, func(p store.Point) bool { return p.Unusable != "" })
	slices.SortStableFunc(points, func(a, b store.Point) int { return b.Taken.Compare(a.Taken) })
	return points, nil
}
