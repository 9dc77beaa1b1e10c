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

// restores bring backups into machines and onto their engines, and write down how that went.
type restores struct {
	site
	host      *hostWatch
	throttles *throttles
	disks     *disks
	progress  func(Progress) // nil: nobody looks on
	only      bool           // they are read, and restored into nothing
	trees     *trees
}

// image has an Imager verify the backup and hand it to the engine.
func (r *restores) image(ctx context.Context, name string, bp *BackupPlan, during string) (restore.Outcome, error) {
	driver := r.room.Driver(r.plan.Scenario.Instances[name].Kind)
	return r.restored(ctx, name, bp, during, func(src restore.Source) (restore.Outcome, error) {
		return bp.Imager.Image(ctx, src, driver)
	})
}

func (r *restores) load(ctx context.Context, name string, bp *BackupPlan, m instance.Machine, b boot) error {
	unused := b.during == record.PhaseRestore && !b.used && r.unused()
	started := r.elapsed()
	out, err := r.restored(ctx, name, bp, b.during, func(src restore.Source) (restore.Outcome, error) {
		src.Unused, src.Beside = unused, r.beside
		return bp.Loader.Load(ctx, src, m)
	})
	if err != nil {
		return err
	}
	if out.Tree != nil {
		r.trees.put(name, r.room.Generation(name), *out.Tree)
	}
	for _, other := range slices.Sorted(maps.Keys(out.Beside)) { // they were restored with it
		also, read := r.plan.Backups[other], out.Beside[other]
		fact := record.Restored{Backup: other, Point: also.Point.ID, Started: started, Ended: r.elapsed(), During: b.during, Digest: read.Digest,
			Bytes: read.Bytes, Verified: promiseKept(also.Point.Digest, read.Digest), Throttle: r.throttles.rate(also)}
		if err := errors.Join(r.Append(record.KindRestored, r.subject(name), fact), r.point(name, also, read)); err != nil {
			return err
		}
	}
	return nil
}

// take loads a backup once its machine can take it.
func (r *restores) take(ctx context.Context, name string, bp *BackupPlan, m instance.Machine, b boot) error {
	if err := bp.Loader.Ready(ctx, m); err != nil {
		return fmt.Errorf("wait for %s to take its backup: %w", name, err)
	}
	return r.load(ctx, name, bp, m, b)
}

// unused tells that nobody can use a machine yet: only such as load a backup are there.
func (r *restores) unused() bool {
	return !slices.ContainsFunc(r.room.Booted(), func(name string) bool { return !r.plan.asked(name) })
}

// beside gives a backup that the restore of another one needs.
func (r *restores) beside(name string) (restore.Source, error) {
	bp := r.plan.Backups[name]
	if bp == nil {
		return restore.Source{}, fmt.Errorf("there is no backup %s", name)
	}
	return r.source(bp), nil
}

func (r *restores) source(bp *BackupPlan) restore.Source {
	return restore.Source{Backup: bp.Name, Point: bp.Point, Open: r.opener(bp), OpenAt: r.disks.openerAt(bp), Keep: r.disks.keep(bp.Name)}
}

// restored runs one restore and writes down how it went.
func (r *restores) restored(ctx context.Context, name string, bp *BackupPlan, during string,
	run func(restore.Source) (restore.Outcome, error)) (restore.Outcome, error) {
	fact := record.Restored{Backup: bp.Name, Point: bp.Point.ID, Started: r.elapsed(), During: during,
		Throttle: r.throttles.rate(bp), OnlyRead: r.only}
	out, err := run(r.source(bp))
	fact.Ended, fact.Digest, fact.Bytes, fact.Verifying = r.elapsed(), out.Digest, out.Bytes, out.Verifying
	r.host.restored(fact.Started, fact.Ended)
	fact.Verified = err == nil && promiseKept(bp.Point.Digest, out.Digest)
	fact.Said, fact.Part = out.Said, out.Part
	fact.Notes = append(fact.Notes, r.HideAll(out.Notes)...)
	if err != nil && ctx.Err() == nil {
		if foreign := r.room.Intact(ctx); foreign != nil { // whatever it looks like, somebody else had a hand in it
			return out, fmt.Errorf("%w (%v)", foreign, err)
		}
	}
	if other := r.faulty(err); other != nil && other != bp { // one that is read beside this one
		bp, out = other, restore.Outcome{}
		fact.Backup, fact.Point, fact.Digest, fact.Bytes = bp.Name, bp.Point.ID, "", 0
		fact.Verified, fact.Throttle = false, 0
	}
	// An abort proves nothing about the backup.
	if err != nil && (ctx.Err() != nil || !r.blame(&fact, bp, err)) {
		return out, err
	}
	if fact.Throttle > 0 && err == nil {
		if e := r.throttles.slowed(bp.Name, fact); e != nil {
			return out, e
		}
	}
	return out, asFact(err, r.Append(record.KindRestored, r.subject(name), fact), r.point(name, bp, out))
}

