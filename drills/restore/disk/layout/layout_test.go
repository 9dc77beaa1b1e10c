package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

const mib = 1 << 20

// tool runs a program that makes disks, where root's path leads, too.
func tool(t *testing.T, in, name string, args ...string) {
	t.Helper()
	path := ""
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/bin"} {
		if p := filepath.Join(dir, name); path == "" {
			if _, err := os.Stat(p); err == nil {
				path = p
			}
		}
	}
	if path == "" {
		needs.Skip(t, name+" is not installed: ci/images/install.sh installs it")
	}
	c := exec.Command(path, args...)
	c.Stdin = strings.NewReader(in)
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
}

// made is a disk of so many MiB on which a table is made, and file systems: "ext4@OFFSET+SIZE" in MiB, made with options.
func made(t *testing.T, size int64, table string, systems ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Truncate(file, size*mib))
	if table != "" {
		tool(t, table, "sfdisk", "--quiet", file)
	}
	for _, of := range systems {
		kind, rest, _ := strings.Cut(of, "@")
		where, options, _ := strings.Cut(rest, " ")
		var at, n int64
		_, err := fmt.Sscanf(where, "%d+%d", &at, &n)
		require.NoError(t, err)
		if kind == "fat" {
			tool(t, "", "mkfs.vfat", append(strings.Fields(options), "--offset", fmt.Sprint(at*2048), file, fmt.Sprint(n*1024))...)
			continue
		}
		args := append([]string{"-q", "-t", kind, "-E", fmt.Sprintf("offset=%d", at*mib)}, strings.Fields(options)...)
		tool(t, "", "mke2fs", append(args, file, fmt.Sprintf("%dk", n*1024))...)
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	return raw
}

const (
	mbrTable = "label: dos\nstart=1MiB,size=4MiB,type=ef\nstart=5MiB,size=14MiB,type=83\n"
	gptTable = "label: gpt\nstart=1MiB,size=4MiB,type=U\nstart=5MiB,size=14MiB,type=L\n"
)

func zero(from, n int64) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[from : from+n]); return b }
}

func set(at int64, to ...byte) func([]byte) []byte {
	return func(b []byte) []byte { copy(b[at:], to); return b }
}

func cut(less int64) func([]byte) []byte {
	return func(b []byte) []byte { return b[:int64(len(b))-less] }
}

