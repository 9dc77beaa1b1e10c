package binlog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// Beginnings of files: of a log, and of one that MySQL encrypted.
const (
	magic       = "\xfebin"
	sealedMagic = "\xfdbin"
)

// Kinds of events (sql/log_event.h of MariaDB 10.11).
const (
	queryEvent        = 2
	stopEvent         = 3
	rotateEvent       = 4
	formatEvent       = 15
	xidEvent          = 16
	loadQueryEvent    = 18
	tableMapEvent     = 19
	incidentEvent     = 26
	xaPrepareEvent    = 38
	checkpointEvent   = 161
	gtidEvent         = 162
	gtidListEvent     = 163
	encryptionEvent   = 164
	queryPackedEvent  = 165
	mysqlGTIDEvent    = 33
	mysqlNoGTIDEvent  = 34
	mysqlPreviousList = 35
)

const (
	headSize    = 19
	sumSize     = 4
	inUseFlag   = 1 // of a format description: the log was being written
	sumsCRC32   = 1
	pieceSize   = 1 << 20
	versionSize = 50
	sumsAt      = 5 // before the end of a format description: how events are summed up, and its own sum
)

// event is one of a log.
type event struct {
	at     int64  // where it begins
	raw    []byte // all of it; good until the next one is read
	body   []byte // without its head and its sum
	kind   byte
	time   uint32
	server uint32
	next   uint32 // where it says that it ends
	flags  uint16
}

func (e *event) end() int64 { return e.at + int64(len(e.raw)) }

// otherFile is of a file that is only called as a log.
type otherFile struct{ error }

func (o *otherFile) Unwrap() error { return o.error }

// cutError is of a log that ends inside an event.
type cutError struct{ at int64 }

func (e *cutError) Error() string { return fmt.Sprintf("it ends inside the event at %d", e.at) }

// reader reads the events of one log.
type reader struct {
	name string
	in   *bufio.Reader
	at   int64
	buf  []byte
	sums bool // events have checksums
}

func newReader(name string, in io.Reader) *reader {
	return &reader{name: name, in: bufio.NewReaderSize(in, pieceSize), at: int64(len(magic))}
}

// begin reads what a log begins with.
func (r *reader) begin() error {
	head := make([]byte, len(magic))
	if n, err := io.ReadFull(r.in, head); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damage("binary log %s has %d bytes, and is cut off", r.name, n)
	} else if err != nil {
		return err
	}
	switch string(head) {
	case magic:
		return nil
	case sealedMagic:
		return sealed(r.name)
	}
	return &otherFile{damage("%s does not begin as a binary log: it is damaged, or another file", r.name)}
}

// sealed says that nobody can read a log here.
func sealed(name string) error {
	return &restore.LackError{Lack: record.LackSealedLog, What: fmt.Sprintf("binary log %s is encrypted", name)}
}

// event reads the next one. io.EOF: there is none; *cutError: it ends too early.
func (r *reader) event() (*event, error) {
	r.buf = append(r.buf[:0], make([]byte, headSize)...)
	if _, err := io.ReadFull(r.in, r.buf); errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &cutError{r.at}
	} else if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	size := int64(le.Uint32(r.buf[9:]))
	if size < headSize {
		return nil, damage("the event at %d of binary log %s is damaged: it says that it has %d bytes", r.at, r.name, size)
	}
	for int64(len(r.buf)) < size { // what it says of its size may be a lie
		from := len(r.buf)
		r.buf = append(r.buf, make([]byte, min(size-int64(from), pieceSize))...)
		if _, err := io.ReadFull(r.in, r.buf[from:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &cutError{r.at}
		} else if err != nil {
			return nil, err
		}
	}
	e := &event{at: r.at, raw: r.buf, time: le.Uint32(r.buf), kind: r.buf[4], server: le.Uint32(r.buf[5:]), next: le.Uint32(r.buf[13:]),
		flags: le.Uint16(r.buf[17:])}
	if e.kind == formatEvent {
		if size < headSize+2+versionSize+4+1+sumsAt {
			return nil, damage("the event at %d of binary log %s is damaged: it is too short for what describes its format", r.at, r.name)
		}
		r.sums = r.buf[size-sumsAt] == sumsCRC32
	}
	r.at += size
	if err := r.whole(e); err != nil {
		return nil, err
	}
	return e, nil
}

// whole verifies an event by its checksum, and by where it says that it ends.
func (r *reader) whole(e *event) error {
	e.body = e.raw[headSize:]
	if r.sums || e.kind == formatEvent {
		if len(e.body) < sumSize {
			return damage("the event at %d of binary log %s is damaged: it is too short for a checksum", e.at, r.name)
		}
		e.body = e.body[:len(e.body)-sumSize]
	}
	if r.sums {
		want := binary.LittleEndian.Uint32(e.raw[len(e.raw)-sumSize:])
		if is := sum(e); is != want {
			return damage("the checksum of the event at %d of binary log %s is wrong", e.at, r.name)
		}
	}
	if e.next != 0 && e.next != uint32(e.end()) {
		return damage("the event at %d of binary log %s is damaged, or bytes before it are missing: it says that it ends at %d, and ends at %d", e.at,
			r.name, e.next, e.end())
	}
	return nil
}

// sum of an event: a log that is closed has its flag changed and not its checksum.
func sum(e *event) uint32 {
	b := e.raw[:len(e.raw)-sumSize]
	if e.kind != formatEvent || e.flags&inUseFlag == 0 {
		return crc32.ChecksumIEEE(b)
	}
	const flagsAt = 17
	s := crc32.ChecksumIEEE(b[:flagsAt])
	s = crc32.Update(s, crc32.IEEETable, []byte{b[flagsAt] &^ inUseFlag})
	return crc32.Update(s, crc32.IEEETable, b[flagsAt+1:])
}

// version of the server that wrote a log, of its format description.
func (e *event) version() string {
	text, _, _ := strings.Cut(string(e.body[2:2+versionSize]), "\x00")
	return text
}

// gtid of an event that begins a transaction; alone: it is one statement, behind which nothing says that it ends.
func (e *event) gtid() (g gtid, alone, ok bool) {
	const aloneFlag = 1
	if len(e.body) < 13 {
		return g, false, false
	}
	le := binary.LittleEndian
	return gtid{le.Uint32(e.body[8:]), e.server, le.Uint64(e.body)}, e.body[12]&aloneFlag != 0, true
}

// list of the last transactions before a log.
func (e *event) list() (s state, ok bool) {
	const size, flags = 16, 4 // the upper bits of the count are flags
	s = newState()
	if len(e.body) < 4 {
		return s, false
	}
	le := binary.LittleEndian
	n, b := int(le.Uint32(e.body)<<flags>>flags), e.body[4:]
	if len(b) < n*size {
		return s, false
	}
	for ; n > 0; n, b = n-1, b[size:] {
		s.add(gtid{le.Uint32(b), le.Uint32(b[4:]), le.Uint64(b[8:])})
	}
	return s, true
}

// leads is the log that a rotation leads on to.
func (e *event) leads() string {
	const name = 8
	if len(e.body) <= name {
		return ""
	}
	return string(e.body[name:])
}
