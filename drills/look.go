package drills

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

const (
	mostLook  = 30 * time.Second // at one backup, however slow its store is
	mostAhead = 5 * time.Second  // of a promised digest, which is verified once more when the backup is restored
	// A backup that lies on this host is read ahead up to so many bytes; one that lies elsewhere costs its transfer twice.
	aheadHere  = 1 << 30
	aheadThere = 64 << 20
)

// look reads the beginning of every backup before anything is started: what is no backup, what nothing here can restore
// and what was changed since it was promised is said within seconds, all of it at once. It only ever ends a drill early:
// what could not be asked now is asked when the backup is restored.
func (r *restores) look(ctx context.Context) error {
	var found []error
	for _, name := range slices.Sorted(maps.Keys(r.plan.Backups)) {
		bp := r.plan.Backups[name]
		fact := record.Restored{Backup: name, Point: bp.Point.ID, Started: r.elapsed(), During: record.PhaseRestore}
		var err error
		if bp.Missing != nil {
			err = r.lacking(&fact, bp)
		} else if err = r.lookAt(ctx, &fact, bp); ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err == nil {
			bp.besideByContent(ctx)
			continue
		}
		fact.Ended = r.elapsed()
		if other := r.faulty(err); other != nil && other != bp { // one that it needs
			bp, fact.Backup, fact.Point = other, other.Name, other.Point.ID
		}
		user := r.userOf(name)
		found = append(found, asFact(err, r.Append(record.KindRestored, r.subject(user), fact),
			r.point(user, bp, restore.Outcome{})))
	}
	return errors.Join(found...)
}

// lacking writes into a fact that there is nothing to restore. What nobody may read may be as good as any; and a store in
// which nothing lies, or that is not there, may be one that is not mounted, or the wrong one.
func (r *restores) lacking(fact *record.Restored, bp *BackupPlan) error {
	missing := *bp.Missing
	missing.Name, missing.Newest = r.Hide(missing.Name), r.Hide(missing.Newest)
	fact.Missing = &missing
	why := missingWords(&missing)
	if missing.Name == "" || missing.Why == string(store.Unreadable) {
		fact.Unread = why
	} else {
		fact.BackupBad = why
	}
	return fmt.Errorf("restore %s: %s", bp.Name, why)
}

// lookAt asks who restores a backup, and the digest that was promised for it. What is found about the backup is the error,
// and stands in the fact; what could not be asked is neither.
func (r *restores) lookAt(ctx context.Context, fact *record.Restored, bp *BackupPlan) error {
	ctx, cancel := context.WithTimeout(ctx, mostLook)
	defer cancel()
	src := r.unread(bp)
	var who any = bp.Loader
	if bp.Imager != nil {
		who = bp.Imager
	}
	if looker, ok := who.(restore.Looker); ok {
		src.Beside = r.unreadBeside
		src.Env = func(ctx context.Context) (map[string]string, error) { return r.envOf(ctx, bp.Name) }
		if err := looker.Look(ctx, src); r.blame(fact, bp, err) {
			return err
		}
	}
	if f, ok := who.(restore.Fitting); ok && f.Fits(instance.Traits{Boots: instance.Disks}) == nil {
		return nil // a disk is verified before its machine boots, or was asked not to be read
	}
	if err := readAhead(ctx, bp, r.dir, src.Open); r.blame(fact, bp, err) {
		return err
	}
	return nil
}

// unread is a backup of which only some is read.
func (r *restores) unread(bp *BackupPlan) restore.Source {
	src := restore.Source{Backup: bp.Name, Point: bp.Point,
		Open: func(ctx context.Context) (store.Stream, error) { return bp.Store.Fetch(ctx, bp.Point) }}
	if from, ok := bp.Store.(store.RandomStore); ok && !bp.Point.Dir {
		src.OpenAt = func(ctx context.Context) (store.Random, error) { return from.OpenAt(ctx, bp.Point, r.dir) }
	}
	return src
}

// unreadBeside is another backup, which one that is looked at needs.
func (r *restores) unreadBeside(name string) (restore.Source, error) {
	bp := r.plan.Backups[name]
	if bp == nil || bp.Missing != nil {
		return restore.Source{}, fmt.Errorf("there is no backup %s", name)
	}
	return r.unread(bp), nil
}

// envOf is what the image of the instance that a backup is loaded into sets, as far as it tells that before it boots.
func (r *restores) envOf(ctx context.Context, backup string) (map[string]string, error) {
	for _, name := range r.plan.Order {
		spec := r.plan.Scenario.Instances[name]
		if !slices.Contains(r.plan.loads(name), backup) {
			continue
		}
		if bp := r.plan.Backups[spec.Boot]; bp != nil {
			if of, ok := bp.Imager.(restore.Environed); ok && bp.Missing == nil {
				return of.Env(ctx, r.unread(bp))
			}
			return nil, nil
		}
		if of, ok := r.room.Driver(spec.Kind).(instance.Environed); ok && spec.Image != "" {
			return of.ImageEnv(ctx, spec.Image)
		}
	}
	return nil, nil
}

// besideByContent asks whether one that was written earlier says that it was made later: copies have the times of copying.
func (b *BackupPlan) besideByContent(ctx context.Context) {
	dater, ok := b.Loader.(restore.Dater)
	if !ok || len(b.older) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mostAhead)
	defer cancel()
	made := func(p store.Point) string {
		text, err := dater.Made(ctx, restore.Source{Backup: b.Name, Point: p,
			Open: func(ctx context.Context) (store.Stream, error) { return b.Store.Fetch(ctx, p) }})
		if clock, _ := madeAt(text, ""); err == nil {
			return clock
		}
		return ""
	}
	own := made(b.Point)
	for _, p := range b.older {
		if at := made(p); own != "" && at > own {
			b.Beside = append(b.Beside, record.Observation{ID: "point.made_later",
				Args: map[string]string{"name": p.ID, "made": at, "own": own}})
			return
		}
	}
}

// readAhead verifies a promised digest where that takes seconds. Its only error is a *store.Mismatch.
func readAhead(ctx context.Context, bp *BackupPlan, scratch string,
	open func(context.Context) (store.Stream, error),
) error {
	if !bp.Point.Digest.Given() || bp.Point.Size > aheadHere || bp.Point.Size > aheadThere && !here(ctx, bp, scratch) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, mostAhead)
	defer cancel()
	stream, err := open(ctx)
	if err != nil {
		return nil // it is opened again when it is restored
	}
	defer stream.Close()
	_, err = io.Copy(io.Discard, stream)
	if mismatch, ok := errors.AsType[*store.Mismatch](err); ok {
		return mismatch
	}
	return nil
}

// here tells whether a backup is a file of this host.
func here(ctx context.Context, bp *BackupPlan, scratch string) bool {
	from, ok := bp.Store.(store.RandomStore)
	if !ok || bp.Point.Dir {
		return false
	}
	r, err := from.OpenAt(ctx, bp.Point, scratch)
	if err != nil {
		return false
	}
	defer r.Close()
	return r.Path() != ""
}

// userOf is an instance that is restored from a backup; "" where only a step restores it.
func (r *restores) userOf(backup string) string {
	for _, name := range r.plan.Order {
		if slices.Contains(r.plan.MadeOf(name), backup) {
			return name
		}
	}
	return ""
}