// says changes a superblock at a place, and makes its checksum anew, as a kernel does that writes it.
func says(super, at int64, to ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[super+at:], to)
		binary.LittleEndian.PutUint32(b[super+1020:], crc32c(^uint32(0), b[super:][:1020]))
		return b
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	const root, super = 5 * mib, 5*mib + 1024 // of the second partition, and its superblock
	mbr := made(t, 20, mbrTable, "fat@1+4 -F 12", "ext4@5+14")
	gpt := made(t, 20, gptTable, "fat@1+4 -F 12", "ext4@5+14")
	whole := made(t, 16, "", "ext4@0+16")
	backup := int64(len(gpt)) - sector
	for name, c := range map[string]struct {
		disk   []byte
		change func([]byte) []byte
		good   string
		wrong  string
	}{
		"MBR":                    {mbr, nil, "MBR, 1 FAT, 2 ext4", ""},
		"GPT":                    {gpt, nil, "GPT, 1 FAT, 2 ext4", ""},
		"one file system":        {whole, nil, "ext4", ""},
		"logical partitions":     {made(t, 22, "label: dos\nstart=1MiB,size=20MiB,type=5\nstart=2MiB,size=9MiB\nstart=12MiB,size=9MiB\n", "ext3@2+9", "ext2@12+9"), nil, "MBR, 5 ext3, 6 ext2", ""},
		"without a journal":      {made(t, 16, "", "ext4@0+16 -O ^has_journal"), nil, "ext4", ""},
		"blocks of 1 KiB":        {made(t, 20, "", "ext4@0+20 -b 1024"), nil, "ext4", ""},
		"blocks of 4 KiB":        {made(t, 16, "", "ext4@0+16 -b 4096 -O ^64bit"), nil, "ext4", ""},
		"older checksums":        {made(t, 20, "", "ext4@0+20 -O ^metadata_csum,uninit_bg"), nil, "ext4", ""},
		"groups of groups":       {made(t, 20, "", "ext4@0+20 -b 1024 -O meta_bg,^resize_inode"), nil, "ext4", ""},
		"old ext2":               {made(t, 16, "", "ext2@0+16 -r 0"), nil, "ext2", ""},
		"FAT32 alone":            {made(t, 34, "", "fat@0+34 -F 32 -s 1"), nil, "FAT", ""},
		"a running machine's":    {mbr, says(super, 96, mbr[super+96]|needsReplay), "MBR, 1 FAT, 2 ext4", ""},
		"one that was not ended": {mbr, says(super, 58, 0), "MBR, 1 FAT, 2 ext4", ""},
		"a disk that was grown":  {gpt, func(b []byte) []byte { return append(b, make([]byte, 10*mib)...) }, "GPT, 1 FAT, 2 ext4", ""},
		"nothing known":          {made(t, 2, ""), nil, "", ""},

		"first sector wiped": {mbr, zero(0, sector), "", "its partition table is gone: its first sector names no partition, and at byte 1048576 begins FAT"},
		"entries wiped": {mbr, func(b []byte) []byte { return set(0, 'G', 'R', 'U', 'B')(zero(446, 64)(b)) }, "",
			"its partition table is gone: its first sector names no partition, and at byte 1048576 begins FAT"},
		"ESP wiped in part":        {gpt, zero(mib, sector), "GPT, 2 ext4", "the EFI system partition, partition 1, holds no FAT file system"},
		"ESP never made":           {gpt, zero(mib, 4*mib), "GPT, 2 ext4", ""},
		"first sector wiped, GPT":  {gpt, zero(0, sector), "", "its partition table is gone: a GPT stands at byte 512, and nothing before it says so"},
		"all of the GPT wiped":     {gpt, zero(0, 34*sector), "", "its partition table is gone: a GPT stands at byte 20971008, and nothing before it says so"},
		"the GPT wiped":            {gpt, zero(sector, 33*sector), "GPT", "the GPT at its beginning is damaged; the copy at its end is whole"},
		"a bit in the GPT":         {gpt, set(sector+24, 9), "GPT", "the GPT at its beginning is damaged; the copy at its end is whole"},
		"a bit in its entries":     {gpt, set(2*sector+34, 9), "GPT", "the GPT at its beginning is damaged; the copy at its end is whole"},
		"the copy wiped":           {gpt, zero(backup, sector), "GPT", "the copy of its GPT in sector 40959 is damaged; the one at its beginning is whole"},
		"both wiped":               {gpt, func(b []byte) []byte { return zero(backup, sector)(zero(sector, 33*sector)(b)) }, "GPT", "its GPT is damaged, and no copy of it is at its end"},
		"a GPT cut off":            {gpt, cut(mib), "GPT", "it is cut off: the copy of its GPT lies in sector 40959 of 512 bytes, and its disk has 19922944 bytes"},
		"cut off in ext4":          {mbr, cut(5 * mib), "MBR, 1 FAT, 2 ext4", "the file system on partition 2 is cut off: it has 14680064 bytes, and there are 10485760"},
		"cut off in nothing known": {zero(root, 14*mib)(bytes.Clone(mbr)), cut(5 * mib), "MBR, 1 FAT", "it is cut off: partition 2 ends at byte 19922944, and its disk has 15728640"},
		"cut off by one sector":    {whole, cut(sector), "ext4", "the file system on all of the disk is cut off: it has 16777216 bytes, and there are 16776704"},
		"a partition in another":   {mbr, set(446+16+8, 0, 16, 0, 0), "MBR, 1 FAT", "its partition table is damaged: partitions 1 and 2 overlap"},
		"a bit in the superblock":  {mbr, set(super+120, 'x'), "MBR, 1 FAT, 2 ext4", "the superblock of the file system on partition 2 is damaged: its checksum is another"},
		"the superblock wiped":     {mbr, zero(super, 1024), "MBR, 1 FAT", "the superblock of the file system on partition 2 is gone; its copy stands at byte 13632512"},
		"errors counted":           {mbr, says(super, 404, 3), "MBR, 1 FAT, 2 ext4", "the file system on partition 2 has errors, as it says itself: 3 of them were counted"},
		"errors known":             {mbr, says(super, 58, clean|withErrors), "MBR, 1 FAT, 2 ext4", "the file system on partition 2 has errors, as it says itself: 0 of them were counted"},
		"groups wiped":             {mbr, zero(root+2048, 1024), "MBR, 1 FAT, 2 ext4", "the file system on partition 2 is damaged: its description of group 0 cannot be"},
		"a bit in a group":         {mbr, set(root+2048+12, 0xff), "MBR, 1 FAT, 2 ext4", "the file system on partition 2 is damaged: its description of group 0 cannot be"},
		"inodes wiped": {mbr, func(b []byte) []byte { return zero(inodeTable(b, super), 4096)(b) }, "MBR, 1 FAT, 2 ext4",
			"the file system on partition 2 is damaged: inode 2 of it, which is in use, is none"},
		"a bit in an inode": {mbr, func(b []byte) []byte { return set(inodeTable(b, super)+10*256+4, 0xee)(b) }, "MBR, 1 FAT, 2 ext4",
			"the file system on partition 2 is damaged: inode 11 of it, which is in use, is none"},
		"FAT cut":                {made(t, 34, "", "fat@0+34 -F 32 -s 1"), cut(mib), "FAT", "the file system on all of the disk is cut off: it has 35651584 bytes, and there are 34603008"},
		"FAT without its table":  {mbr, zero(mib+sector, 4096), "MBR, 1 FAT, 2 ext4", "the FAT file system on partition 1 is damaged: the table of its files is empty"},
		"FAT without its sector": {mbr, zero(mib+11, 20), "MBR, 1 FAT, 2 ext4", "the boot sector of the FAT file system on partition 1 is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := bytes.Clone(c.disk)
			if c.change != nil {
				raw = c.change(raw)
			}
			s, err := Look(bytes.NewReader(raw), int64(len(raw)))
			require.NoError(t, err)
			assert.Equal(t, c.wrong, strings.Join(s.Wrong[:min(1, len(s.Wrong))], "; "))
			assert.Equal(t, c.good, s.Good())
		})
	}
}

