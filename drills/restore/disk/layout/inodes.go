package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Inodes whose numbers never change.
const (
	rootInode    = 2
	journalInode = 8
)

func (e *ext) damaged(number int64) error {
	return &damage{fmt.Sprintf("the file system on %s is damaged: inode %d of it, which is in use, is none", e.v.name(), number)}
}

// root looks at the inodes without which nothing is mounted, and at the first entry of the root folder.
func (e *ext) root(g group) error {
	size := g.tableBytes / g.inodes
	table, err := e.at(e.v.From+g.table*e.block, size*min(g.inodes, journalInode))
	if err != nil {
		return err
	}
	const kind, folder, file = 0xf000, 0x4000, 0x8000
	root := table[size*(rootInode-1):][:size]
	if u16(root, 0)&kind != folder || u16(root, 26) < 2 && u16(root, 26) != 1 || !e.replay && !e.isSummed(rootInode, root) {
		return e.damaged(rootInode)
	}
	if u32(e.b, 92)&hasJournal != 0 && u32(e.b, 224) == journalInode && g.inodes >= journalInode {
		if j := table[size*(journalInode-1):][:size]; u16(j, 0)&kind != file {
			return e.damaged(journalInode)
		}
	}
	at := e.firstBlock(root)
	if at == 0 {
		return nil
	}
	if at < 0 || at >= e.blocks {
		return e.damaged(rootInode)
	}
	b, err := e.at(e.v.From+at*e.block, 12)
	if err != nil {
		return err
	}
	if u32(b, 0) != rootInode || u16(b, 4) < 12 || b[6] != 1 || b[8] != '.' {
		return &damage{fmt.Sprintf("the file system on %s is damaged: its root folder holds no entry of itself", e.v.name())}
	}
	return nil
}

// firstBlock of what an inode holds; 0 where that cannot be told by the inode alone.
func (e *ext) firstBlock(inode []byte) int64 {
	const extents, inline, mark = 0x80000, 0x10000000, 0xf30a
	switch flags := u32(inode, 32); {
	case flags&inline != 0:
		return 0
	case flags&extents == 0:
		return u32(inode, 40)
	}
	if u16(inode, 40) != mark {
		return -1
	}
	if u16(inode, 42) == 0 || u16(inode, 46) != 0 || u32(inode, 52) != 0 { // no extent, more than one level, or not its beginning
		return 0
	}
	return u16(inode, 58)<<32 | u32(inode, 60)
}

// isSummed tells whether an inode is what its checksum says.
func (e *ext) isSummed(number int64, inode []byte) bool {
	if e.ro&metadataSums == 0 {
		return true
	}
	const low, extra, high = 124, 128, 130
	b := bytes.Clone(inode)
	want, mask := uint32(u16(b, low)), uint32(0xffff)
	clear(b[low : low+2])
	if len(b) > extra+4 && u16(b, extra) >= 4 {
		want, mask = want|uint32(u16(b, high))<<16, ^uint32(0)
		clear(b[high : high+2])
	}
	sum := crc32c(e.seed, binary.LittleEndian.AppendUint32(nil, uint32(number)))
	return crc32c(crc32c(sum, b[100:104]), b)&mask == want
}

// mostInodes bytes of tables are read.
const mostInodes = 64 << 20

// inodes looks at those that are in use, of as many groups as are read in a second. What is in the journal may be newer, so one that
// was not closed is left to the kernel; so is one whose inodes have no checksums.
func (e *ext) inodes(groups []group) error {
	const unmade = 1
	if e.replay || u16(e.b, 58)&clean == 0 || e.ro&metadataSums == 0 {
		return nil
	}
	left := int64(mostInodes)
	for _, g := range groups {
		used := g.inodes - g.unused
		size := g.tableBytes / g.inodes
		if g.flags&unmade != 0 || used <= 0 {
			continue
		}
		if left -= used * size; left < 0 {
			return nil
		}
		bitmap, err := e.at(e.v.From+g.bitmap*e.block, e.block)
		if err != nil {
			return err
		}
		table, err := e.at(e.v.From+g.table*e.block, used*size)
		if err != nil {
			return err
		}
		for i := range used {
			number := g.number*g.inodes + i + 1
			reserved := number < max(11, u32(e.b, 84))
			if i/8 >= int64(len(bitmap)) || bitmap[i/8]>>(i%8)&1 == 0 || reserved {
				continue
			}
			if inode := table[i*size:][:size]; u16(inode, 0) == 0 || !e.isSummed(number, inode) {
				return e.damaged(number)
			}
		}
	}
	return nil
}
