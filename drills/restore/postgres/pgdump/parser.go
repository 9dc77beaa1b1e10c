package pgdump

import (
	"bufio"
	"errors"
	"io"
)

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
