package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
	"lifeboat/scenarios"
)

// index of a backup in the catalogue: a night plans none that is not there, and goes on with none whose catalogue has changed.
func (v *verifying) index(backup string) int {
	return slices.IndexFunc(v.catalogue.Backups, func(b scenarios.Listed) bool { return b.Name == backup })
}

func (v *verifying) planned(ctx context.Context, p night.Planned) (*scenarios.Scenario, *drills.Plan, error) {
	s, err := v.checkRun(v.catalogue, v.index(p.Backup))
	if err != nil {
		return nil, nil, err
	}
	if s.Digest != p.Scenario {
		return nil, nil, fmt.Errorf("%s: what it asks has changed since the night was planned; begin a new night", v.catalogue.Path(p.Backup))
	}
	b := s.Backups[p.Backup]
	if p.Point != "" {
		b.Pick = p.Point
	}
	if p.Older { // the newest one answers for those, where it is proved beside them
		delete(s.Objectives, "age")
		b.Shrink = 0
		if v.catalogue.Backups[v.index(p.Backup)].Points.Newest() {
			b.Retention = scenarios.Retention{}
		}
	}
	s.Backups[p.Backup] = b
	plan, err := drills.NewPlan(ctx, v.kit, s)
	return s, plan, err
}

// prove makes one check run. What kept it from being started is said in words.
func (v *verifying) prove(ctx context.Context, p night.Planned) night.Proof {
	started := time.Now()
	none := func(err error) night.Proof {
		var broken *drills.BrokenError
		got := night.Proof{Planned: p, Status: record.StatusNotRun, Error: printed(err.Error()), Started: started, Took: time.Since(started)}
		if errors.As(err, &broken) {
			got.Left = broken.Left
		}
		return got
	}
	_, plan, err := v.planned(ctx, p)
	if err == nil {
		err = v.unchosen(ctx, p)
	}
	if err != nil {
		return none(err)
	}
	res, err := drills.Run(ctx, v.kit, plan, drills.Options{Home: v.home, Tool: version, Log: v.log(),
		Sizes: map[string][]int64{p.Backup: night.Sizes(p.Backup, v.before)}})
	if err != nil {
		return none(err)
	}
	samples, err := pulseSamples(res.Dir, res.Record)
	if err == nil {
		_, err = v.writeReports(res, reports.Options{Language: v.lang, Samples: samples})
	}
	if err != nil { // the verdict stands in its journal
		v.log().Error("write the reports of a check run", "backup", p.Backup, "drill", res.Drill, "error", err)
	}
	return night.ProofOf(p, res.Record, res.Verdict)
}

// unchosen says that the night was to choose restore points, chose none, and there are some: the one under pick does not stand for
// them. Where there is none, or the store does not tell, the check run says it.
func (v *verifying) unchosen(ctx context.Context, p night.Planned) error {
	i := v.index(p.Backup)
	of := v.catalogue.Backups[i].Points
	if p.Point != "" || !of.Draws() {
		return nil
	}
	of.All = true
	ids, err := v.points(ctx, i, of, time.Now())
	if err != nil || len(ids) == 0 {
		return err
	}
	if of.Within > 0 {
		return fmt.Errorf("points: no restore point is younger than %s, the newest is %s; make a backup, or give within more time", of.Within.Std(), ids[0])
	}
	return errors.New("points: the store did not tell its restore points when the night began; begin a new night")
}
