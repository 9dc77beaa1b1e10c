package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/scenarios"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// choose picks the restore point. Whatever a store says, or does not say, is no error of the scenario: a night on which its
// folder, its bucket or its server is gone has a record.
func (b *BackupPlan) choose(ctx context.Context, now time.Time, age time.Duration) error {
	err := b.pick(ctx, now, age)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if said := errors.Unwrap(err); said != nil { // the backup is named beside it
		err = said
	}
	b.Missing = &record.Missing{Store: err.Error()}
	return nil
}

// pick chooses the restore point; the error is a sentence for the user. That nothing complete is there, or nothing that
// is complete and younger than age (0: any), is no error but a finding of the drill.
func (b *BackupPlan) pick(ctx context.Context, now time.Time, age time.Duration) error {
	points, err := b.Store.List(ctx)
	if err != nil {
		return fmt.Errorf("list backup %s: %w", b.Name, err)
	}
	b.kept(points, now)
	chosen, err := store.Pick(points, b.Spec.Pick)
	if none, ok := errors.AsType[*store.NoneUsable](err); ok {
		b.missing(none.Lies, store.Point{}, 0)
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup %s: %w", b.Name, err)
	}
	pt := chosen.Point
	if b.Spec.Digest != "" {
		promised, _ := record.ParseDigest(b.Spec.Digest) // validate has read it
		promised.PromisedBy = record.PromisedByScenario
		if pt.Digest.Algorithm == promised.Algorithm && pt.Digest.Value != promised.Value {
			return fmt.Errorf("backup %s: the scenario promises %s for %s, its store %s; correct one of them",
				b.Name, b.Spec.Digest, pt.ID, pt.Digest)
		}
		pt.Digest, pt.Doubt = promised, "" // this promise is enough
	}
	if b.Spec.ConsistentTo != nil {
		pt.ConsistentTo, pt.ConsistentBy = *b.Spec.ConsistentTo, "scenario"
	}
	b.Point, b.older = pt, chosen.Older
	b.setBeside(chosen, points)
	if at := pt.ConsistentTo; len(chosen.Skipped) > 0 && age > 0 {
		if at.IsZero() { // nothing in it is younger than the file
			at = pt.Taken
		}
		if now.Sub(at) > age {
			b.missing(chosen.Skipped, pt, age)
		}
	}
	return nil
}

// kept notes how many complete restore points lie there, and of what time the oldest is.
func (b *BackupPlan) kept(points []store.Point, now time.Time) {
	b.lies, b.oldest, b.listed = 0, time.Time{}, now
	untold := false
	for _, p := range points {
		if p.Unusable != "" {
			continue
		}
		at := p.ConsistentTo
		if at.IsZero() {
			at = p.Taken
		}
		untold = untold || at.IsZero()
		if b.lies++; b.oldest.IsZero() || at.Before(b.oldest) {
			b.oldest = at
		}
	}
	if untold {
		b.oldest = time.Time{}
	}
}

// missing notes that there is nothing to restore: what lies there, the newest first, and the newest that is complete.
func (b *BackupPlan) missing(lies []store.Point, newest store.Point, age time.Duration) {
	if len(lies) == 0 {
		b.Missing = &record.Missing{}
		return
	}
	b.Missing = &record.Missing{Name: lies[0].ID, Why: string(lies[0].Unusable), More: len(lies) - 1, Newest: newest.ID,
		Limit: age}
}

// setBeside notes what stands in the store and makes it doubtful that the chosen point is the newest.
func (b *BackupPlan) setBeside(chosen store.Choice, points []store.Point) {
	if n := len(chosen.Skipped); n > 0 {
		more := ""
		if n > 1 {
			more = strconv.Itoa(n - 1)
		}
		b.Beside = append(b.Beside, record.Observation{ID: "point.skipped", Args: map[string]string{
			"name": chosen.Skipped[0].ID, "why": string(chosen.Skipped[0].Unusable), "more": more}})
	}
	if b.Spec.Pick != "" && b.Spec.Pick != store.Latest {
		return
	}
	if later, ok := store.Later(chosen.Point, points); ok {
		b.Beside = append(b.Beside, record.Observation{ID: "point.name_later", Args: map[string]string{"name": later.ID}})
	}
}

// words of what is missing, for those who read no catalogue.
func missingWords(m *record.Missing) string {
	if m.Store != "" {
		return m.Store
	}
	if m.Name == "" {
		return "nothing lies in its store"
	}
	s := fmt.Sprintf("nothing complete is there: %s is %s", m.Name, cmp.Or(store.Unusable(m.Why).Words(), m.Why))
	if m.More > 0 {
		s += fmt.Sprintf(", and %d more like it", m.More)
	}
	if m.Newest != "" {
		s += fmt.Sprintf("; the newest that is complete, %s, is older than %v", m.Newest, m.Limit)
	}
	return s
}

// madeAt reads when a backup says that it was made: the time as it stands there, and where the zone of it is known from
// the backup itself or the scenario, that moment. An hour that a clock went through twice is the earlier one: a backup
// must not look younger than it may be.
func madeAt(text, zone string) (made string, at time.Time) {
	made, own, _ := strings.Cut(text, " ")
	clock, own, _ := strings.Cut(own, " ")
	made += " " + clock
	if _, err := time.Parse(time.DateTime, made); err != nil {
		return "", time.Time{}
	}
	if own == "UTC" || own == "GMT" { // any other abbreviation is that of several zones
		zone = own
	}
	in, err := scenarios.LoadZone(zone)
	if err != nil {
		return made, time.Time{}
	}
	at, _ = time.ParseInLocation(time.DateTime, made, in)
	if earlier := at.Add(-time.Hour); earlier.In(in).Format(time.DateTime) == made {
		at = earlier
	}
	return made, at.UTC()
}
