package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/drills/store/sidecars"
)

// image has an Imager verify the backup and hand it to the engine.
func (d *drill) image(ctx context.Context, name string, bp *BackupPlan, during string) (string, error) {
	driver := d.room.Driver(d.plan.Scenario.Instances[name].Kind)
	out, err := d.restored(ctx, name, bp, during, func(src restore.Source) (restore.Outcome, error) {
		return bp.Imager.Image(ctx, src, driver)
	})
	return out.Image, err
}

func (d *drill) load(ctx context.Context, name string, bp *BackupPlan, m instance.Machine, b boot) error {
	unused := b.during == record.PhaseRestore && !b.used && d.unused()
	out, err := d.restored(ctx, name, bp, b.during, func(src restore.Source) (restore.Outcome, error) {
		src.Unused, src.Beside = unused, d.beside
		return bp.Loader.Load(ctx, src, m)
	})
	if err != nil {
		return err
	}
	for _, other := range slices.Sorted(maps.Keys(out.Beside)) {
		if err := d.point(name, d.plan.Backups[other], out.Beside[other]); err != nil {
			return err
		}
	}
	return nil
}

// unused tells that nobody can use a machine yet: only such as load a backup are there.
func (d *drill) unused() bool {
	for _, name := range d.room.Booted() {
		if d.plan.Scenario.Instances[name].Load == "" {
			return false
		}
	}
	return true
}

// beside gives a backup that the restore of another one needs.
func (d *drill) beside(name string) (restore.Source, error) {
	bp := d.plan.Backups[name]
	if bp == nil {
		return restore.Source{}, fmt.Errorf("there is no backup %s", name)
	}
	return restore.Source{Backup: name, Point: bp.Point, Open: d.opener(bp), OpenAt: d.disks.openerAt(bp)}, nil
}

// restored runs one restore and writes down how it went.
func (d *drill) restored(ctx context.Context, name string, bp *BackupPlan, during string,
	run func(restore.Source) (restore.Outcome, error)) (restore.Outcome, error) {
	fact := record.Restored{Backup: bp.Name, Point: bp.Point.ID, Started: d.elapsed(), During: during,
		Throttle: d.throttles.rate(bp)}
	out, err := run(restore.Source{Backup: bp.Name, Point: bp.Point, Open: d.opener(bp), OpenAt: d.disks.openerAt(bp),
		Keep: d.disks.keep(bp.Name)})
	fact.Ended, fact.Digest, fact.Bytes, fact.Verifying = d.elapsed(), out.Digest, out.Bytes, out.Verifying
	d.host.restored(fact.Started, fact.Ended)
	fact.Verified = err == nil && promiseKept(bp.Point.Digest, out.Digest)
	fact.Said = out.Said
	for _, n := range out.Notes {
		fact.Notes = append(fact.Notes, d.hide(n))
	}
	if err != nil && ctx.Err() == nil {
		if foreign := d.room.Intact(ctx); foreign != nil { // whatever it looks like, somebody else had a hand in it
			return out, fmt.Errorf("%w (%v)", foreign, err)
		}
	}
	if other := d.faulty(err); other != nil && other != bp { // one that is read beside this one
		bp, out = other, restore.Outcome{}
		fact.Backup, fact.Point, fact.Digest, fact.Bytes = bp.Name, bp.Point.ID, "", 0
		fact.Verified, fact.Throttle = false, 0
	}
	// An abort proves nothing about the backup.
	if err != nil && (ctx.Err() != nil || !d.blame(&fact, bp, err)) {
		return out, err
	}
	if fact.Throttle > 0 && err == nil {
		if e := d.throttles.slowed(bp.Name, fact); e != nil {
			return out, e
		}
	}
	return out, asFact(err, d.Append(record.KindRestored, d.subject(name), fact), d.point(name, bp, out))
}

// faulty is the backup that an error of a restore names; nil: it names none.
func (d *drill) faulty(err error) *BackupPlan {
	var backup *restore.BackupError
	var kind *restore.KindError
	var lack *restore.LackError
	switch {
	case errors.As(err, &lack):
		return d.plan.Backups[lack.Backup]
	case errors.As(err, &kind):
		return d.plan.Backups[kind.Backup]
	case errors.As(err, &backup):
		return d.plan.Backups[backup.Backup]
	}
	return nil
}

