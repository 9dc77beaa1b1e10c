package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/disk/formats"
	"lifeboat/drills/restore/disk/layout"
	"lifeboat/drills/store"
)

var _ restore.Reader = (*Imager)(nil)

// inspect reads the image's own tables, and the partition table and the file systems of the disk in it: what shows here needs no
// machine to find it out. It gives notes of what it saw, and of what it did not look at.
func (i *Imager) inspect(backup string, file io.ReaderAt, size int64) (notes []string, err error) {
	var seen layout.Seen
	guest, err := formats.Open(i.settings.Format, file, size)
	if err == nil {
		seen, err = layout.Look(guest, guest.Size)
	}
	var bad *formats.Damage
	var unread *formats.Unread
	switch {
	case errors.As(err, &bad):
		return nil, &restore.BackupError{Backup: backup, Reason: bad.Words}
	case errors.As(err, &unread):
		return []string{fmt.Sprintf("its partition table and its file systems were not looked at before the boot: %s", unread.Why)}, nil
	case err != nil:
		return nil, fmt.Errorf("restore %s: %w", backup, err)
	case len(seen.Wrong) > 0:
		return nil, &restore.BackupError{Backup: backup, Reason: seen.Wrong[0]}
	}
	if good := seen.Good(); good != "" {
		notes = append(notes, fmt.Sprintf("read before the boot, without an error: %s", good))
	}
	if other := seen.Unlooked(); other != "" {
		notes = append(notes, fmt.Sprintf("not looked at before the boot: %s", other))
	}
	return notes, nil
}

// Read implements restore.Reader: everything but the boot.
func (i *Imager) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	if s.OpenAt == nil {
		out, err := verify(ctx, s)
		out.Notes = append(out.Notes, "its partition table and its file systems were not looked at: its store cannot be read in place")
		return out, err
	}
	disk, err := s.OpenAt(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer disk.Close()
	if !i.wrapped(disk, s) {
		return i.whole(ctx, s, disk)
	}
	kept, out, err := i.kept(ctx, s)
	if err != nil {
		return restore.Outcome{}, err
	}
	return out, kept.Close()
}

// whole verifies an image and looks at what it holds. What is bad has no digest, as it was not read to its end.
func (i *Imager) whole(ctx context.Context, s restore.Source, disk store.Random) (restore.Outcome, error) {
	began := time.Now()
	out, err := verify(ctx, s)
	if err != nil {
		return restore.Outcome{}, err
	}
	out.Verifying = time.Since(began)
	if out.Notes, err = i.inspect(s.Backup, disk, disk.Size()); err == nil {
		if e := disk.Same(); e != nil {
			err = fmt.Errorf("restore %s: %w", s.Backup, e)
		}
	}
	if err != nil {
		return restore.Outcome{}, err
	}
	return out, nil
}
