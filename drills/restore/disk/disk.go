// Package disk makes a bootable machine of a disk image, where it lies and without copying it.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
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
func (i *Imager) Fits(of instance.Traits) error {
	if of.Boots != instance.Disks {
		return errors.New("a disk image boots a virtual machine")
	}
	return nil
}

// Image reads the backup once to verify its digest, unless it is lazy, and hands the file itself to the driver.
func (i *Imager) Image(ctx context.Context, s restore.Source, driver instance.Driver) (restore.Outcome, error) {
	loader, ok := instance.As[instance.DiskLoader](driver)
	if !ok {
		return restore.Outcome{}, fmt.Errorf("restore %s: instances of this kind boot no disk image; boot it on a virtual machine", s.Backup)
	}
	if s.OpenAt == nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: its store cannot be read in place; copy the image into a folder "+
			"and use a store of kind dir", s.Backup)
	}
	disk, err := s.OpenAt(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	if i.wrapped(disk, s) {
		if err := disk.Close(); err != nil {
			return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
		}
		return i.keep(ctx, s, loader)
	}
	out, err := i.hand(ctx, s, disk, loader)
	if err != nil {
		return restore.Outcome{}, errors.Join(err, disk.Close())
	}
	return out, nil
}

// hand the disk over. It was opened before it is verified, so that what boots is what was verified.
func (i *Imager) hand(ctx context.Context, s restore.Source, disk store.Random, to instance.DiskLoader) (out restore.Outcome, err error) {
	if i.settings.Lazy {
		out.Bytes, err = disk.Size(), disk.Same()
		out.Notes = append(out.Notes, "booted before all of it was read: its digest was not verified",
			"its partition table and its file systems were not looked at before the boot: it is read lazily")
	} else if out, err = i.whole(ctx, s, disk); err != nil {
		return restore.Outcome{}, err
	}
	if err == nil {
		out.Image, err = to.LoadDisk(ctx, instance.DiskImage{Name: s.Backup, Format: i.settings.Format, Disk: disk})
	}
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	return out, nil
}

// verify reads all of the image; the stream compares its digest with the promised one.
func verify(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		if mismatch, ok := errors.AsType[*store.Mismatch](err); ok {
			return restore.Outcome{}, &restore.BackupError{Backup: s.Backup, Reason: mismatch.Error()}
		}
		return restore.Outcome{}, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes()}, nil
}

// wrapped tells whether what boots is packed in the file. Where its beginning cannot be read nothing is said yet.
func (i *Imager) wrapped(disk store.Random, s restore.Source) bool {
	head, ok := beginning(disk)
	return ok && s.Keep != nil && !i.takes(filekind.Of(head).Kind)
}

// beginning of a disk; false where it cannot be read.
func beginning(disk store.Random) ([]byte, bool) {
	b := make([]byte, min(filekind.Enough, disk.Size()))
	n, err := disk.ReadAt(b, 0)
	return b, n == len(b) && (err == nil || errors.Is(err, io.EOF))
}

// keep unpacks the image while it is read, and hands that to the driver.
func (i *Imager) keep(ctx context.Context, s restore.Source, to instance.DiskLoader) (restore.Outcome, error) {
	kept, out, err := i.kept(ctx, s)
	if err != nil {
		return restore.Outcome{}, err
	}
	if out.Image, err = to.LoadDisk(ctx, instance.DiskImage{Name: s.Backup, Format: i.settings.Format, Disk: kept}); err != nil {
		return restore.Outcome{}, errors.Join(fmt.Errorf("restore %s: %w", s.Backup, err), kept.Close())
	}
	return out, nil
}

// kept is the image unpacked, and looked at.
func (i *Imager) kept(ctx context.Context, s restore.Source) (kept store.Random, out restore.Outcome, err error) {
	var what []string
	kept, err = s.Keep(func(f *os.File) error {
		stream, err := s.Open(ctx)
		if err != nil {
			return fmt.Errorf("restore %s: %w", s.Backup, err)
		}
		defer stream.Close()
		if what, err = i.unpack(s, stream, f); err == nil {
			out.Digest, out.Bytes = stream.Digest(), stream.Bytes()
		}
		return err
	})
	if err != nil {
		return nil, restore.Outcome{}, err
	}
	form := "it is %s: unpacked to %d bytes before the boot"
	if i.settings.Lazy {
		form = "it is %s: unpacked to %d bytes before the boot, so it could not be read lazily"
	}
	out.Notes = append(out.Notes, fmt.Sprintf(form, strings.Join(what, ", and in that "), kept.Size()))
	notes, err := i.inspect(s.Backup, kept, kept.Size())
	if err != nil {
		return nil, restore.Outcome{}, errors.Join(err, kept.Close())
	}
	out.Notes = append(out.Notes, notes...)
	return kept, out, nil
}

// Look tells from the first bytes, and from those of what is packed in it, what is encrypted, an image of another format,
// or no disk at all. A raw disk may begin as it likes, with zeros or with the header of another format: it is what the
// scenario says, unless it is packed.
func (i *Imager) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	w, err := i.unwrap(s, reading{stream})
	w.done()
	return err
}

// takes tells whether a file of a kind may be an image of the declared format. What qemu-img says better is left to it.
func (i *Imager) takes(k filekind.Kind) bool {
	raw, fixed := i.settings.Format == "raw", i.settings.Format == "vhd" // whose only mark is at its end
	switch k.Class {
	case filekind.Unknown:
		return true
	case filekind.Image:
		return raw && !k.In("oci", "rootfs") || k.In(i.settings.Format) || fixed && k.In("disk", "iso") ||
			i.settings.Format == "vmdk" && k.In("vmdk_text")
	case filekind.Nothing:
		return k.In("zeros") && (raw || fixed)
	}
	return raw && k.In("luks")
}
