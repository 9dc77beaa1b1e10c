package oci

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	pieceSize = 256 << 10
	maxWindow = 128 << 20 // bytes of memory for zstd
	// What expands more than this much is a bomb, once it is large.
	maxExpansion = 500
	largeEnough  = 4 << 30
)

// compression is one that archives and layers come in.
type compression struct {
	name  string
	magic []byte
	open  func(io.Reader) (io.ReadCloser, error)
}

var known = []compression{
	{"gzip", []byte{0x1f, 0x8b}, func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}},
}

// unpacked reads content without its compression, and tells damage of the content from
// an error of the stream that it comes in.
type unpacked struct {
	what  string
	outer *unpacked // the archive that this is a file of; nil: this is the archive
	limit int64
	name  string // of the compression; "" for none
	in    *bufio.Reader
	taken int64 // bytes read
	made  int64 // bytes that came out of compression, here and in the files
	inErr error
	r     io.ReadCloser
}

// unpack takes one compression off, if there is one. what is named in errors; outer is
// the archive around it, if any.
func (i *Imager) unpack(what string, r io.Reader, outer *unpacked) (*unpacked, error) {
	u := &unpacked{what: what, outer: outer, limit: i.large}
	u.in = bufio.NewReaderSize(remembering{u, r}, pieceSize)
	head, err := u.in.Peek(5)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("BZh")) || bytes.HasPrefix(head, []byte("\xfd7zXZ")) {
		return nil, fmt.Errorf("%s is compressed with bzip2 or xz, which is not supported (pack it with gzip or zstd)", what)
	}
	for _, c := range i.compressions {
		if !bytes.HasPrefix(head, c.magic) {
			continue
		}
		u.name = c.name
		if u.r, err = c.open(u.in); err != nil {
			return nil, u.wrong(err)
		}
		return u, nil
	}
	u.r = io.NopCloser(u.in)
	return u, nil
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if u.name != "" && u.bomb(n) {
		return n, bad("%s expands more than %d times", u.what, maxExpansion)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.wrong(err)
	}
	return n, err
}

// bomb counts what compression made, and compares it with the bytes of the backup itself:
// an archive may be compressed, and the files in it again.
func (u *unpacked) bomb(n int) bool {
	whole := u
	if u.outer != nil {
		whole = u.outer
	}
	whole.made += int64(n)
	return whole.made > u.limit && whole.made/maxExpansion > whole.taken
}

func (u *unpacked) Close() error { return u.r.Close() }

func (u *unpacked) wrong(err error) error {
	switch {
	case u.inErr != nil:
		return u.inErr
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("the zstd window of %s is larger than %d MiB (pack it without --ultra and --long)",
			u.what, maxWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return bad("the %s compression of %s is cut off", u.name, u.what)
	}
	return bad("the %s compression of %s is damaged: %v", u.name, u.what, err)
}

// fromStore marks the errors of a store's stream, which may look like those of an archive.
type fromStore struct {
	ctx context.Context // a compressed archive of gigabytes may be in the stream's next bytes
	r   io.Reader
}

type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

func (s fromStore) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, &sourceError{err}
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

// remembering keeps the error of the stream itself.
type remembering struct {
	u *unpacked
	r io.Reader
}

func (s remembering) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.u.taken += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.u.inErr = err
	}
	return n, err
}
