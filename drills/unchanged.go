package drills

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Unchanged tells whether a check run that is planned now would be made of the very things of which one of the past was made, whose
// scenario was the same, and whether that one would pass by what time it is now. No backup is read: what rots where it lies, and keeps
// its size and its times, is not seen.
func Unchanged(ctx context.Context, kit Kit, p *Plan, r *record.Record, now time.Time) bool {
	if len(p.Refusals) > 0 || len(p.Scenario.Prepare) > 0 { // a preparation boots what nobody compares
		return false
	}
	if p.readProfiles(ctx, func(said string) string { return said }) != nil {
		return false
	}
	for _, c := range p.Checks { // what was fresh then need not be by now
		if of, ok := c.Check.(verifier.Aging); ok && of.Ages() {
			return false
		}
	}
	for _, b := range p.Backups {
		if !b.unchanged(r.RestorePoints) {
			return false
		}
	}
	for name, spec := range p.Scenario.Instances {
		if spec.Image != "" && !sameImage(ctx, kit, name, spec, r.Boots) {
			return false
		}
	}
	older := *r
	older.RestorePoints = slices.Clone(r.RestorePoints)
	for i, x := range older.RestorePoints {
		if !x.ConsistentTo.IsZero() {
			older.RestorePoints[i].Age = now.Sub(x.ConsistentTo)
		}
		if b := p.Backups[x.Backup]; b != nil { // others may have gone
			older.RestorePoints[i].Lies, older.RestorePoints[i].Oldest, older.RestorePoints[i].Listed = b.lies, b.oldest, b.listed
		}
	}
	return objective.Judge(&older).Status == record.StatusPassed
}

// unchanged compares what the store tells of a restore point with what it told when it was restored.
func (b *BackupPlan) unchanged(restored []record.RestorePoint) bool {
	now, found := b.Point, false
	if b.Missing != nil || now.Dir || now.Doubt != "" || now.Taken.IsZero() { // the times of a folder are not those of its files
		return false
	}
	for _, x := range restored {
		if x.Backup != b.Name {
			continue
		}
		found = true
		promised := now.Digest.Given() == (x.Promise != nil) &&
			(x.Promise == nil || x.Promise.Algorithm == now.Digest.Algorithm && x.Promise.Value == now.Digest.Value)
		if x.Point != now.ID || x.Size != now.Size || !x.Taken.Equal(now.Taken) || !promised ||
			x.Profile != b.profile.digest || b.profile.err != nil ||
			!now.ConsistentTo.IsZero() && !now.ConsistentTo.Equal(x.ConsistentTo) {
			return false
		}
		for _, o := range b.Beside {
			if !slices.ContainsFunc(x.Beside, func(q record.Observation) bool { return reflect.DeepEqual(o, q) }) {
				return false
			}
		}
	}
	return found
}

// sameImage tells whether the name of an image means what was booted by it.
func sameImage(ctx context.Context, kit Kit, name string, spec scenarios.Instance, boots []record.BootFact) bool {
	driver, err := kit.Instances[spec.Kind].New(instance.Site{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return false
	}
	defer machines.CloseDriver(driver)
	of, ok := instance.As[instance.Identifying](driver)
	if !ok {
		return false
	}
	id, err := of.ImageID(ctx, spec.Image)
	own := func(b record.BootFact) bool { return b.Subject.Instance == name }
	return err == nil && id != "" && slices.ContainsFunc(boots, own) &&
		!slices.ContainsFunc(boots, func(b record.BootFact) bool { return own(b) && b.ImageID != id })
}
