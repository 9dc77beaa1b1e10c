package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"lifeboat/drills/restore/disk/formats"
	"lifeboat/internal/accident"
)

const (
	shopDisk  = "build/vm/shop-pos.qcow2" // that make vm-images makes
	diskImage = "lifeboat/qemu:7.2"
	// Where its partitions begin, bytes (ci/vm/disk.sh).
	espAt  = 2048 * 512
	rootAt = (2048 + 65536) * 512
)

// inQEMU runs a program of QEMU over the files of a folder, which it sees as /disk.
func inQEMU(ctx context.Context, dir string, args ...string) error {
	_, err := command(ctx, nil, "docker", append([]string{"run", "--rm", "--network", "none", "-v", dir + ":/disk", diskImage}, args...)...)
	return err
}

// disk is the shop's, in another format where one is named, to which an accident happens.
func disk(format string, happens accident.Func) maker {
	return func(ctx context.Context, _ *bench, dir string) error {
		raw, err := os.ReadFile(shopDisk)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w; make vm-images makes it", err)
		}
		file := filepath.Join(dir, "pos.qcow2")
		if err == nil && format == "" && happens != nil {
			raw, err = happens(raw)
		}
		if err == nil {
			err = os.WriteFile(file, raw, 0o600)
		}
		if err != nil || format == "" {
			return err
		}
		other := filepath.Join(dir, "pos."+format)
		err = inQEMU(ctx, dir, "qemu-img", "convert", "-f", "qcow2", "-O", format, "/disk/pos.qcow2", "/disk/pos."+format)
		if err = errors.Join(err, os.Remove(file)); err != nil {
			return err
		}
		if happens == nil {
			return nil
		}
		if raw, err = happens(make([]byte, size(other))); err != nil { // a raw disk has holes, which are kept
			return err
		}
		return os.Truncate(other, int64(len(raw)))
	}
}

func size(file string) int64 {
	i, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return i.Size()
}

// patches are what is written over a disk as the guest sees it, by their places.
type patches func(d formats.Disk) (map[int64][]byte, error)

func zeros(from, n int64) patches {
	return func(formats.Disk) (map[int64][]byte, error) { return map[int64][]byte{from: make([]byte, n)}, nil }
}

// fromEnd writes zeros over the last bytes.
func fromEnd(n int64) patches {
	return func(d formats.Disk) (map[int64][]byte, error) {
		return map[int64][]byte{d.Size - n: make([]byte, n)}, nil
	}
}

func both(a, b patches) patches {
	return func(d formats.Disk) (map[int64][]byte, error) {
		x, err := a(d)
		if err != nil {
			return nil, err
		}
		y, err := b(d)
		maps.Copy(x, y)
		return x, err
	}
}

// changedAt changes bytes in their place.
func changedAt(from, n int64, change func(b []byte)) patches {
	return func(d formats.Disk) (map[int64][]byte, error) {
		b := make([]byte, n)
		if _, err := d.ReadAt(b, from); err != nil {
			return nil, err
		}
		change(b)
		return map[int64][]byte{from: b}, nil
	}
}

func flipped(at int64) patches { return changedAt(at, 1, func(b []byte) { b[0] ^= 0x10 }) }

// superblock changes that of the root file system.
func superblock(change func(b []byte)) patches { return changedAt(rootAt+1024, 1024, change) }

// summed gives a superblock its checksum, as a kernel does that writes it.
func summed(b []byte) {
	binary.LittleEndian.PutUint32(b[1020:], ^crc32.Checksum(b[:1020], crc32.MakeTable(crc32.Castagnoli)))
}

// inodes loses a block of the inodes of a group of the root file system, whose blocks have 4 KiB and whose descriptions 64 bytes.
func inodes(group int64) patches {
	return func(d formats.Disk) (map[int64][]byte, error) {
		const block = 4096
		b := make([]byte, 64)
		if _, err := d.ReadAt(b, rootAt+block+64*group); err != nil {
			return nil, err
		}
		return map[int64][]byte{rootAt + int64(binary.LittleEndian.Uint32(b[8:]))*block: make([]byte, block)}, nil
	}
}

