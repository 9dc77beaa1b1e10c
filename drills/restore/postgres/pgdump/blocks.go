package pgdump

import (
	"bytes"
	"errors"
	"io"
)

// Kinds of data blocks in a custom dump.
const (
	blockData  = 1
	blockBlobs = 3
)

// closing ends the data of a table that is loaded by COPY.
var closing = []byte("\\.\n\n\n")

// ReadBlocks reads the data of a custom dump to its end: each entry that has
// data must come once, whole, and at the place that the table of contents names.
// What the blocks hold is not looked at, but for the closing of uncompressed data.
func (a *Archive) ReadBlocks(r *Reader) error {
	left := map[int]Entry{}
	for _, e := range a.Entries {
		if e.HasData {
			left[e.ID] = e
		}
	}
	b := &blocks{parser: parser{r: r, a: a}}
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
	tail []byte // last bytes of the current data
	size int64
	buf  [64 << 10]byte
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
	b.tail, b.size = b.tail[:0], 0
	switch kind {
	case blockData:
		b.chunks()
	case blockBlobs:
		for oid := b.int(); oid != 0 && b.err == nil; oid = b.int() {
			b.chunks()
		}
	default:
		return damage("the data of %s are of the unknown kind %d", e.Name(), kind)
	}
	if b.err != nil {
		return cut(b.err, "the data of "+e.Name())
	}
	return b.whole(e)
}

func (b *blocks) whole(e Entry) error {
	if e.Copy == "" {
		return nil
	}
	if b.size == 0 {
		return damage("the data of %s are empty: not even their closing line is there", e.Name())
	}
	if !b.a.Compressed && !bytes.Equal(b.tail, closing) {
		return damage("the data of %s end without their closing line", e.Name())
	}
	return nil
}

// chunks reads pieces up to the empty one.
func (b *blocks) chunks() {
	for b.err == nil {
		n := b.int()
		if n == 0 || b.err != nil {
			return
		}
		if n < 0 {
			b.fail("a piece of its data has a negative length")
			return
		}
		b.size += int64(n)
		if b.a.Compressed {
			b.skip(n)
		} else {
			b.keep(n)
		}
	}
}

func (b *blocks) skip(n int) {
	for n > 0 && b.err == nil {
		m, err := b.r.in.Discard(min(n, len(b.buf)))
		b.r.n += int64(m)
		n -= m
		b.err = err
	}
}

func (b *blocks) keep(n int) {
	for n > 0 && b.err == nil {
		m, err := io.ReadFull(b.r.in, b.buf[:min(n, len(b.buf))])
		b.r.n += int64(m)
		n -= m
		b.err = err
		last := b.buf[max(0, m-len(closing)):m]
		b.tail = append(b.tail, last...)
		if extra := len(b.tail) - len(closing); extra > 0 {
			b.tail = append(b.tail[:0], b.tail[extra:]...)
		}
	}
}
