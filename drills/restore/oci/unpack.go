package oci

import (
	"bufio"
	"context"
	"errors"
	"io"

	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

const (
	pieceSize = 256 << 10
	// What expands more than this much is a bomb, once it is large.
	maxExpansion = 500
	largeEnough  = 4 << 30
)

// compressions are those that archives and layers come in.
var compressions = []string{"gzip", "zstd", "xz", "bzip2", "lz4"}

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
	const magic = 16
	head, err := u.in.Peek(magic)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if kind := filekind.Of(head).Kind; kind.In(compressions...) {
		u.name = kind.Words
		if u.r, err = unpack.Open(kind, u.in); err != nil {
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
	var refusal *unpack.Refusal
	switch {
	case u.inErr != nil:
		return u.inErr
	case errors.As(err, new(*restore.KindError)):
		return err
	case errors.As(err, &refusal):
		return &restore.KindError{Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why}
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
