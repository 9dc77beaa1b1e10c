package pgdump

import "fmt"

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

	tool             string // version of pg_dump
	intSize, offSize int
	packed           compression
	lexer            Plain // as the archive's SQL is to be read
}

// ReadArchive reads the header and the table of contents and stops behind it.
// *dump.Damage: they are not whole, or they contradict themselves.
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

// ReadHeader reads what an archive says of itself, and not what it holds.
func ReadHeader(r *Reader) (*Archive, error) {
	p := &parser{r: r, a: &Archive{}}
	if p.header(); p.err != nil {
		return nil, cut(p.err, "its header")
	}
	return p.a, nil
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
	p.a.tool = p.text()
}
