package pgdump

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unpacking reads one compressed file and tells damage of the file from an error of
// the stream that it comes in.
type unpacking struct {
	name  string
	in    *bufio.Reader
	inErr error // of the stream
	r     io.Reader
	close func()
}

// open gives the file's content. kind is the suffix of its compression.
func (u *unpacking) open(kind string) (io.Reader, error) {
	u.close = func() {}
	var err error
	switch kind {
	case ".gz":
		u.r, err = gzip.NewReader(stream{u})
	case ".zst":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(stream{u}, zstd.WithDecoderConcurrency(1)); err == nil {
			u.r, u.close = d, d.Close
		}
	default:
		return u.in, nil
	}
	if err != nil {
		return nil, u.wrong(err)
	}
	return u, nil
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.wrong(err)
	}
	return n, err
}

func (u *unpacking) wrong(err error) error {
	switch {
	case u.inErr != nil:
		return u.inErr
	case errors.Is(err, io.EOF):
		return damage("%s is empty: not even its compression is there", u.name)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damage("%s is cut off", u.name)
	}
	return damage("%s is damaged: %v", u.name, err)
}

// stream remembers the error of the stream itself. It is read byte by byte too, so that
// the decompressor takes no more than it needs.
type stream struct{ u *unpacking }

func (s stream) Read(p []byte) (int, error) {
	n, err := s.u.in.Read(p)
	s.note(err)
	return n, err
}

func (s stream) ReadByte() (byte, error) {
	b, err := s.u.in.ReadByte()
	s.note(err)
	return b, err
}

func (s stream) note(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		s.u.inErr = err
	}
}