// patched writes over the disk in a qcow2 image; of "" over the shop's with a GPT.
func patched(file string, p patches) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		from := file
		if from == "" {
			var err error
			if from, err = b.gptDisk(ctx); err != nil {
				return err
			}
		}
		raw, err := os.ReadFile(from)
		to := filepath.Join(dir, "pos.qcow2")
		if err == nil {
			err = os.WriteFile(to, raw, 0o600)
		}
		if err != nil {
			return err
		}
		f, err := os.Open(to)
		if err != nil {
			return err
		}
		defer f.Close()
		d, err := formats.Open("qcow2", f, int64(len(raw)))
		if err != nil {
			return err
		}
		all, err := p(d)
		if err != nil {
			return err
		}
		args := []string{"qemu-io", "-f", "qcow2"}
		for _, at := range slices.Sorted(maps.Keys(all)) {
			name := fmt.Sprintf("patch-%d", at)
			if err := os.WriteFile(filepath.Join(dir, name), all[at], 0o600); err != nil {
				return err
			}
			defer os.Remove(filepath.Join(dir, name))
			args = append(args, "-c", fmt.Sprintf("write -s /disk/%s %d %d", name, at, len(all[at])))
		}
		return inQEMU(ctx, dir, append(args, "/disk/pos.qcow2")...)
	}
}

// rawDisk is the shop's as a raw image, made once.
func (b *bench) rawDisk(ctx context.Context) (string, error) {
	dir, err := once(b, "raw disk", func() (string, error) { return b.make(ctx, disk("raw", nil), "raw") })
	return filepath.Join(dir, "pos.raw"), err
}

// gptDisk is the shop's with a GPT in the place of its MBR, made once. Its GRUB cannot read that, so it is the disk of those that are
// caught before they boot.
func (b *bench) gptDisk(ctx context.Context) (string, error) {
	dir, err := once(b, "disk with a GPT", func() (string, error) {
		raw, err := b.rawDisk(ctx)
		if err != nil {
			return "", err
		}
		return b.make(ctx, func(ctx context.Context, _ *bench, dir string) error { return partitioned(ctx, raw, dir) }, "gpt")
	})
	return filepath.Join(dir, "gpt.qcow2"), err
}

func partitioned(ctx context.Context, raw, dir string) error {
	to := filepath.Join(dir, "gpt.raw")
	const more = "1M" // for the copy
	if _, err := command(ctx, nil, "cp", "--sparse=always", raw, to); err != nil {
		return err
	}
	if _, err := command(ctx, nil, "truncate", "-s", "+"+more, to); err != nil {
		return err
	}
	table := fmt.Sprintf("label: gpt\nstart=%d,size=65536,type=U\nstart=%d,size=%d,type=L\n", espAt/512, rootAt/512, (size(raw)-rootAt)/512)
	if _, err := command(ctx, []byte(table), tool("sfdisk"), "--quiet", "--wipe", "never", to); err != nil {
		return err
	}
	err := inQEMU(ctx, dir, "qemu-img", "convert", "-c", "-m", "4", "-W", "-f", "raw", "-O", "qcow2", "/disk/gpt.raw", "/disk/gpt.qcow2")
	return errors.Join(err, os.Remove(to))
}

// tool is a program where root's path leads, too.
func tool(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// diskTool asks qemu-img, as backup scripts do.
func diskTool(ctx context.Context, _ *bench, dir string) (tool string, fine bool, err error) {
	name, err := backupIn(dir)
	if err != nil || name == "" {
		return "", false, err
	}
	const cannotCheck = 63 // images of this format (qemu-img(1))
	err = inQEMU(ctx, dir, "qemu-img", "check", "-q", "/disk/"+name)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == cannotCheck {
		return "", false, nil
	}
	fine, err = exited(err)
	return "qemu-img check", fine, err
}
