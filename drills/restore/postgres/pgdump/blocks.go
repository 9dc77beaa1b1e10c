package pgdump

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Kinds of data blocks in a custom dump.
const (
	blockData  = 1
	blockBlobs = 3
)

// ReadBlocks reads the data of a custom dump to its end: each entry that has
// data must come once, whole, and at the place that the table of contents names.
// The rows of tables are counted into a.Rows; of other data, that they can be uncompressed is all that is looked at.
func (a *Archive) ReadBlocks(r *Reader) error {
	left := map[int]Entry{}
	for _, e := range a.Entries {
		if e.HasData {
			left[e.ID] = e
		}
	}
	a.Rows = map[int]int64{}
	b := &blocks{parser: parser{r: r, a: a}}
	defer b.close()
	for {
		at := r.n
		kind, err := r.byte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := b.block(kind, at, left); err != nil {
			return err
		}
	}
	for _, e := range a.Entries {
		if _, missing := left[e.ID]; missing {
			return damage("the data of %s are missing", e.Name())
		}
	}
	return nil
}

type blocks struct {
	parser
	zlib io.ReadCloser // made with the first data
	zstd *zstd.Decoder
}

func (b *blocks) close() {
	if b.zstd != nil {
		b.zstd.Close()
	}
}

func (b *blocks) block(kind byte, at int64, left map[int]Entry) error {
	id := b.int()
	if b.err != nil {
		return cut(b.err, "its data")
	}
	e, ok := left[id]
	if !ok {
		return damage("it holds data at byte %d that its table of contents does not name", at)
	}
	delete(left, id)
	if e.offset >= 0 && e.offset != at {
		return damage("the data of %s are at byte %d, its table of contents says %d", e.Name(), at, e.offset)
	}
	var err error
	switch kind {
	case blockData:
		err = b.data(e)
	case blockBlobs:
		for oid := b.int(); oid != 0 && b.err == nil && err == nil; oid = b.int() {
			err = b.data(e)
		}
	default:
		return damage("the data of %s are of the unknown kind %d", e.Name(), kind)
	}
	if b.err != nil {
		return cut(b.err, "the data of "+e.Name())
	}
	return err
}

// data reads what belongs together: the rows of a table, or one large object.
func (b *blocks) data(e Entry) error {
	in := &pieces{b: b}
	content, err := b.unpack(in)
	var found *rows
	if err == nil {
		found, err = readRows(content)
	}
	if _, rest := io.Copy(io.Discard, in); rest != nil { // the stream's own error, which says more
		return nil // in b.err
	}
	if err != nil {
		return damage("the data of %s cannot be uncompressed: %v", e.Name(), err)
	}
	if e.Copy == "" || b.a.packed == lz4ed {
		if e.Copy != "" && in.size == 0 {
			return (&rows{}).check(e.Name(), "")
		}
		return nil
	}
	if err := found.check(e.Name(), ""); err != nil {
		return err
	}
	b.a.Rows[e.ID] = found.n
	return nil
}

// unpack takes the compression off. Nothing at all is what some versions write for an empty large object.
func (b *blocks) unpack(in *pieces) (io.Reader, error) {
	head := bufio.NewReaderSize(in, 32<<10)
	if _, err := head.Peek(1); err != nil {
		return head, nil // which tells the error again, or that there is nothing
	}
	var err error
	switch b.a.packed {
	case zlibbed:
		if b.zlib == nil {
			b.zlib, err = zlib.NewReader(head)
		} else {
			err = b.zlib.(zlib.Resetter).Reset(head, nil)
		}
		return b.zlib, err
	case zstded:
		if b.zstd == nil {
			b.zstd, err = zstd.NewReader(head, zstd.WithDecoderConcurrency(1))
		} else {
			err = b.zstd.Reset(head)
		}
		return b.zstd, err
	}
	return head, nil
}

// pieces reads data, which come in pieces up to an empty one.
type pieces struct {
	b     *blocks
	left  int
	size  int64
	ended bool
}

func (p *pieces) Read(buf []byte) (int, error) {
	b := p.b
	if p.left == 0 && !p.ended && b.err == nil {
		if p.left = b.int(); p.left < 0 {
			b.fail("a piece of its data has a negative length")
		}
		p.ended = p.left == 0
		p.size += int64(p.left)
	}
	switch {
	case b.err != nil:
		return 0, errBroken
	case p.ended:
		return 0, io.EOF
	}
	n, err := b.r.in.Read(buf[:min(p.left, len(buf))])
	b.r.n += int64(n)
	p.left -= n
	if err != nil {
		b.err = err
		err = errBroken
	}
	return n, err
}

// errBroken stands for the error of the archive's own stream, so that no decompressor takes an end for its own.
var errBroken = errors.New("the archive cannot be read on")
