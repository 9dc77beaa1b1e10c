package oci

import (
	"bytes"
	"io"
)

const (
	blockSize = 512
	endSize   = 2 * blockSize // of zeros: the end of a tar archive (POSIX.1-2001, pax)
)

// tail sees to it that an archive has its end. The tar reader takes one that stops between
// two files for whole.
type tail struct {
	r       io.Reader
	n       int64
	entries int64 // where the last entry ends
	last    [endSize]byte
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	if n >= endSize {
		copy(t.last[:], p[n-endSize:n])
	} else {
		copy(t.last[:], t.last[n:])
		copy(t.last[endSize-n:], p[:n])
	}
	return n, err
}

// mark notes that an entry was read to its end.
func (t *tail) mark() { t.entries = (t.n + blockSize - 1) / blockSize * blockSize }

// finish reads what stands behind the last entry: zeros, and nothing else.
func (t *tail) finish() error {
	if t.n == 0 {
		return bad("it is empty")
	}
	if t.n-t.entries < endSize || t.last != [endSize]byte{} {
		return bad("it is cut off: the end of the archive is missing")
	}
	p := make([]byte, 32<<10)
	for {
		n, err := t.r.Read(p)
		if len(bytes.Trim(p[:n], "\x00")) > 0 {
			return bad("it goes on after the end of the archive")
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
