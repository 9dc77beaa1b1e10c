// Package layout reads what a disk says of itself, and never writes: its partition table and the superblocks of its file systems. A
// table or a file system that a kernel would refuse, or that itself says to have errors, is damage. What this package cannot read is
// named, and no word on the disk; so is a journal that was not replayed, as every snapshot of a running machine has one.
package layout

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Seen is what was read of a disk.
type Seen struct {
	Table   string // GPT, MBR, or "" where one file system is all of the disk
	Volumes []Volume
	Wrong   []string // the first is the root of the others, if one is
}

// Volume is a partition, or all of a disk.
type Volume struct {
	Number     int // of the partition; 0: all of the disk
	From, Size int64
	Kind       string // what lies there: ext4, FAT, LVM …; "": nothing known
	Looked     bool   // it was looked at
	linux, esp bool   // its type promises a file system of Linux, or what UEFI boots from
}

// Good lists what was looked at, in a few words: GPT, 1 FAT, 2 ext4.
func (s Seen) Good() string { return s.list(true) }

// Unlooked lists what lies there and was not looked at: 3 LVM.
func (s Seen) Unlooked() string { return s.list(false) }

func (s Seen) list(looked bool) string {
	var all []string
	if looked && s.Table != "" {
		all = append(all, s.Table)
	}
	for _, v := range s.Volumes {
		if v.Looked != looked {
			continue
		}
		name := cmp.Or(v.Kind, "?")
		if v.Number > 0 {
			name = strconv.Itoa(v.Number) + " " + name
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// damage is what is wrong, in words.
type damage struct{ words string }

func (e *damage) Error() string { return e.words }

// disk is read in pieces that are all there.
type disk struct {
	io.ReaderAt
	size int64
}

// at reads n bytes; *damage where the disk ends before.
func (d disk) at(from, n int64) ([]byte, error) {
	if from < 0 || n < 0 || from > d.size-n {
		return nil, &damage{fmt.Sprintf("it is cut off: what it says of itself ends at byte %d, and its disk has %d", uint64(from)+uint64(n), d.size)}
	}
	b := make([]byte, n)
	if got, err := d.ReadAt(b, from); got < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// some reads up to n bytes, as far as the disk goes.
func (d disk) some(from, n int64) ([]byte, error) {
	if from < 0 || from >= d.size {
		return nil, nil
	}
	return d.at(from, min(n, d.size-from))
}

// Look reads a disk. An error is one of reading it.
func Look(from io.ReaderAt, size int64) (Seen, error) {
	d := disk{from, size}
	s, err := d.table()
	var bad *damage
	if errors.As(err, &bad) {
		s.Wrong = append(s.Wrong, bad.words)
		return s, nil
	}
	if err != nil {
		return s, err
	}
	hybrid, err := d.some(32769, 5) // an ISO that is a disk, too: its partitions lie within each other
	if err != nil {
		return s, err
	}
	for i := range s.Volumes {
		err := d.volume(&s.Volumes[i], s)
		if errors.As(err, &bad) {
			s.Wrong = append(s.Wrong, bad.words)
		} else if err != nil {
			return s, err
		}
	}
	if string(hybrid) != "CD001" {
		s.Wrong = append(s.Wrong, s.outside(size)...)
	}
	return s, nil
}

// outside tells of partitions that overlap, or end behind the disk where no file system in them is known to end before.
func (s Seen) outside(size int64) (wrong []string) {
	all := slices.SortedFunc(slices.Values(s.Volumes), func(a, b Volume) int { return int(max(-1, min(1, a.From-b.From))) })
	for i, v := range all {
		if v.From+v.Size > size && !v.Looked {
			wrong = append(wrong, fmt.Sprintf("it is cut off: partition %d ends at byte %d, and its disk has %d", v.Number, v.From+v.Size, size))
		}
		if i > 0 && all[i-1].From+all[i-1].Size > v.From {
			wrong = append(wrong, fmt.Sprintf("its partition table is damaged: partitions %d and %d overlap", all[i-1].Number, v.Number))
		}
	}
	return wrong
}

// volume looks at what lies in a partition.
func (d disk) volume(v *Volume, s Seen) error {
	kinds, err := d.kinds(v.From, v.Size)
	if err != nil {
		return err
	}
	v.Kind = strings.Join(kinds, "+")
	v.Looked = true
	switch v.Kind {
	case "ext":
		return d.ext(v)
	case "FAT":
		return d.fat(v)
	case "XFS":
		return d.xfs(v)
	}
	v.Looked = false
	if v.Kind == "" && v.esp {
		return d.lostFAT(*v)
	}
	if v.Kind == "" && v.linux && !slices.ContainsFunc(s.Volumes, func(o Volume) bool { return o.Kind != "" && o.Kind != "FAT" }) {
		return d.lostExt(*v)
	}
	return nil
}

// name of a volume in a sentence.
func (v Volume) name() string {
	if v.Number == 0 {
		return "all of the disk"
	}
	return fmt.Sprintf("partition %d", v.Number)
}

// signature is what begins a kind of content.
type signature struct {
	kind string
	at   int64
	is   string
}

// signatures as libblkid knows them; those of ext are weighed by themselves.
var signatures = []signature{
	{"LUKS", 0, "LUKS\xba\xbe"}, {"LVM", 512, "LABELONE"}, {"LVM", 0, "LABELONE"}, {"LVM", 1024, "LABELONE"}, {"LVM", 1536, "LABELONE"},
	{"XFS", 0, "XFSB"}, {"btrfs", 65600, "_BHRfS_M"}, {"NTFS", 3, "NTFS    "}, {"exFAT", 3, "EXFAT   "}, {"BitLocker", 3, "-FVE-FS-"},
	{"ReFS", 3, "ReFS\x00"}, {"FAT", 54, "FAT12   "}, {"FAT", 54, "FAT16   "}, {"FAT", 82, "FAT32   "}, {"swap", 4086, "SWAPSPACE2"},
	{"swap", 4086, "SWAP-SPACE"}, {"RAID", 0, "\xfc\x4e\x2b\xa9"}, {"RAID", 4096, "\xfc\x4e\x2b\xa9"}, {"F2FS", 1024, "\x10\x20\xf5\xf2"},
	{"JFS", 32768, "JFS1"}, {"ReiserFS", 65588, "ReIsEr"}, {"bcache", 4120, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca"}, {"squashfs", 0, "hsqs"},
	{"ISO 9660", 32769, "CD001"}, {"NILFS", 1030, "\x34\x34"}, {"VMFS", 1 << 20, "\x0d\xd0\x01\xc0"}, {"EROFS", 1024, "\xe2\xe1\xf5\xe0"},
}

// kinds are what a volume begins with; more than one: nobody knows which is the remnant of an older one.
func (d disk) kinds(from, size int64) (all []string, err error) {
	b, err := d.some(from, min(size, 66<<10))
	if err != nil {
		return nil, err
	}
	has := func(at int64, is string) bool { return at < int64(len(b)) && bytes.HasPrefix(b[at:], []byte(is)) }
	for _, s := range signatures {
		if has(s.at, s.is) && !slices.Contains(all, s.kind) {
			all = append(all, s.kind)
		}
	}
	if len(b) >= 2048 && isExt(b[1024:2048]) {
		all = append(all, "ext")
	}
	zfs, err := d.some(from+128<<10, 4)
	if err != nil {
		return nil, err
	}
	if string(zfs) == "\x0c\xb1\xba\x00" || string(zfs) == "\x00\xba\xb1\x0c" {
		all = append(all, "ZFS")
	}
	raid, err := d.raid(from, size)
	if raid && !slices.Contains(all, "RAID") {
		all = append(all, "RAID")
	}
	return all, err
}

// raid tells whether a volume is a part of an array that says so at its end: what it begins with may be larger than it is. The places
// are those of Linux (drivers/md/md.c, versions 1.0 and 0.90), of Intel's firmware, and of DDF.
func (d disk) raid(from, size int64) (bool, error) {
	for _, m := range []struct {
		at int64
		is string
	}{{(size/sector - 16) &^ 7 * sector, "\xfc\x4e\x2b\xa9"}, {size&^0xffff - 0x10000, "\xfc\x4e\x2b\xa9"}, {size - 2*sector, "Intel Raid ISM Cfg Sig."},
		{size - sector, "\xde\x11\xde\x11"}} {
		if m.at < 0 {
			continue
		}
		b, err := d.some(from+m.at, int64(len(m.is)))
		if err != nil || string(b) == m.is {
			return err == nil, err
		}
	}
	return false, nil
}
