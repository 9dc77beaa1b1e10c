// Package pgdata reads what lies in a data folder of PostgreSQL, and in a base backup and an archive of WAL made of one: its
// control file, labels, manifest, pages and segments. It interprets bytes and opens nothing. The formats are those of
// PostgreSQL 12 to 18 on machines that write the lower byte first.
package pgdata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// ControlPath is where the control file lies in a data folder.
const ControlPath = "global/pg_control"

// States of a cluster, as its control file has them.
const (
	ShutDown           = 1 // all that it held is in its files
	ShutDownInRecovery = 2
)

// Control is what a control file says.
type Control struct {
	System    uint64 // identifier of the cluster
	State     uint32
	Written   time.Time // when it was written last: of a server that was shut down, when that was
	Redo      LSN       // where recovery begins that knows no better
	Timeline  uint32    // of that
	Prepared  int       // transactions that may be prepared at once
	BlockSize int
	Segment   int64 // bytes of a segment of WAL
	Checksums bool
}

// Offsets of the control file's fields are those of its versions 1201 to 1800; its checksum has moved once.
const (
	offState      = 16
	offWritten    = 24
	offRedo       = 40
	offTimeline   = 48
	offPrepared   = 192
	offBlockSize  = 216
	offSegment    = 228
	offChecksums  = 252
	leastControl  = 296
	oldestControl = 1201
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrOtherMachine says that a control file was written on a machine of another byte order.
var ErrOtherMachine = errors.New("it was written on a machine with another order of bytes")

// ReadControl reads the beginning of a control file.
func ReadControl(b []byte) (*Control, error) {
	if len(b) < leastControl {
		return nil, fmt.Errorf("it has %d bytes, and is cut off", len(b))
	}
	le := binary.LittleEndian
	version := le.Uint32(b[8:])
	held := false
	for _, at := range []int{288, 292} {
		held = held || crc32.Checksum(b[:at], castagnoli) == le.Uint32(b[at:])
	}
	switch {
	case !held && binary.BigEndian.Uint32(b[8:]) < 10000 && version > 10000:
		return nil, ErrOtherMachine
	case !held && version >= 900 && version < oldestControl, held && version < oldestControl:
		return nil, &OldError{Version: version}
	case !held:
		return nil, errors.New("its checksum is wrong")
	}
	c := &Control{System: le.Uint64(b), State: le.Uint32(b[offState:]),
		Written: time.Unix(int64(le.Uint64(b[offWritten:])), 0).UTC(), Redo: LSN(le.Uint64(b[offRedo:])),
		Timeline: le.Uint32(b[offTimeline:]), Prepared: int(le.Uint32(b[offPrepared:])), BlockSize: int(le.Uint32(b[offBlockSize:])),
		Segment: int64(le.Uint32(b[offSegment:])), Checksums: le.Uint32(b[offChecksums:]) != 0}
	if !SegmentSize(c.Segment) {
		return nil, fmt.Errorf("it says that segments of WAL have %d bytes, which no server takes", c.Segment)
	}
	return c, nil
}

// OldError is a control file of a server before PostgreSQL 12.
type OldError struct{ Version uint32 }

func (e *OldError) Error() string {
	return fmt.Sprintf("its format is %d, of a server before PostgreSQL 12", e.Version)
}

// SegmentSize tells whether segments of WAL may have a size: a power of two from 1 MiB to 1 GiB.
func SegmentSize(n int64) bool { return n >= 1<<20 && n <= 1<<30 && n&(n-1) == 0 }
