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
		if v.catalogue.Backups[v.index(p.Backup)].Points.Newest() {
			b.Retention = scenarios.Retention{}
		} else if err := v.newestAge(ctx, p.Backup, s); err != nil {
			return nil, nil, err
		}
		delete(s.Objectives, "age")
		b.Shrink = 0
	}
	s.Backups[p.Backup] = b
	plan, err := drills.NewPlan(ctx, v.kit, s)
	return s, plan, err
}

// newestAge says that the newest restore point, which nobody may have drawn, is older than a backup may be by when it was written. An older
// one that is proved does not stand for it.
func (v *verifying) newestAge(ctx context.Context, backup string, s *scenarios.Scenario) error {
	limit := s.Objectives["age"].Std()
	if limit <= 0 {
		return nil
	}
	points, err := drills.Points(ctx, v.kit, s, backup)
	if err != nil || len(points) == 0 || points[0].Taken.IsZero() { // the check run says what is wrong with the store
		return ctx.Err()
	}
	if age := time.Since(points[0].Taken); age > limit {
		return fmt.Errorf("points: the newest restore point, %s, is %s old, and the limit is %s; make a backup", points[0].ID, age.Round(time.Second), limit)
	}
	return nil
}

// prove makes one check run. What kept it from being started is said in words.
func (v *verifying) prove(ctx context.Context, p night.Planned, turn *night.Turn) night.Proof {
	started := time.Now()
	var watch drills.Watch
	if v.view != nil {
		watch = v.view.watch(p)
	}
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
	watch.Event = following(turn, plan.Untimed(), watch.Event)
	program := thisProgram()
	res, err := drills.Run(ctx, v.kit, plan, drills.Options{Home: v.home, Tool: version, Program: &program, Log: v.log(), UpTo: p.UpTo, Watch: watch,
		Turn: turn.Wait, Patience: v.patience, Sizes: map[string][]int64{p.Backup: night.Sizes(p.Backup, v.before)}})
	if err != nil {
		return none(err)
	}
	_, err = v.report(res, v.lang)
	if err = errors.Join(err, drills.Log(v.home, res.Drill, v.sealing())); err != nil { // the verdict stands in its journal
		v.log().Error("write the reports of a check run", "backup", p.Backup, "drill", res.Drill, "error", err)
	}
	return night.ProofOf(p, res.Record, res.Verdict)
}

// following tells a turn how far its drill is; untimed: nothing is timed after its restore. seen sees every event; nil: nobody looks on.
func following(turn *night.Turn, untimed bool, seen func(record.Event)) func(record.Event) {
	return func(e record.Event) {
		if seen != nil {
			seen(e)
		}
		if e.Kind != record.KindPhase {
			return
		}
		phase, err := record.Decode(e)
		switch {
		case err != nil:
		case phase == record.PhaseEvent{Phase: record.PhaseCleanup}:
			turn.Asked()
		case untimed && phase == record.PhaseEvent{Phase: record.PhaseRestore, Outcome: record.OutcomeDone}:
			turn.Timed()
		}
	}
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
