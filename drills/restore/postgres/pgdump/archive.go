package pgdump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Format of an archive, as its header numbers them.
type Format byte

// The formats that have a table of contents.
const (
	Custom    Format = 1
	Tar       Format = 3
	Directory Format = 5
)

// compression of the data in a custom dump, as its header numbers them.
type compression byte

const (
	unpacked compression = iota
	zlibbed
	lz4ed // cannot be read here
	zstded
)

// Magic begins every archive with a table of contents.
const Magic = "PGDMP"

// Limits of a table of contents. Real ones are a few MiB.
const (
	maxEntries = 5_000_000
	maxContent = 256 << 20 // bytes
)

// Archive is the table of contents of a custom, directory or tar dump.
type Archive struct {
	Minor       int // of the archive's version 1.Minor
	Format      Format
	Compressed  bool
	Rows        map[int]int64 // in the data of entries that are loaded by COPY, by ID; none where it cannot be read
	Created     string        // as the header tells it: without a time zone
	Database    string
	Server      string // version of the dumped server
	Entries     []Entry
	Tablespaces []string // but the default one

	intSize, offSize int
	packed           compression
	lexer            Plain // as the archive's SQL is to be read
}

// Reader reads a dump and counts its bytes.
type Reader struct {
	in *bufio.Reader
	n  int64
}

// NewReader reads a dump from r in large pieces.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(r, 256<<10)} }

func (r *Reader) byte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		r.n++
	}
	return b, err
}

// End makes sure that nothing follows.
func (r *Reader) End() error {
	n, err := io.Copy(io.Discard, r.in)
	if err == nil && n > 0 {
		return damage("%d bytes follow the end of its table of contents", n)
	}
	return err
}

// ReadArchive reads the header and the table of contents and stops behind it.
// *Damage: they are not whole, or they contradict themselves.
func ReadArchive(r *Reader) (*Archive, error) {
	p := &parser{r: r, a: &Archive{}}
	p.header()
	if p.err == nil {
		p.entries()
	}
	if p.err != nil {
		return nil, cut(p.err, "its table of contents")
	}
	if err := p.a.check(); err != nil {
		return nil, err
	}
	return p.a, nil
}

// cut turns an early end into damage and leaves other errors of the stream alone.
func cut(err error, where string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damage("it ends in the middle of %s", where)
	}
	return err
}

// parser keeps the first error, so that a sequence of fields reads as one.
type parser struct {
	r   *Reader
	a   *Archive
	err error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = damage(format, args...)
	}
}

func (p *parser) byte() byte {
	if p.err != nil {
		return 0
	}
	b, err := p.r.byte()
	p.err = err
	return b
}

// int reads a sign and the magnitude, little end first.
func (p *parser) int() int {
	sign := p.byte()
	var v uint64
	for i := range p.a.intSize {
		b := p.byte()
		if i < 8 {
			v |= uint64(b) << (8 * i)
		} else if b != 0 {
			p.fail("its table of contents has a number that is too large")
		}
	}
	if v > 1<<40 || sign > 1 {
		p.fail("its table of contents has a number that makes no sense")
		return 0
	}
	if sign == 1 {
		return -int(v)
	}
	return int(v)
}

func (p *parser) text() string {
	n := p.int()
	if p.err != nil || n <= 0 {
		return ""
	}
	if p.r.n+int64(n) > maxContent {
		p.fail("its table of contents has a text of %d bytes", n)
		return ""
	}
	// In steps: a length that lies must not allocate what is not there.
	var buf []byte
	for len(buf) < n && p.err == nil {
		step := make([]byte, min(n-len(buf), 64<<10))
		m, err := io.ReadFull(p.r.in, step)
		p.r.n += int64(m)
		p.err = err
		buf = append(buf, step[:m]...)
	}
	return string(buf)
}

