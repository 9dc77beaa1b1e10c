// Package tarend sees to it that a tar archive has its end: archive/tar takes one that stops between two members for whole.
package tarend

import (
	"bytes"
	"io"
)

const (
	// Block is what an archive is made of, bytes.
	Block   = 512
	endSize = 2 * Block // of zeros: the end of a tar archive (POSIX.1-2001, pax)
)

// What Finish finds.
const (
	Empty   = "it is empty"
	CutOff  = "it is cut off: the end of the archive is missing"
	GoesOn  = "it goes on after the end of the archive"
	AsItIs  = "" // nothing is wrong
	readOff = 32 << 10
)

// Reader is an archive on its way to a tar reader.
type Reader struct {
	r       io.Reader
	n       int64
	members int64 // where the last member ends
	last    [endSize]byte
}

// New reads an archive from r.
func New(r io.Reader) *Reader { return &Reader{r: r} }

// Read implements io.Reader.
func (t *Reader) Read(p []byte) (int, error) {
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

// Bytes read so far.
func (t *Reader) Bytes() int64 { return t.n }

// Mark notes that a member was read to its end.
func (t *Reader) Mark() { t.members = (t.n + Block - 1) / Block * Block }

// Finish reads what stands behind the last member: zeros, and nothing else. wrong says what is not so; zeros is how many
// bytes of them there are. The error is that of the stream.
func (t *Reader) Finish() (wrong string, zeros int64, err error) {
	if t.n == 0 {
		return Empty, 0, nil
	}
	if t.n-t.members < endSize || t.last != [endSize]byte{} {
		return CutOff, 0, nil
	}
	p := make([]byte, readOff)
	for {
		n, err := t.r.Read(p)
		t.n += int64(n)
		if len(bytes.Trim(p[:n], "\x00")) > 0 {
			return GoesOn, 0, nil
		}
		if err == io.EOF {
			return AsItIs, t.n - t.members, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}
