package qemu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/lazy"
)

// headerFlaw is what the image itself says that QEMU does not: that it stands on other files, or was cut off. What
// cannot be read is left to QEMU.
func headerFlaw(format string, d instance.Disk) flaw {
	switch format {
	case "vhd":
		v, ok := readVHD(d)
		if ok {
			return v.flaw(d)
		}
	case "vmdk":
		return describedVMDK(at(d, 0, 64<<10))
	}
	return flaw{}
}

// at reads up to n bytes of a disk; fewer where it has no more, or cannot be read.
func at(d instance.Disk, offset, n int64) []byte {
	n = min(n, d.Size()-offset)
	if offset < 0 || n <= 0 {
		return nil
	}
	b := make([]byte, n)
	got, _ := d.ReadAt(b, offset)
	return b[:got]
}

// vhd is the footer of an image of Virtual PC, Hyper-V and Azure ("Virtual Hard Disk Image Format Specification", 2006).
type vhd struct {
	kind     uint32
	creator  string // program
	current  int64  // size of the disk, bytes
	geometry int64  // the same in whole cylinders, bytes
	header   int64  // where that of a dynamic disk lies
}

const (
	vhdDynamic      = 3
	vhdDifferencing = 4
	vhdMostCHS      = 65535 * 16 * 255 * sector // no geometry is larger; the size counts then
)

func readVHD(d instance.Disk) (vhd, bool) {
	f := at(d, d.Size()-sector, sector)
	if len(f) < sector || !bytes.HasPrefix(f, []byte("conectix")) {
		return vhd{}, false
	}
	return vhd{kind: binary.BigEndian.Uint32(f[60:]), creator: string(f[28:32]),
		current:  int64(binary.BigEndian.Uint64(f[48:])),
		geometry: int64(binary.BigEndian.Uint16(f[56:])) * int64(f[58]) * int64(f[59]) * sector,
		header:   int64(binary.BigEndian.Uint64(f[16:]))}, true
}

func (v vhd) flaw(d instance.Disk) flaw {
	const headerBytes, parentAt, parentBytes = 1024, 64, 512
	if v.kind != vhdDynamic && v.kind != vhdDifferencing {
		return flaw{}
	}
	h := at(d, v.header, headerBytes)
	if len(h) < headerBytes || !bytes.HasPrefix(h, []byte("cxsparse")) {
		return flaw{}
	}
	if v.kind == vhdDifferencing {
		return flaw{fmt.Sprintf("holds the differences to another file, %q", utf16Text(h[parentAt:][:parentBytes])), record.LackFile}
	}
	const mostTable, unused = 64 << 20, 0xffffffff
	entries, block := int64(binary.BigEndian.Uint32(h[28:])), int64(binary.BigEndian.Uint32(h[32:]))
	if block < sector || entries*4 > mostTable {
		return flaw{}
	}
	table := at(d, int64(binary.BigEndian.Uint64(h[16:])), entries*4)
	for ; len(table) >= 4; table = table[4:] {
		entry := int64(binary.BigEndian.Uint32(table))
		bitmap := (block/sector/8 + sector - 1) / sector * sector
		if end := entry*sector + bitmap + block; entry != unused && end > d.Size() {
			return flaw{words: fmt.Sprintf("is cut off: a block of it ends at byte %d, and it has %d", end, d.Size())}
		}
	}
	return flaw{}
}

// differs tells that the image says two sizes of its disk, of which QEMU takes the smaller, and that the partitions on it
// need the larger. QEMU counts in cylinders unless a program is known not to (block/vpc.c).
func (v vhd) differs(virtual int64, l layout) flaw {
	if virtual >= v.current || l.end <= virtual || l.end > v.current || v.geometry == vhdMostCHS {
		return flaw{}
	}
	return flaw{fmt.Sprintf("says %d bytes as its size and %d by its geometry (written by %q); its partitions end at %d",
		v.current, virtual, strings.TrimRight(v.creator, "\x00 "), l.end), record.LackGeometry}
}

func utf16Text(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := binary.BigEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// extentLine is a line of a VMDK's description ("Virtual Disk Format 5.0", VMware).
var extentLine = lazy.Regexp(`(?m)^(?:RW|RDONLY)\s+\d+\s+(\w+)\s+"([^"\r\n]+)"`)

// describedVMDK tells of an image that is a description alone.
func describedVMDK(head []byte) flaw {
	if !bytes.HasPrefix(bytes.TrimSpace(head), []byte("# Disk DescriptorFile")) {
		return flaw{}
	}
	var files []string
	flat := true
	for _, m := range extentLine().FindAllSubmatch(head, -1) {
		files = append(files, string(m[2]))
		flat = flat && (string(m[1]) == "FLAT" || string(m[1]) == "VMFS")
	}
	const most = 3
	what := fmt.Sprintf("%q", files[:min(most, len(files))])
	switch {
	case len(files) == 0:
		return flaw{words: "is the description of a VMDK and names no file with its data"}
	case len(files) > most:
		what += fmt.Sprintf(" and %d more", len(files)-most)
	case len(files) == 1 && flat:
		what += ", which boots by itself as format: raw"
	}
	return flaw{"is the description of a VMDK, whose data lie in " + what, record.LackFile}
}