// faulty is the backup that an error of a restore names; nil: it names none.
func (r *restores) faulty(err error) *BackupPlan {
	var backup *restore.BackupError
	var kind *restore.KindError
	var lack *restore.LackError
	switch {
	case errors.As(err, &lack):
		return r.plan.Backups[lack.Backup]
	case errors.As(err, &kind):
		return r.plan.Backups[kind.Backup]
	case errors.As(err, &backup):
		return r.plan.Backups[backup.Backup]
	}
	return nil
}

// blame writes into a fact whose fault an error of a restore is; false: it is no word on the backup or on its image.
func (r *restores) blame(fact *record.Restored, bp *BackupPlan, err error) bool {
	var backup *restore.BackupError
	var image *restore.ImageError
	var kind *restore.KindError
	var misfit *restore.MisfitError
	var lack *restore.LackError
	var mismatch *store.Mismatch
	switch {
	case errors.As(err, &lack):
		fact.Lack = &record.Lack{Kind: lack.Lack, What: r.Hide(lack.What)}
	case errors.As(err, &kind):
		named := *kind
		named.File = bp.Point.ID
		if why := r.Hide(named.Reason()); named.Bad() {
			fact.BackupBad = why
		} else {
			fact.Unread = why
		}
		fact.Kind = named.Fact()
		fact.Kind.Said, fact.Kind.Command = r.Hide(fact.Kind.Said), r.Hide(fact.Kind.Command)
	case errors.As(err, &misfit):
		fact.Unread = misfit.Reason()
		fact.Misfit = &record.Misfit{What: misfit.What, Has: misfit.Has, Wants: misfit.Wants}
	case errors.As(err, &image):
		fact.ImageBad = r.Hide(image.Reason)
	case errors.As(err, &backup) && restore.Piece(bp.Point, backup.Reason):
		fact.Lack = &record.Lack{Kind: record.LackIncrement,
			What: r.Hide(fmt.Sprintf("by its name it is one of the pieces of a file that was split: %s", backup.Reason))}
	case errors.As(err, &backup):
		fact.BackupBad = r.Hide(backup.Reason)
	case errors.As(err, &mismatch):
		fact.BackupBad = mismatch.Error()
	default:
		return false
	}
	return true
}

// point writes the restore point down with what is known of it now. A virtual machine's disk holds data as a dump
// does; a container's image does not.
func (r *restores) point(name string, bp *BackupPlan, out restore.Outcome) error {
	made, at := madeAt(cmp.Or(out.Made, bp.made), bp.Spec.TimeZone) // one that could not be restored has its beginning all the same
	consistent, by := bp.Point.ConsistentTo, bp.Point.ConsistentBy
	if consistent.IsZero() || out.Measured {
		consistent, by = out.ConsistentTo, out.ConsistentBy
	}
	if consistent.IsZero() && !at.IsZero() { // the snapshot of a dump is taken a moment after its header is written
		consistent, by = at, fmt.Sprintf("the dump's header, %s", cmp.Or(bp.Spec.TimeZone, "UTC"))
	}
	p := record.RestorePoint{Backup: bp.Name, Store: bp.Spec.Store.Kind, Restore: bp.Spec.Restore.Kind,
		Point: bp.Point.ID, Size: bp.Point.Size, Taken: bp.Point.Taken, Digest: out.Digest,
		ConsistentTo: consistent, ConsistentSource: by, Explained: sidecars.Explained(by), Made: made, MadeAt: at,
		Lies: bp.lies, Oldest: bp.oldest, Listed: bp.listed,
		Zone: bp.Spec.TimeZone, Doubt: r.Hide(bp.Point.Doubt), Beside: bp.Beside, Profile: bp.profile.digest,
		Loaded: bp.Loader != nil && slices.Contains(r.plan.loads(name), bp.Name) || r.plan.kindOf(name).OwnDisk}
	if !consistent.IsZero() {
		p.Age = r.base.Sub(consistent)
	}
	if promised := bp.Point.Digest; promised.Given() {
		if promiseKept(promised, out.Digest) {
			promised.VerifiedBy = record.VerifiedByLifeboat
		}
		p.Promise = &promised
	}
	return r.Append(record.KindRestorePoint, record.Subject{}, p)
}

// promiseKept tells whether a promise was kept by what was read to its end: a stream that broke another one has no digest.
func promiseKept(promised record.Digest, read string) bool {
	return promised.Given() && read != "" && (promised.Algorithm != record.SHA256 || read == promised.String())
}

// opener streams the backup, throttled and counted, any number of times.
func (r *restores) opener(bp *BackupPlan) func(context.Context) (store.Stream, error) {
	return func(ctx context.Context) (store.Stream, error) {
		st, err := bp.Store.Fetch(ctx, bp.Point)
		if err != nil {
			return nil, err
		}
		if limit := r.throttles.rate(bp); limit > 0 {
			st = store.Throttle(ctx, st, float64(limit))
		}
		if r.progress == nil {
			return st, nil
		}
		return &counted{Stream: st, report: func(n int64) {
			r.progress(Progress{Backup: bp.Name, Bytes: n, Total: bp.Point.Size})
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
