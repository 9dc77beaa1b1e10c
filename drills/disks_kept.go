package drills

import (
	"fmt"
	"os"

	"lifeboat/drills/store"
)

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
