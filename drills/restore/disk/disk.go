// Package disk makes a bootable machine of a disk image, where it lies and without copying it.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind disk.
type Settings struct {
	// Format of the image, which is never guessed: a raw image can carry the header of another format.
	Format string `yaml:"format"`
	// Lazy boots at once and reads what the guest asks for; the digest is then not verified.
	Lazy bool `yaml:"lazy"`
}

// Imager boots disk images; safe for concurrent use.
type Imager struct{ settings Settings }

// New makes the imager of its settings.
func New(s scenarios.Settings) (*Imager, []scenarios.Problem) {
	var c Settings
	problems := s.Decode(&c)
	if !slices.Contains(instance.DiskFormats(), c.Format) && len(problems) == 0 {
		known := "give one of " + strings.Join(instance.DiskFormats(), ", ")
		if c.Format == "" {
			problems = append(problems, s.Problem("", "add format: qcow2; "+known, "has no format"))
		} else {
			problems = append(problems, s.Problem("format", known, "%q is no format of disk images", c.Format))
		}
	}
	return &Imager{settings: c}, problems
}

// Fits implements restore.Fitting.
func (i *Imager) Fits(virtual bool) error {
	if !virtual {
		return errors.New("a disk image boots a virtual machine, kind: qemu")
	}
	return nil
}

// Image reads the backup once to verify its digest, unless it is lazy, and hands the file itself to the driver.
func (i *Imager) Image(ctx context.Context, s restore.Source, driver instance.Driver) (restore.Outcome, error) {
	loader, ok := driver.(instance.DiskLoader)
	if !ok {
		return restore.Outcome{}, fmt.Errorf("restore %s: instances of this kind boot no disk image; use kind qemu", s.Backup)
	}
	if s.OpenAt == nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: its store cannot be read in place; copy the image into a folder "+
			"and use a store of kind dir", s.Backup)
	}
	disk, err := s.OpenAt(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	out, err := i.hand(ctx, s, disk, loader)
	if err != nil {
		return restore.Outcome{}, errors.Join(err, disk.Close())
	}
	return out, nil
}

// hand the disk over. It was opened before it is verified, so that what boots is what was verified.
func (i *Imager) hand(ctx context.Context, s restore.Source, disk store.Random, to instance.DiskLoader) (restore.Outcome, error) {
	var out restore.Outcome
	if i.settings.Lazy {
		out.Bytes = disk.Size()
		out.Notes = append(out.Notes, "booted before all of it was read: its digest was not verified")
	} else {
		began := time.Now()
		digest, n, err := verify(ctx, s)
		if err != nil {
			return restore.Outcome{}, err
		}
		out.Digest, out.Bytes, out.Verifying = digest, n, time.Since(began)
	}
	err := disk.Same()
	if err == nil {
		out.Image, err = to.LoadDisk(ctx, instance.DiskImage{Name: s.Backup, Format: i.settings.Format, Disk: disk})
	}
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	return out, nil
}

// verify reads all of the image; the stream compares its digest with the promised one.
func verify(ctx context.Context, s restore.Source) (digest string, n int64, err error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return "", 0, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		var mismatch *store.Mismatch
		if errors.As(err, &mismatch) {
			return "", 0, &restore.BackupError{Backup: s.Backup, Reason: mismatch.Error()}
		}
		return "", 0, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	return stream.Digest(), stream.Bytes(), nil
}
