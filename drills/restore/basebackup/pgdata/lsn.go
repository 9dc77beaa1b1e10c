package pgdata

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// LSN is a place in the WAL, bytes from its beginning.
type LSN uint64

func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// ParseLSN reads 16/B374D848.
func ParseLSN(text string) (LSN, error) {
	high, low, ok := strings.Cut(text, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	l, e := strconv.ParseUint(low, 16, 32)
	if !ok || err != nil || e != nil {
		return 0, fmt.Errorf("%q is no place in the WAL", text)
	}
	return LSN(h<<32 | l), nil
}

// Segment is one segment of WAL: its timeline and its number from the beginning of all WAL.
type Segment struct {
	Timeline uint32
	Number   uint64
}

const segmentName = 24 // digits

// SegmentAt is the one that holds a place.
func SegmentAt(timeline uint32, at LSN, size int64) Segment {
	return Segment{Timeline: timeline, Number: uint64(at) / uint64(size)}
}

// Name of its file.
func (s Segment) Name(size int64) string {
	each := uint64(1<<32) / uint64(size)
	return fmt.Sprintf("%08X%08X%08X", s.Timeline, s.Number/each, s.Number%each)
}

// Start is the first place in it.
func (s Segment) Start(size int64) LSN { return LSN(s.Number * uint64(size)) }

// ParseSegment reads the name of a segment's file; false: it is another file's.
func ParseSegment(name string, size int64) (Segment, bool) {
	if len(name) != segmentName || strings.Trim(name, "0123456789ABCDEF") != "" {
		return Segment{}, false
	}
	timeline, _ := strconv.ParseUint(name[:8], 16, 32)
	high, _ := strconv.ParseUint(name[8:16], 16, 32)
	low, _ := strconv.ParseUint(name[16:], 16, 32)
	each := uint64(1<<32) / uint64(size)
	if low >= each || timeline == 0 {
		return Segment{}, false
	}
	return Segment{Timeline: uint32(timeline), Number: high*each + low}, true
}

// HeaderSize is how many bytes the head of a segment has.
const HeaderSize = 40

// Header is what a segment of WAL says of itself at its beginning.
type Header struct {
	Magic    uint16 // of the version of its format
	Timeline uint32
	At       LSN    // where it begins
	System   uint64 // identifier of the cluster that wrote it
	Size     int64  // of segments, bytes
}

// magics of WAL, by major version.
var magics = map[uint16]int{0xD101: 12, 0xD106: 13, 0xD10D: 14, 0xD110: 15, 0xD113: 16, 0xD116: 17, 0xD118: 18}

// Major is the version of PostgreSQL that writes such WAL; 0: not known.
func (h Header) Major() int { return magics[h.Magic] }

// ReadHeader reads the beginning of a segment; false: no segment begins so.
func ReadHeader(b []byte) (Header, bool) {
	const long = 2 // the bit of the page that begins a segment
	le := binary.LittleEndian
	if len(b) < HeaderSize || b[1] != 0xD0 && b[1] != 0xD1 && b[1] != 0xD2 || le.Uint16(b[2:])&long == 0 {
		return Header{}, false
	}
	return Header{Magic: le.Uint16(b), Timeline: le.Uint32(b[4:]), At: LSN(le.Uint64(b[8:])), System: le.Uint64(b[24:]),
		Size: int64(le.Uint32(b[32:]))}, true
}
