// Package innodb reads what of InnoDB's files shows without a server: pages with their checksums, the beginning of a log, and the files of
// changed pages that mariadb-backup writes. The formats are those of MariaDB's source: fil0fil.h, fsp0types.h, buf0buf.cc, log0log.h.
package innodb

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

const (
	spaceAt    = 34 // of a page: the number of its tablespace
	lsnAt      = 16 // up to where in the log it was changed
	numberAt   = 4  // its own number
	typeAt     = 24
	flagsAt    = 54 // of page 0: those of the tablespace
	fullMarker = 1 << 4
	packedMark = 1 << 15 // in the type of a page that is compressed
)

// State of a page.
type State int

// States. Unsaid has no checksum of a kind that is known here.
const (
	Whole State = iota
	Unsaid
	Damaged
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Space is what page 0 says of its tablespace.
type Space struct {
	Size int  // of a page, bytes; 0: it has pages of a kind that is not looked at here
	Full bool // its checksums are those of innodb_checksum_algorithm=full_crc32
}

// SpaceOf reads it from the beginning of a file; false: that is none of a tablespace. defaultSize is innodb_page_size.
func SpaceOf(head []byte, defaultSize int) (Space, bool) {
	if len(head) < flagsAt+4 {
		return Space{}, false
	}
	flags := binary.BigEndian.Uint32(head[flagsAt:])
	s := Space{}
	if flags&fullMarker != 0 {
		s.Full, s.Size = true, 512<<(flags&15)
		return s, s.Size >= 4<<10 && s.Size <= 64<<10
	}
	const zipSize, pageSize = 15 << 1, 15 << 6
	if flags&zipSize != 0 {
		return s, true // ROW_FORMAT=COMPRESSED
	}
	if s.Size = defaultSize; flags&pageSize != 0 {
		s.Size = 512 << (flags & pageSize >> 6)
	}
	return s, true
}

// Page tells whether a page is whole; number is the place where it lies.
func (s Space) Page(b []byte, number uint32) State {
	if s.Blank(b) {
		return Whole
	}
	if !s.Full {
		return old(b)
	}
	size := len(b)
	if kind := binary.BigEndian.Uint16(b[typeAt:]); kind&packedMark != 0 {
		if size = int(kind&^packedMark) << 8; size == 0 || size > len(b) {
			return Damaged
		}
	}
	if crc32.Checksum(b[:size-4], castagnoli) != binary.BigEndian.Uint32(b[size-4:]) {
		return Damaged
	}
	if binary.BigEndian.Uint32(b[numberAt:]) != number {
		return Damaged // it is another page's
	}
	return Whole
}

// old are pages whose checksum stands at their beginning, and one of several algorithms made it: only one is known here.
func old(b []byte) State {
	sum := crc32.Checksum(b[4:26], castagnoli) ^ crc32.Checksum(b[38:len(b)-8], castagnoli)
	if binary.BigEndian.Uint32(b) == sum {
		return Whole
	}
	return Unsaid
}

// Told is what a page says of itself: the number of its tablespace, and up to where in the log it was changed.
func Told(b []byte) (space uint32, lsn uint64) {
	return binary.BigEndian.Uint32(b[spaceAt:]), binary.BigEndian.Uint64(b[lsnAt:])
}

// Blank pages were never written: they have no checksum.
func (Space) Blank(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// Doublewrite tells which pages of the system tablespace hold copies of others: a server makes them anew.
func Doublewrite(space, number uint32, size int) bool {
	extent := uint32(1<<20) / uint32(size)
	if size > 16<<10 {
		extent = 64
	}
	return space == 0 && number >= extent && number < 3*extent
}

// LogStart is where the records of a log begin, as its first bytes say; false: it does not begin as a log of MariaDB 10.8 or later.
func LogStart(head []byte) (lsn uint64, ok bool) {
	const magic, crcAt = 0x50687973, 508 // "Phys"
	if len(head) < 512 || binary.BigEndian.Uint32(head) != magic {
		return 0, false
	}
	return binary.BigEndian.Uint64(head[8:]), crc32.Checksum(head[:crcAt], castagnoli) == binary.BigEndian.Uint32(head[crcAt:])
}

// LogHeader is what lies in a log before its records, bytes.
const LogHeader = 12288
