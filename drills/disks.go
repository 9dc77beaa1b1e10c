package drills

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// disks are the backups that machines read where they lie. A machine outlives the step that booted it, so
// they stay open until the drill has been cleaned up.
type disks struct {
	life context.Context // of all of them
	end  context.CancelFunc

	mu   sync.Mutex
	open []*disk
}

// disk is one opening of a backup. Its driver may close it any number of times.
type disk struct {
	store.Random
	backup string
	once   sync.Once
	closed error
}

// Close implements store.Random.
func (k *disk) Close() error {
	k.once.Do(func() { k.closed = k.Random.Close() })
	return k.closed
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
		k := &disk{Random: r, backup: bp.Name}
		d.disks.mu.Lock()
		d.disks.open = append(d.disks.open, k)
		d.disks.mu.Unlock()
		return k, nil
	}
}

// closeDisks closes every disk after its machine is gone, and writes down how much of those was read that
// are not files of this host.
func (d *drill) closeDisks() {
	defer d.disks.end()
	d.disks.mu.Lock()
	defer d.disks.mu.Unlock()
	var errs []error
	for _, k := range d.disks.open {
		if k.Path() == "" {
			errs = append(errs, d.Append(record.KindDiskRead, record.Subject{},
				record.DiskRead{Backup: k.backup, Fetched: k.Fetched(), Size: k.Size()}))
		}
		errs = append(errs, k.Close())
	}
	if err := errors.Join(errs...); err != nil {
		d.opt.Log.Warn("close the disks", "error", err)
	}
}
