package drills

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// disks are the backups that machines read where they lie. A machine outlives the step that booted it, so
// they stay open until the drill has been cleaned up.
type disks struct {
	life context.Context // of all of them
	end  context.CancelFunc

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
func (d *drill) openerAt(bp *BackupPlan) func(context.Context) (store.Random, error) {
	from, ok := bp.Store.(store.RandomStore)
	if !ok || bp.Point.Dir {
		return nil
	}
	return func(ctx context.Context) (store.Random, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := from.OpenAt(d.disks.life, bp.Point, d.dir)
		if err != nil {
			return nil, fmt.Errorf("open backup %s where it lies: %w", bp.Name, err)
		}
		if limit := d.throttle(bp); limit > 0 {
			r = store.ThrottleAt(d.disks.life, r, float64(limit))
		}
		k := &disk{Random: r, backup: bp.Name, life: d.disks.life, broke: func(err error) { d.diskBroke(bp.Name, err) }}
		d.disks.mu.Lock()
		d.disks.open = append(d.disks.open, k)
		d.disks.mu.Unlock()
		return k, nil
	}
}

// served are the backups that machines read through this process: when it ends, they have no disk any more.
func (k *disks) served() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, o := range k.open {
		if o.Path() == "" && !o.done.Load() && !slices.Contains(names, o.backup) {
			names = append(names, o.backup)
		}
	}
	return names
}

// diskBroke writes down that a backup could not be read under its machine, or is another one.
func (d *drill) diskBroke(backup string, err error) {
	d.disks.mu.Lock()
	if d.disks.broken == nil {
		d.disks.broken = map[string]error{}
	}
	if d.disks.broken[backup] == nil {
		d.disks.broken[backup] = err
	}
	d.disks.mu.Unlock()
	d.harnessBroke(err)
}

// told tells whether an error is that of a disk, which is written down already.
func (k *disks) told(err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, why := range k.broken {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// unreadable is the first read of a backup that failed, or that it is another one now under its machine.
func (d *drill) unreadable(backup string) error {
	d.disks.mu.Lock()
	why := d.disks.broken[backup]
	var another error
	for _, k := range d.disks.open {
		if why == nil && another == nil && k.backup == backup && !k.done.Load() {
			another = k.Same()
		}
	}
	d.disks.mu.Unlock()
	if another != nil {
		d.diskBroke(backup, another)
		return another
	}
	return why
}

// closeDisks closes every disk after its machine is gone, and writes down how much of those was read that
// are not files of this host. A backup that became another one meanwhile makes the drill prove nothing.
func (d *drill) closeDisks() {
	defer d.disks.end()
	d.disks.mu.Lock()
	defer d.disks.mu.Unlock()
	var errs []error
	for _, k := range d.disks.open {
		if k.Path() == "" && !k.kept {
			errs = append(errs, d.Append(record.KindDiskRead, record.Subject{},
				record.DiskRead{Backup: k.backup, Fetched: k.Fetched(), Size: k.Size()}))
		}
		if k.done.Load() { // nothing was booted from it
			continue
		}
		if err := k.Same(); err != nil && d.disks.broken[k.backup] == nil { // else it is written down already
			d.note(record.KindHarness, record.HarnessError{Phase: record.PhaseCleanup, Error: d.secrets.hide(err.Error())})
		}
		errs = append(errs, k.Close())
	}
	if err := errors.Join(errs...); err != nil {
		d.opt.Log.Warn("close the disks", "error", err)
	}
}