// inodeTable is where the first inode of a file system lies whose blocks are 1 KiB.
func inodeTable(b []byte, super int64) int64 { return super - 1024 + u32(b[super+1024:], 8)*1024 }

// What is not looked at is named, and is no damage.
func TestUnlooked(t *testing.T) {
	t.Parallel()
	disk := made(t, 20, gptTable)
	for name, c := range map[string]struct {
		at   int64
		is   string
		want string
	}{
		"LVM":       {512, "LABELONE", "1 ?, 2 LVM"},
		"LUKS":      {0, "LUKS\xba\xbe", "1 ?, 2 LUKS"},
		"ZFS":       {128 << 10, "\x0c\xb1\xba\x00", "1 ?, 2 ZFS"},
		"swap":      {4086, "SWAPSPACE2", "1 ?, 2 swap"},
		"two marks": {4086, "SWAPSPACE2", "1 ?, 2 LVM+swap"},
		"noise":     {0, "who knows", "1 ?, 2 ?"},
		"RAID 1.0":  {14*mib - 8192, "\xfc\x4e\x2b\xa9", "1 ?, 2 RAID"},
		"RAID 0.90": {14*mib - 65536, "\xfc\x4e\x2b\xa9", "1 ?, 2 RAID"},
	} {
		raw := set(5*mib+c.at, []byte(c.is)...)(bytes.Clone(disk))
		if name == "two marks" {
			copy(raw[5*mib+512:], "LABELONE")
		}
		s, err := Look(bytes.NewReader(raw), int64(len(raw)))
		require.NoError(t, err)
		assert.Empty(t, s.Wrong, name)
		assert.Equal(t, c.want, s.Unlooked(), name)
		assert.Equal(t, "GPT", s.Good(), name)
	}
}

// A part of an array says at its end what it is, and begins with what is larger than it.
func TestPartOfAnArray(t *testing.T) {
	t.Parallel()
	raw := made(t, 20, mbrTable, "fat@1+4 -F 12", "ext4@5+14")
	raw = raw[:12*mib]
	for at, is := range map[int]string{12*mib - 8192: "\xfc\x4e\x2b\xa9", 12*mib - 1024: "Intel Raid ISM Cfg Sig. 1.0", 12*mib - 512: "\xde\x11\xde\x11"} {
		part := set(int64(at), []byte(is)...)(bytes.Clone(raw))
		s, err := Look(bytes.NewReader(part), int64(len(part)))
		require.NoError(t, err)
		assert.Empty(t, s.Wrong)
		assert.Equal(t, "RAID", s.Unlooked())
	}
	s, err := Look(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	assert.NotEmpty(t, s.Wrong, "alone it is cut off")
}

// xfs is made here: mkfs.xfs makes none that are small.
func TestXFS(t *testing.T) {
	t.Parallel()
	make5 := func(blocks uint64) []byte {
		b := make([]byte, mib)
		copy(b, "XFSB")
		binary.BigEndian.PutUint32(b[4:], 4096)
		binary.BigEndian.PutUint64(b[8:], blocks)
		binary.BigEndian.PutUint16(b[100:], 0xb4a5)
		binary.BigEndian.PutUint16(b[102:], 512)
		binary.LittleEndian.PutUint32(b[224:], crc32.Checksum(b[:512], castagnoli))
		return b
	}
	for want, raw := range map[string][]byte{
		"": make5(256), "cut off: it has 1052672 bytes, and there are 1048576": make5(257),
		"its checksum is another": set(200, 1)(make5(256)), "the superblock of the file system on all of the disk is damaged": set(126, 1)(make5(256)),
	} {
		s, err := Look(bytes.NewReader(raw), int64(len(raw)))
		require.NoError(t, err)
		assert.Contains(t, strings.Join(s.Wrong, "; "), want)
		assert.Equal(t, want == "", len(s.Wrong) == 0)
	}
}

// failing cannot be read, which says nothing of a disk.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestUnreadable(t *testing.T) {
	t.Parallel()
	s, err := Look(failing{}, mib)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	assert.Empty(t, s.Wrong)
}

// Whatever stands on a disk, reading it ends, and nothing breaks.
func FuzzLook(f *testing.F) {
	f.Add(bytes.Repeat([]byte("EFI PART\x55\xaa"), 200))
	f.Add(append(make([]byte, 1024+56), 0x53, 0xef, 0, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := Look(bytes.NewReader(raw), int64(len(raw))); err != nil {
			t.Fatal(err)
		}
	})
}
