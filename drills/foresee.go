package drills

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// Foresee says what is known beforehand to keep a drill from passing, each in a sentence with what to do. It asks neither
// stores nor the host, so what only a manifest beside a backup can say is said with that.
func Foresee(kit Kit, s *scenarios.Scenario) []string {
	p, problems := resolve(kit, s)
	if len(problems) > 0 {
		return nil
	}
	return p.foresee(false)
}

// foresee is Foresee of a plan, of which it may be known what its stores list.
func (p *Plan) foresee(listed bool) []string {
	s := p.Scenario
	name := ""
	for _, n := range []string{"age", "data_loss"} {
		if _, set := s.Objectives[n]; set && name == "" {
			name = n
		}
	}
	if name == "" {
		return nil
	}
	unless := " unless a manifest beside it says so"
	if listed {
		unless = ""
	}
	cannot := fmt.Sprintf("so the objective %s (%s) cannot be measured, and the drill can be no better than inconclusive;", name,
		s.Objectives[name])
	var all []string
	timed, loaded := false, false
	for _, n := range slices.Sorted(maps.Keys(p.Backups)) {
		b := p.Backups[n]
		measuring, measures := b.Loader.(restore.Measuring)
		measured := measures && measuring.Measures()
		dating, dates := b.Store.(store.Dating)
		dated := measured || b.Spec.ConsistentTo != nil || !b.Point.ConsistentTo.IsZero() || dates && dating.Dates()
		_, at := madeAt(b.made, b.Spec.TimeZone)
		header := b.Loader != nil && !b.undated && (b.Spec.TimeZone != "" || !at.IsZero()) // it says when it was made, and something in which zone
		timed = timed || dated
		if !p.holdsData(b) {
			continue
		}
		if loaded = true; dated || header {
			continue
		}
		zone := ""
		switch {
		case dates:
			zone = "consistent: begun on its store (for the moment when it was begun), "
		case b.undated: // timezone: is of no use
		case b.Loader != nil:
			zone = "timezone: (for the time in the dump's own header), "
		}
		verbose := ""
		if b.undated {
			verbose = " (of plain dumps, those of pg_dump --verbose do)"
		}
		all = append(all, fmt.Sprintf("nothing says to which moment backup %s is consistent%s%s, %s put %sconsistent_to: on it, "+
			"or a manifest beside it", n, unless, verbose, cannot, zone))
	}
	if !timed && !loaded {
		all = append(all, fmt.Sprintf("no backup says to which moment it is consistent%s, %s put consistent_to: on one of them, "+
			"or a manifest beside it", unless, cannot))
	}
	return all
}

// date finds out whether a backup that nothing else dates says when it was made: timezone: helps only then.
func (b *BackupPlan) date(ctx context.Context) {
	dater, ok := b.Loader.(restore.Dater)
	if !ok || b.Missing != nil || b.Point.ID == "" || !b.Point.ConsistentTo.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mostAhead)
	defer cancel()
	made, err := dater.Made(ctx, restore.Source{Backup: b.Name, Point: b.Point,
		Open: func(ctx context.Context) (store.Stream, error) { return b.Store.Fetch(ctx, b.Point) }})
	b.undated, b.made = err == nil && made == "", made
}

// holdsData tells whether a backup is data, or a disk with some, and no mere program.
func (p *Plan) holdsData(b *BackupPlan) bool {
	if b.Loader != nil {
		return !p.onlyBeside(b)
	}
	for name, i := range p.Scenario.Instances {
		if i.Boot == b.Name && p.kindOf(name).OwnDisk {
			return true
		}
	}
	return false
}

// onlyBeside tells whether a backup is only read for another one, which it is a part of.
func (p *Plan) onlyBeside(b *BackupPlan) bool {
	for _, other := range p.Backups {
		if n, ok := other.Loader.(restore.Needing); ok && slices.Contains(slices.Collect(maps.Values(n.Needs())), b.Name) {
			return !slices.ContainsFunc(p.Order, func(name string) bool { return slices.Contains(p.loads(name), b.Name) })
		}
	}
	return false
}