// blame writes into a fact whose fault an error of a restore is; false: it is no word on the backup or on its image.
func (d *drill) blame(fact *record.Restored, bp *BackupPlan, err error) bool {
	var backup *restore.BackupError
	var image *restore.ImageError
	var kind *restore.KindError
	var misfit *restore.MisfitError
	var lack *restore.LackError
	var mismatch *store.Mismatch
	switch {
	case errors.As(err, &lack):
		fact.Lack = &record.Lack{Kind: lack.Lack, What: d.hide(lack.What)}
	case errors.As(err, &kind):
		named := *kind
		named.File = bp.Point.ID
		if why := d.hide(named.Reason()); named.Bad() {
			fact.BackupBad = why
		} else {
			fact.Unread = why
		}
		fact.Kind = named.Fact()
		fact.Kind.Said, fact.Kind.Command = d.hide(fact.Kind.Said), d.hide(fact.Kind.Command)
	case errors.As(err, &misfit):
		fact.Unread = misfit.Reason()
		fact.Misfit = &record.Misfit{What: misfit.What, Has: misfit.Has, Wants: misfit.Wants}
	case errors.As(err, &image):
		fact.ImageBad = d.hide(image.Reason)
	case errors.As(err, &backup):
		fact.BackupBad = d.hide(backup.Reason)
	case errors.As(err, &mismatch):
		fact.BackupBad = mismatch.Error()
	default:
		return false
	}
	return true
}

// point writes the restore point down with what is known of it now. A virtual machine's disk holds data as a dump
// does; a container's image does not.
func (d *drill) point(name string, bp *BackupPlan, out restore.Outcome) error {
	made, at := madeAt(out.Made, bp.Spec.TimeZone)
	consistent, by := bp.Point.ConsistentTo, bp.Point.ConsistentBy
	if consistent.IsZero() {
		consistent, by = out.ConsistentTo, out.ConsistentBy
	}
	if consistent.IsZero() && !at.IsZero() { // the snapshot of a dump is taken a moment after its header is written
		consistent, by = at, fmt.Sprintf("the dump's header, %s", cmp.Or(bp.Spec.TimeZone, "UTC"))
	}
	p := record.RestorePoint{Backup: bp.Name, Store: bp.Spec.Store.Kind, Restore: bp.Spec.Restore.Kind,
		Point: bp.Point.ID, Size: bp.Point.Size, Digest: out.Digest,
		ConsistentTo: consistent, ConsistentSource: by, Explained: sidecars.Explained(by), Made: made, MadeAt: at,
		Zone: bp.Spec.TimeZone, Doubt: d.hide(bp.Point.Doubt), Beside: bp.Beside,
		Loaded: bp.Loader != nil && d.plan.Scenario.Instances[name].Load == bp.Name || d.plan.kindOf(name).OwnDisk}
	if !consistent.IsZero() {
		p.Age = d.base.Sub(consistent)
	}
	if promised := bp.Point.Digest; promised.Given() {
		if promiseKept(promised, out.Digest) {
			promised.VerifiedBy = record.VerifiedByLifeboat
		}
		p.Promise = &promised
	}
	return d.Append(record.KindRestorePoint, record.Subject{}, p)
}

// promiseKept tells whether a promise was kept by what was read to its end: a stream that broke another one has no digest.
func promiseKept(promised record.Digest, read string) bool {
	return promised.Given() && read != "" && (promised.Algorithm != record.SHA256 || read == promised.String())
}

// opener streams the backup, throttled and counted, any number of times.
func (d *drill) opener(bp *BackupPlan) func(context.Context) (store.Stream, error) {
	return func(ctx context.Context) (store.Stream, error) {
		st, err := bp.Store.Fetch(ctx, bp.Point)
		if err != nil {
			return nil, err
		}
		if limit := d.throttles.rate(bp); limit > 0 {
			st = store.Throttle(ctx, st, float64(limit))
		}
		if d.opt.Watch.Progress == nil {
			return st, nil
		}
		return &counted{Stream: st, report: func(n int64) {
			d.opt.Watch.Progress(Progress{Backup: bp.Name, Bytes: n, Total: bp.Point.Size})
		}}, nil
	}
}

type counted struct {
	store.Stream
	report func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	c.report(c.Bytes())
	return n, err
}
