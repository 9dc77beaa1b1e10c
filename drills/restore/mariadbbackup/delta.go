package mariadbbackup

import (
	"encoding/binary"
	"math"
	"path"
	"strconv"
	"strings"

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
	space  uint32 // of the first whole one
	mixed  bool   // another whole one is of another
	oldest uint64 // up to where in the log whole ones were changed
	newest uint64
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
		c.tell(innodb.Told(b))
	case len(c.bad) < mostBad:
		c.bad = append(c.bad, number)
	default:
		c.more++
	}
}

func (c *changed) tell(space uint32, lsn uint64) {
	if c.whole++; c.whole == 1 {
		c.space, c.oldest = space, lsn
	}
	c.oldest, c.newest = min(c.oldest, lsn), max(c.newest, lsn)
	if !c.system && space != c.space {
		c.mixed = true
	}
}

// wrong is what is wrong with the pages of that file; nil where nothing shows, or where they have checksums of another kind.
func (c *changed) wrong(name, space string) error {
	c.look()
	of, err := strconv.ParseUint(space, 10, 32)
	switch {
	case c.whole == 0:
		return nil
	case len(c.bad) > 0:
		return damage("the checksum of a page is wrong: block %d of %s%s", c.bad[0], name, others(c.more+int64(len(c.bad)-1)))
	case c.mixed, !c.system && err == nil && c.space != uint32(of):
		return damage("%s holds changed pages of another table", name)
	}
	return nil
}

// ownPages tells whether the pages of a part were changed behind where it goes on from, and before its log ends: mariadb-backup takes no
// others. A server that prepared it may have written into all of them since.
func (p *part) ownPages() error {
	for _, name := range keys(p.files) {
		f, at, newest := p.files[name], strings.Trim(path.Join(p.tree.name, p.root, name), "/"), uint64(0)
		if f.pages != nil && !p.prepared() {
			newest = f.pages.newest
		}
		if f.delta != nil && f.delta.whole > 0 {
			if newest = f.delta.newest; f.delta.oldest <= p.from {
				return damage("%s is of another increment: a page of it was changed at place %d of the log, and %s goes on from %d", at, f.delta.oldest, p.name(), p.from)
			}
		}
		if newest > p.last {
			return damage("%s is of a later backup: a page of it was changed at place %d of the log, and that of %s ends at %d", at, newest, p.name(), p.last)
		}
	}
	return nil
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
