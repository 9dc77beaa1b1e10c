package qemu

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// inMemory is a disk of these bytes.
type inMemory struct{ *bytes.Reader }

func (inMemory) Path() string   { return "" }
func (inMemory) Fetched() int64 { return 0 }
func (inMemory) Same() error    { return nil }
func (inMemory) Close() error   { return nil }

func footerOf(kind uint32, current int64, cylinders uint16) []byte {
	f := make([]byte, sector)
	copy(f, "conectix")
	copy(f[28:], "vbox")
	binary.BigEndian.PutUint64(f[16:], sector)
	binary.BigEndian.PutUint64(f[48:], uint64(current))
	binary.BigEndian.PutUint16(f[56:], cylinders)
	f[58], f[59] = 16, 63
	binary.BigEndian.PutUint32(f[60:], kind)
	return f
}

// dynamicVHD has a table of two blocks of 2 MiB, of which the second lies at a sector.
func dynamicVHD(kind uint32, second uint32, size int) inMemory {
	b := make([]byte, size)
	copy(b, footerOf(kind, 4<<20, 8))
	h := b[sector:]
	copy(h, "cxsparse")
	binary.BigEndian.PutUint64(h[16:], 2048)
	binary.BigEndian.PutUint32(h[28:], 2)
	binary.BigEndian.PutUint32(h[32:], 2<<20)
	for i, u := range []byte("\x00b\x00a\x00s\x00e\x00.\x00v\x00h\x00d") {
		h[64+i] = u
	}
	binary.BigEndian.PutUint32(b[2048:], 0xffffffff)
	binary.BigEndian.PutUint32(b[2052:], second)
	copy(b[size-sector:], footerOf(kind, 4<<20, 8))
	return inMemory{bytes.NewReader(b)}
}

func TestHeaderFlaw(t *testing.T) {
	t.Parallel()
	whole := 4096 + 512 + 2<<20 + sector
	for name, c := range map[string]struct {
		format string
		disk   inMemory
		words  string
		lack   string
	}{
		"dynamic":        {"vhd", dynamicVHD(vhdDynamic, 8, whole), "", ""},
		"cut off":        {"vhd", dynamicVHD(vhdDynamic, 8, whole-sector*100), "is cut off: a block of it ends at byte", ""},
		"differencing":   {"vhd", dynamicVHD(vhdDifferencing, 8, whole), `differences to another file, "base.vhd"`, record.LackFile},
		"fixed":          {"vhd", inMemory{bytes.NewReader(append(make([]byte, 4096), footerOf(2, 4096, 1)...))}, "", ""},
		"no VHD":         {"vhd", inMemory{bytes.NewReader(make([]byte, 100))}, "", ""},
		"another format": {"raw", dynamicVHD(vhdDifferencing, 8, whole), "", ""},
		"described": {"vmdk", inMemory{bytes.NewReader([]byte("# Disk DescriptorFile\nversion=1\nRW 4192256 SPARSE \"web-s001.vmdk\"\n" +
			"RW 4192256 SPARSE \"web-s002.vmdk\"\n"))}, `["web-s001.vmdk" "web-s002.vmdk"]`, record.LackFile},
		"described, of ESXi": {"vmdk", inMemory{bytes.NewReader([]byte("# Disk DescriptorFile\nRW 83886080 VMFS \"web-flat.vmdk\"\n"))},
			`["web-flat.vmdk"], which boots by itself as format: raw`, record.LackFile},
		"described, of nothing": {"vmdk", inMemory{bytes.NewReader([]byte("# Disk DescriptorFile\n"))}, "names no file", ""},
		"with data":             {"vmdk", inMemory{bytes.NewReader([]byte("KDMV\x01\x00"))}, "", ""},
	} {
		bad := headerFlaw(c.format, c.disk)
		if c.words == "" {
			assert.Empty(t, bad.words, name)
		}
		assert.Contains(t, bad.words, c.words, name)
		assert.Equal(t, c.lack, bad.lack, name)
	}
}

func TestVHDSizes(t *testing.T) {
	t.Parallel()
	v, ok := readVHD(inMemory{bytes.NewReader(footerOf(vhdDynamic, 1<<30, 2080))})
	assert.True(t, ok)
	assert.Equal(t, vhd{kind: vhdDynamic, creator: "vbox", current: 1 << 30, geometry: 2080 * 16 * 63 * sector, header: sector}, v)
	assert.Empty(t, v.differs(1<<30, layout{end: 1 << 30}).words, "QEMU takes the size")
	assert.Empty(t, v.differs(v.geometry, layout{end: 1 << 29}).words, "the partitions end before")
	bad := v.differs(v.geometry, layout{end: 1 << 30})
	assert.Equal(t, record.LackGeometry, bad.lack)
	assert.Contains(t, bad.words, `says 1073741824 bytes as its size and 1073479680 by its geometry (written by "vbox")`)
}
