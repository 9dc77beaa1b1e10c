package drills

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/machines"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// all boots every instance from its restore point, side by side as far as their needs allow.
func (s *boots) all(ctx context.Context) error {
	return machines.SideBySide(ctx, s.plan.jobs(), s.plan.Boots, func(ctx context.Context, name string, beside func() bool) error {
		return s.one(ctx, name, boot{during: record.PhaseRestore, used: s.plan.used(name), beside: beside})
	})
}

// jobs are the boots of the restore, with what each waits for.
func (p *Plan) jobs() []machines.Job {
	var all []machines.Job
	for i, name := range p.Order {
		j := machines.Job{Name: name, Apart: p.reads(name)}
		for _, other := range p.Order[:i] {
			if p.waits(name, other) {
				j.After = append(j.After, other)
			}
		}
		all = append(all, j)
	}
	return all
}

// waits tells whether an instance is booted after one that comes before it in the order: where it needs that, where it
// says nothing at all of its needs, which has always meant all that come before it, and where the other one is loaded
// with a backup under its final name, which nobody may use meanwhile. What is loaded itself is a server that is asked.
func (p *Plan) waits(name, other string) bool {
	spec := p.Scenario.Instances[name]
	return slices.Contains(spec.Needs, other) || !p.asked(name) && (spec.Needs == nil || p.asked(other))
}

// asked tells whether an instance is a server that takes its backup while it runs, and is asked by others. One whose backup lies there
// before it starts is as any that is booted.
func (p *Plan) asked(name string) bool {
	return slices.ContainsFunc(p.Scenario.Instances[name].Load, func(loads string) bool {
		_, early := beforehand(p.Backups[loads])
		return !early
	})
}

// used tells whether somebody may use an instance while its backup is loaded: one that is not loaded comes before it in
// the order, and may be up.
func (p *Plan) used(name string) bool {
	before := p.Order[:slices.Index(p.Order, name)]
	return slices.ContainsFunc(before, func(other string) bool { return !p.asked(other) })
}

// reads are the backups that are read to restore an instance.
func (p *Plan) reads(name string) []string {
	all := slices.Clone(p.MadeOf(name))
	for _, backup := range slices.Clone(all) {
		if bp := p.Backups[backup]; bp != nil {
			if n, ok := bp.Loader.(restore.Needing); ok {
				for _, also := range n.Needs() {
					all = append(all, also)
				}
			}
		}
	}
	return all
}

// Booting are the instances that may be booting where these are ready: nothing is written when a boot begins.
func (p *Plan) Booting(ready func(name string) bool) []string {
	var all []string
	for _, j := range p.jobs() {
		if len(all) < max(1, p.Boots) && !ready(j.Name) && !slices.ContainsFunc(j.After, func(n string) bool { return !ready(n) }) {
			all = append(all, j.Name)
		}
	}
	return all
}

// again tells whether a boot that went wrong, or took longer than it may, is begun again alone: it was not alone, and
// what it had to share with others may be all that was wrong. That is written down.
func (s *boots) again(name string, b boot, why string) error {
	if b.beside == nil || !b.beside() {
		return nil
	}
	if err := s.Append(record.KindObservation, s.subject(name), record.Observation{ID: "boot.again",
		Args: map[string]string{"instance": name, "why": s.Hide(why)}}); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", machines.ErrAlone, why)
}

// tooSlow says that a boot took longer than the objective allows; "": it did not.
func (s *boots) tooSlow(took time.Duration) string {
	limit := s.plan.Scenario.Objectives["boot"].Std()
	if limit == 0 || took <= limit {
		return ""
	}
	return fmt.Sprintf("ready after %s, and the objective is %s", took.Round(time.Millisecond), limit)
}

// Untimed tells whether nothing is timed of what comes after the restore: nothing is broken, no flow runs, and nothing is started again.
func (p *Plan) Untimed() bool {
	s := p.Scenario
	return s.Trigger == record.TriggerNone && s.Flow == nil && len(s.Prepare) == 0 && len(s.Upgrade) == 0 &&
		!slices.ContainsFunc(p.Checks, func(c CheckPlan) bool { return c.Spec.Layer == record.LayerBusiness || restarts(c) })
}
