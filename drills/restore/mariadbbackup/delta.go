package mariadbbackup

import (
	"encoding/binary"
	"math"

	"lifeboat/drills/restore/mariadbbackup/innodb"
)

// changed are the pages of a file of changed pages, judged as they pass. The file says neither how large its pages are nor of what kind
// their checksums: both show in the pages, since all of a tablespace are of one kind (full_crc32 or not).
//
//	block 0    "xtra" 3 7 …     numbers of the pages that follow; "XTRA" and an end behind the numbers: it is the last list
//	block 1    page 3
//	block 2    page 7
type changed struct {
	system bool
	size   int // of a block; 0: not known yet
	rest   []byte
	list   []uint32 // of pages that are to come
	whole  int64
	bad    []uint32
	more   int64 // than are in bad
}

// blocks are the sizes of pages whose checksums are known here, the usual one first.
var blocks = []int{16 << 10, 4 << 10, 8 << 10, 32 << 10, 64 << 10}

// mostBuffered is what is held back until the size of a block is known: a list and a page of the largest.
const mostBuffered = 128 << 10

func (c *changed) take(b []byte) {
	c.rest = append(c.rest, b...)
	if c.size == 0 && len(c.rest) < mostBuffered {
		return
	}
	c.look()
}

func (c *changed) look() {
	if c.size == 0 {
		c.size = blockOf(c.rest)
	}
	b := c.rest
	for ; len(b) >= c.size; b = b[c.size:] {
		if len(c.list) == 0 {
			c.list = numbers(b[:c.size])
			continue
		}
		c.page(c.list[0], b[:c.size])
		c.list = c.list[1:]
	}
	c.rest = append(c.rest[:0:0], b...)
}

// page is looked at unless it is one that a server makes anew.
func (c *changed) page(number uint32, b []byte) {
	space := innodb.Space{Size: c.size, Full: true}
	switch {
	case c.system && innodb.Doublewrite(0, number, c.size), space.Blank(b):
	case space.Page(b, number) == innodb.Whole:
		c.whole++
	case len(c.bad) < mostBad:
		c.bad = append(c.bad, number)
	default:
		c.more++
	}
}

// wrong is what is wrong with the pages of that file; nil where nothing shows, or where they have checksums of another kind.
func (c *changed) wrong(name string) error {
	if c.look(); c.whole == 0 || len(c.bad) == 0 {
		return nil
	}
	return damage("the checksum of a page is wrong: block %d of %s%s", c.bad[0], name, others(c.more+int64(len(c.bad)-1)))
}

// numbers of a list.
func numbers(block []byte) (all []uint32) {
	for at := 4; at < len(block); at += 4 {
		n := binary.BigEndian.Uint32(block[at:])
		if n == math.MaxUint32 {
			break
		}
		all = append(all, n)
	}
	return all
}

// blockOf is the size of the blocks of a file by its beginning: the one by which its first page is whole.
func blockOf(b []byte) int {
	for _, size := range blocks {
		if len(b) < 2*size {
			continue
		}
		page := b[size : 2*size]
		space := innodb.Space{Size: size, Full: true}
		if first := numbers(b[:size]); len(first) > 0 && !space.Blank(page) && space.Page(page, first[0]) == innodb.Whole {
			return size
		}
	}
	return blocks[0]
}