func (p *parser) header() {
	magic := make([]byte, len(Magic))
	for i := range magic {
		magic[i] = p.byte()
	}
	if p.err == nil && string(magic) != Magic {
		p.fail("it is not an archive of pg_dump")
	}
	major, minor, _ := p.byte(), p.byte(), p.byte()
	if p.err == nil && (major != 1 || minor < 12 || minor > 16) {
		p.err = fmt.Errorf("%w: archive version %d.%d, known are 1.12 to 1.16", ErrUnsupported, major, minor)
	}
	p.a.Minor = int(minor)
	p.a.intSize, p.a.offSize = int(p.byte()), int(p.byte())
	if p.err == nil && (p.a.intSize < 4 || p.a.intSize > 8 || p.a.offSize < 4 || p.a.offSize > 8) {
		p.fail("its header gives numbers %d and %d bytes", p.a.intSize, p.a.offSize)
	}
	p.a.Format = Format(p.byte())
	if f := p.a.Format; p.err == nil && f != Custom && f != Tar && f != Directory {
		p.fail("its header names the unknown format %d", f)
	}
	if minor >= 15 {
		p.a.packed = compression(p.byte())
	} else if p.int() != 0 { // a level
		p.a.packed = zlibbed
	}
	p.a.Compressed = p.a.packed != unpacked
	var t [7]int // second, minute, hour, day, month, year, daylight saving time
	for i := range t {
		t[i] = p.int()
	}
	p.a.Created = fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", t[5]+1900, t[4]+1, t[3], t[2], t[1], t[0])
	p.a.Database, p.a.Server = p.text(), p.text()
	p.text() // version of pg_dump
}

func (p *parser) entries() {
	n := p.int()
	if n < 0 || n > maxEntries {
		p.fail("its table of contents claims %d entries", n)
	}
	for range n {
		if p.err != nil {
			return
		}
		p.a.Entries = append(p.a.Entries, p.entry())
	}
}

func (p *parser) entry() Entry {
	e := Entry{ID: p.int(), HasData: p.int() != 0, offset: -1}
	p.text() // the catalogue that it came from
	p.text() // its oid there
	e.Tag, e.Desc = p.text(), p.text()
	if section := p.int(); p.err == nil && (section < 1 || section > 4) {
		p.fail("entry %d of its table of contents is in the unknown section %d", e.ID, section)
	}
	e.Defn = p.text()
	p.text() // the statement that drops it
	e.Copy, e.Namespace = p.text(), p.text()
	if space := p.text(); space != "" && space != "pg_default" && !slices.Contains(p.a.Tablespaces, space) {
		p.a.Tablespaces = append(p.a.Tablespaces, space)
	}
	if p.a.Minor >= 14 {
		p.text() // access method
	}
	if p.a.Minor >= 16 {
		p.int() // kind of relation
	}
	e.Owner = p.text()
	p.text() // with oids
	p.dependencies(&e)
	if p.a.Format == Custom {
		p.position(&e)
	} else {
		e.File = p.text()
	}
	return e
}

// dependencies end with a text that is absent, which is not the same as empty.
func (p *parser) dependencies(e *Entry) {
	for p.err == nil {
		n := p.int()
		if n < 0 || p.err != nil {
			return
		}
		if n > 20 {
			p.fail("its table of contents has a dependency that is no number")
			return
		}
		digits := make([]byte, n)
		for i := range digits {
			digits[i] = p.byte()
		}
		id, err := strconv.Atoi(string(digits))
		if err != nil && p.err == nil {
			p.fail("its table of contents has the dependency %q", digits)
		}
		if e.Data() { // of all others nobody asks, and there may be millions
			e.Needs = append(e.Needs, id)
		}
	}
}

// What the byte before an offset says.
const (
	positionUnknown = 1
	positionKnown   = 2
	noData          = 3
)

func (p *parser) position(e *Entry) {
	state := p.byte()
	var at int64
	for i := range p.a.offSize {
		at |= int64(p.byte()) << (8 * i)
	}
	switch {
	case p.err != nil:
	case state < positionUnknown || state > noData || at < 0:
		p.fail("%s of its table of contents has no proper position", e.Name())
	case (state == noData) == e.HasData:
		p.fail("its table of contents contradicts itself about the data of %s", e.Name())
	case state == positionKnown:
		e.offset = at
	}
}
