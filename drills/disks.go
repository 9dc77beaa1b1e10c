package drills

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// disks are the backups that machines read where they lie. A machine outlives the step that booted it, so
// they stay open until the drill has been cleaned up.
type disks struct {
	*books
	throttles *throttles
	life      context.Context // of all of them
	end       context.CancelFunc

	mu     sync.Mutex
	open   []*disk
	broken map[string]error // why a backup's machines prove nothing about it: a read that failed, another disk
}

// disk is one opening of a backup. Its driver may close it any number of times.
type disk struct {
	store.Random
	backup string
	life   context.Context
	broke  func(error) // is told of the first read that failed
	kept   bool        // it was unpacked, so nothing of the backup itself is read any more

	failed sync.Once
	once   sync.Once
	done   atomic.Bool
	closed error
}

// Close implements store.Random.
func (k *disk) Close() error {
	k.once.Do(func() {
		k.done.Store(true)
		k.closed = k.Random.Close()
	})
	return k.closed
}

// ReadAt implements store.Random. What a machine does on a disk that could not be read proves nothing about the backup.
func (k *disk) ReadAt(p []byte, off int64) (int, error) {
	n, err := k.Random.ReadAt(p, off)
	if err != nil && n < len(p) && !errors.Is(err, io.EOF) && !k.done.Load() && k.life.Err() == nil &&
		k.Same() == nil { // one that was replaced is told when it is closed
		k.failed.Do(func() { k.broke(fmt.Errorf("read backup %s where it lies: %w", k.backup, err)) })
	}
	return n, err
}

// openerAt opens a backup where it lies, throttled, any number of times; nil when its store can stream only.
func (ds *disks) openerAt(bp *BackupPlan) func(context.Context) (store.Random, error) {
	from, ok := bp.Store.(store.RandomStore)
	if !ok || bp.Point.Dir {
		return nil
	}
	return func(ctx context.Context) (store.Random, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := from.OpenAt(ds.life, bp.Point, ds.dir)
		if err != nil {
			return nil, fmt.Errorf("open backup %s where it lies: %w", bp.Name, err)
		}
		if limit := ds.throttles.rate(bp); limit > 0 {
			r = store.ThrottleAt(ds.life, r, float64(limit))
		}
		return ds.add(&disk{Random: r, backup: bp.Name}), nil
	}
}

// add keeps a disk open.
func (ds *disks) add(k *disk) *disk {
	k.life, k.broke = ds.life, func(err error) { ds.broke(k.backup, err) }
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.open = append(ds.open, k)
	return k
}

// served are the backups that machines read through this process: when it ends, they have no disk any more.
func (ds *disks) served() []string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var names []string
	for _, k := range ds.open {
		if k.Path() == "" && !k.done.Load() && !slices.Contains(names, k.backup) {
			names = append(names, k.backup)
		}
	}
	return names
}

// broke writes down that a backup could not be read under its machine, or is another one.
func (ds *disks) broke(backup string, err error) {
	ds.mu.Lock()
	if ds.broken[backup] == nil {
		ds.broken[backup] = err
	}
	ds.mu.Unlock()
	ds.harnessBroke(err)
}

// told tells whether an error is that of a disk, which is written down already.
func (ds *disks) told(err error) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, why := range ds.broken {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// unreadable is the first read of a backup that failed, or that it is another one now under its machine.
func (ds *disks) unreadable(backup string) error {
	ds.mu.Lock()
	why := ds.broken[backup]
	var another error
	for _, k := range ds.open {
		if why == nil && another == nil && k.backup == backup && !k.done.Load() {
			another = k.Same()
		}
	}
	ds.mu.Unlock()
	if another != nil {
		ds.broke(backup, another)
		return another
	}
	return why
}

// close closes every disk after its machine is gone, and writes down how much of those was read that
// are not files of this host. A backup that became another one meanwhile makes the drill prove nothing.
func (ds *disks) close() {
	defer ds.end()
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var errs []error
	for _, k := range ds.open {
		if k.Path() == "" && !k.kept {
			errs = append(errs, ds.Append(record.KindDiskRead, record.Subject{},
				record.DiskRead{Backup: k.backup, Fetched: k.Fetched(), Size: k.Size()}))
		}
		if k.done.Load() { // nothing was booted from it
			continue
		}
		if err := k.Same(); err != nil && ds.broken[k.backup] == nil { // else it is written down already
			ds.note(record.KindHarness, record.HarnessError{Phase: record.PhaseCleanup, Error: ds.Hide(err.Error())})
		}
		errs = append(errs, k.Close())
	}
	if err := errors.Join(errs...); err != nil {
		ds.log.Warn("close the disks", "error", err)
	}
}

// kept is a disk that was unpacked into a file without a name: it goes with this process, whatever becomes of it.
type kept struct {
	*os.File
	size int64
}

// Size implements store.Random.
func (k kept) Size() int64 { return k.size }

// Path implements store.Random: nobody else can open it.
func (kept) Path() string { return "" }

// Fetched implements store.Random.
func (kept) Fetched() int64 { return 0 }

// Same implements store.Random.
func (kept) Same() error { return nil }

// keep gives what keeps what is written into such a file until the drill has been cleaned up.
func (ds *disks) keep(backup string) func(fill func(*os.File) error) (store.Random, error) {
	return func(fill func(*os.File) error) (store.Random, error) {
		f, err := os.CreateTemp(ds.dir, "disk-*")
		if err != nil {
			return nil, fmt.Errorf("keep what backup %s holds: %w", backup, err)
		}
		if err := os.Remove(f.Name()); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("keep what backup %s holds: %w", backup, err)
		}
		if err := fill(f); err != nil {
			_ = f.Close()
			return nil, err
		}
		at, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("keep what backup %s holds: %w", backup, err)
		}
		return ds.add(&disk{Random: kept{f, at.Size()}, backup: backup, kept: true}), nil
	}
}

// read reads every backup to its end and restores none: its digest, and its structure as far as that shows without a server.
func (r *restores) read(ctx context.Context) error {
	var found []error
	for _, name := range slices.Sorted(maps.Keys(r.plan.Backups)) {
		bp := r.plan.Backups[name]
		_, err := r.restored(ctx, r.userOf(name), bp, record.PhaseRestore, func(src restore.Source) (restore.Outcome, error) {
			return readThrough(ctx, bp, src)
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		found = append(found, err)
	}
	return errors.Join(found...)
}

// readThrough has a backup read by who restores it, if that one can, and else for its digest alone.
func readThrough(ctx context.Context, bp *BackupPlan, src restore.Source) (restore.Outcome, error) {
	for _, who := range []any{bp.Loader, bp.Imager} {
		if reader, ok := who.(restore.Reader); ok {
			return reader.Read(ctx, src)
		}
	}
	stream, err := src.Open(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("read %s: %w", src.Backup, err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		if mismatch, ok := errors.AsType[*store.Mismatch](err); ok {
			return restore.Outcome{}, &restore.BackupError{Backup: src.Backup, Reason: mismatch.Error()}
		}
		return restore.Outcome{}, fmt.Errorf("read %s: %w", src.Backup, err)
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes()}, nil
}
