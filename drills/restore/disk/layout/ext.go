package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Features of ext2, 3 and 4 (the kernel's fs/ext4/ext4.h).
const (
	hasJournal   = 0x4 // compatible
	needsReplay  = 0x4 // incompatible
	isJournal    = 0x8
	metaGroups   = 0x10
	wide         = 0x80
	seedGiven    = 0x2000
	tableSums    = 0x10 // for writing alone
	metadataSums = 0x400
	clean        = 1 // state
	withErrors   = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c goes on from a sum as the kernel does, which inverts neither before nor after.
func crc32c(sum uint32, b []byte) uint32 { return ^crc32.Update(^sum, castagnoli, b) }

// ext is a file system, by its superblock.
type ext struct {
	disk
	v      Volume
	b      []byte // the superblock
	block  int64  // bytes
	blocks int64
	incompat, ro,
	seed uint32
	replay bool // the journal holds what is newer
}

func u16(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint16(b[at:])) }
func u32(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }

// isExt weighs whether 1024 bytes are a superblock: its mark has only two bytes.
func isExt(b []byte) bool {
	return b[56] == 0x53 && b[57] == 0xef && u32(b, 24) <= 6 && u32(b, 32) > 0 && u32(b, 40) > 0 && u32(b, 4) > 0 && u32(b, 76) <= 1
}

func (d disk) readExt(v Volume, b []byte) *ext {
	e := &ext{disk: d, v: v, b: b, block: 1024 << u32(b, 24), blocks: u32(b, 4), incompat: uint32(u32(b, 96)), ro: uint32(u32(b, 100))}
	if e.incompat&wide != 0 {
		e.blocks |= u32(b, 336) << 32
	}
	e.replay = e.incompat&needsReplay != 0
	if e.seed = uint32(u32(b, 624)); e.incompat&seedGiven == 0 {
		e.seed = crc32c(^uint32(0), b[104:120])
	}
	return e
}

// sums tells whether the superblock is what its checksum says; true where it has none.
func (e *ext) sums() bool {
	return e.ro&metadataSums == 0 || crc32c(^uint32(0), e.b[:1020]) == uint32(u32(e.b, 1020))
}

// ext looks at a file system of that family.
func (d disk) ext(v *Volume) error {
	b, err := d.at(v.From+1024, 1024)
	if err != nil {
		return err
	}
	e := d.readExt(*v, b)
	v.Kind = "ext2"
	switch {
	case e.incompat&0x2c0 != 0 || e.ro&^7 != 0: // extents, 64 bits, flexible groups; whatever came with them
		v.Kind = "ext4"
	case u32(b, 92)&hasJournal != 0:
		v.Kind = "ext3"
	}
	if e.incompat&isJournal != 0 {
		v.Kind, v.Looked = "ext journal", false
		return nil
	}
	size := e.blocks * e.block
	switch {
	case !e.sums():
		return &damage{fmt.Sprintf("the superblock of the file system on %s is damaged: its checksum is another", v.name())}
	case size > v.Size || v.From+size > d.size:
		return &damage{fmt.Sprintf("the file system on %s is cut off: it has %d bytes, and there are %d", v.name(), size, min(v.Size, d.size-v.From))}
	case u16(b, 58)&withErrors != 0 || u32(b, 404) > 0:
		return &damage{fmt.Sprintf("the file system on %s has errors, as it says itself: %d of them were counted", v.name(), u32(b, 404))}
	}
	groups, err := e.groups()
	if err != nil || groups == nil {
		return err
	}
	if err := e.root(groups[0]); err != nil {
		return err
	}
	return e.inodes(groups)
}

// lostExt finds the copy of a superblock in the second group where the first is gone.
func (d disk) lostExt(v Volume) error {
	for _, block := range []int64{1024, 2048, 4096} {
		at := v.From + 8*block*block
		if block == 1024 {
			at += block
		}
		b, err := d.some(at, 1024)
		if err != nil {
			return err
		}
		if at >= v.From+v.Size || len(b) < 1024 || !isExt(b) || 1024<<u32(b, 24) != block || u16(b, 90) != 1 || !d.readExt(v, b).sums() {
			continue
		}
		return &damage{fmt.Sprintf("the superblock of the file system on %s is gone; its copy stands at byte %d", v.name(), at)}
	}
	return nil
}

// group of blocks.
type group struct {
	number             int64
	bitmap, table      int64 // of its inodes, blocks
	unused, flags      int64
	tableBytes, inodes int64
}

// groups reads the descriptors; none where their place is not known here.
func (e *ext) groups() ([]group, error) {
	const most = 64 << 20 // bytes of descriptors
	each, first, perGroup := int64(32), u32(e.b, 20), u32(e.b, 32)
	if e.incompat&wide != 0 {
		each = u16(e.b, 254)
	}
	perInodes, inode := u32(e.b, 40), int64(128)
	if u32(e.b, 76) > 0 {
		inode = u16(e.b, 88)
	}
	n := (e.blocks - first + perGroup - 1) / perGroup
	if e.incompat&metaGroups != 0 || each < 32 || each > e.block || inode < 128 || inode > e.block || n <= 0 || n*each > most {
		return nil, nil
	}
	after := int64(1) // the block of the superblock
	if e.block == 1024 {
		after = 2
	}
	raw, err := e.at(e.v.From+after*e.block, n*each)
	if err != nil {
		return nil, err
	}
	all := make([]group, 0, n)
	for i := range n {
		d := raw[i*each:][:each]
		g := group{number: i, bitmap: u32(d, 4), table: u32(d, 8), flags: u16(d, 18), unused: u16(d, 28), inodes: perInodes, tableBytes: perInodes * inode}
		blocks := u32(d, 0)
		if each >= 64 {
			blocks, g.bitmap, g.table = blocks|u32(d, 32)<<32, g.bitmap|u32(d, 36)<<32, g.table|u32(d, 40)<<32
			g.unused |= u16(d, 50) << 16
		}
		inside := func(block int64) bool { return block >= first && block < e.blocks }
		if !inside(blocks) || !inside(g.bitmap) || !inside(g.table) || !inside(g.table+(g.tableBytes-1)/e.block) || !e.summed(i, d) {
			return nil, &damage{fmt.Sprintf("the file system on %s is damaged: its description of group %d cannot be", e.v.name(), i)}
		}
		all = append(all, g)
	}
	return all, nil
}

// summed tells whether a descriptor is what its checksum says. What the journal replaces need not be.
func (e *ext) summed(number int64, d []byte) bool {
	const sumAt = 30
	if e.replay {
		return true
	}
	n := binary.LittleEndian.AppendUint32(nil, uint32(number))
	switch {
	case e.ro&metadataSums != 0:
		b := bytes.Clone(d)
		clear(b[sumAt : sumAt+2])
		return crc32c(crc32c(e.seed, n), b)&0xffff == uint32(u16(d, sumAt))
	case e.ro&tableSums != 0:
		sum := crc16(crc16(crc16(0xffff, e.b[104:120]), n), d[:sumAt])
		if len(d) > sumAt+2 {
			sum = crc16(sum, d[sumAt+2:])
		}
		return int64(sum) == u16(d, sumAt)
	}
	return true
}

// crc16 is that of the kernel (lib/crc16.c).
func crc16(sum uint16, b []byte) uint16 {
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			carry := sum & 1
			sum >>= 1
			if carry != 0 {
				sum ^= 0xa001
			}
		}
	}
	return sum
}
