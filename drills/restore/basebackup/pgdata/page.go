package pgdata

import (
	"encoding/binary"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// PageSize of a server that nobody built otherwise, bytes.
const PageSize = 8192

// State of a page.
type State int

// States.
const (
	Whole   State = iota // its checksum is right, or it was never used
	Damaged              // its checksum is wrong
	Unsaid               // it has none: so are all of a cluster without checksums
)

// Page tells the state of a page and the place in the WAL that it was last changed at. block counts from the beginning of
// the relation's first segment.
func Page(b []byte, block uint32) (State, LSN) {
	le := binary.LittleEndian
	at := LSN(le.Uint32(b))<<32 | LSN(le.Uint32(b[4:]))
	if le.Uint16(b[14:]) == 0 { // never used: then all of it is zeros
		for i := 0; i+8 <= len(b); i += 8 {
			if le.Uint64(b[i:]) != 0 {
				return Damaged, at
			}
		}
		return Whole, 0
	}
	kept := le.Uint16(b[8:])
	switch {
	case kept == 0: // no page's checksum is
		return Unsaid, at
	case Checksum(b, block) != kept:
		return Damaged, at
	}
	return Whole, at
}

const (
	sums  = 32
	prime = 16777619
)

// bases of the sums, as PostgreSQL's storage/checksum_impl.h has them: they are part of the format.
var bases = [sums]uint32{
	0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
	0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
	0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
	0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
}

// Checksum of a page, the field that keeps it taken as zero.
func Checksum(b []byte, block uint32) uint16 {
	s := bases
	le := binary.LittleEndian
	for row := 0; row+4*sums <= len(b); row += 4 * sums {
		line := b[row : row+4*sums]
		for i := range sums {
			v := le.Uint32(line[4*i:])
			if row == 0 && i == 2 { // bytes 8 and 9 are the checksum
				v &= 0xFFFF0000
			}
			t := s[i] ^ v
			s[i] = t*prime ^ t>>17
		}
	}
	for range 2 {
		for i := range s {
			s[i] = s[i]*prime ^ s[i]>>17
		}
	}
	var all uint32
	for _, v := range s {
		all ^= v
	}
	return uint16((all^block)%65535 + 1)
}

var (
	relation = regexp.MustCompile(`^(\d+)(?:_(fsm|vm|init))?(?:\.(\d+))?$`)
	digits   = regexp.MustCompile(`^\d+$`)
)

// Relation is a file of a relation's pages.
type Relation struct {
	Fork  string // "" | fsm | vm | init
	First uint32 // its first block
}

const segmentBlocks = 131072 // a file of 1 GiB

// ParseRelation tells which files of a data folder hold pages.
func ParseRelation(name string) (Relation, bool) {
	parts := strings.Split(name, "/")
	below := len(parts) == 2 && parts[0] == "global" || len(parts) == 3 && parts[0] == "base" && digits.MatchString(parts[1]) ||
		len(parts) == 5 && parts[0] == "pg_tblspc" && strings.HasPrefix(parts[2], "PG_") && digits.MatchString(parts[3])
	m := relation.FindStringSubmatch(path.Base(name))
	if !below || m == nil {
		return Relation{}, false
	}
	segment, err := strconv.ParseUint("0"+m[3], 10, 15)
	if err != nil {
		return Relation{}, false
	}
	return Relation{Fork: m[2], First: uint32(segment) * segmentBlocks}, true
}
