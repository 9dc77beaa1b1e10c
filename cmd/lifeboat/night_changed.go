package main

import (
	"context"
	"fmt"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// everyProof is the value of --changed that stands for the catalogue's every.
const everyProof = "every"

// rest leaves out of a plan what is unchanged since a proof of this very lifeboat that still stands. None counts that is older than the
// catalogue lets it be: the night would pass by what --status calls overdue.
func (v *verifying) rest(ctx context.Context, planned []night.Planned, before []*night.Night, within string) error {
	limit := v.catalogue.Every.Std()
	if within != everyProof {
		given, err := scenarios.ParseDuration(within)
		if err != nil {
			return fmt.Errorf("--changed=%s: %w", within, err)
		}
		limit = min(limit, given.Std())
	}
	for i, p := range planned {
		if p.Skipped != "" || p.UpTo != "" { // what is to be read is read
			continue
		}
		if last := v.unchanged(ctx, p, before, limit); last != nil {
			planned[i].Skipped, planned[i].Rests = night.Unchanged, last
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// unchanged gives the last proof of a backup where nothing has changed since; nil: it is to be proved.
func (v *verifying) unchanged(ctx context.Context, p night.Planned, before []*night.Night, limit time.Duration) *night.Proof {
	now := time.Now()
	last, build, ok := night.Last(p, before)
	age := now.Sub(last.Started)
	switch {
	case !ok, last.Status != record.StatusPassed, last.Left > 0, build == "", build != buildID(), age < 0, age > limit:
		return nil
	case last.Scenario != p.Scenario, last.Older && !p.Older: // no limit of age was asked of it then
		return nil
	}
	r, stands := v.judge(last)
	if !stands {
		return nil
	}
	if _, plan, err := v.planned(ctx, p); err != nil || !drills.Unchanged(ctx, v.kit, plan, r, now) {
		return nil
	}
	return &last
}
