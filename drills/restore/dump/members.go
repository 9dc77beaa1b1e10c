package dump

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

// OrUnknown are the words of a kind that may not be known.
func OrUnknown(words string) string {
	if words == "" {
		return "nothing that is known"
	}
	return words
}

// readers are kept from one file to the next: a backup may be made of many thousands, most of them small.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, PieceSize) }}

// Unwrapped takes the compression of a file off, and tells what is under it. done is never nil, and ends the reading of plain.
func Unwrapped(r io.Reader) (plain *bufio.Reader, found filekind.Found, done func(), err error) {
	in := readers.Get().(*bufio.Reader)
	in.Reset(r)
	done = func() { let(in) }
	head, err := in.Peek(filekind.Enough)
	if found = filekind.Of(head); err != nil && !errors.Is(err, io.EOF) {
		return in, found, done, err
	}
	if !unpack.Can(found.Kind) {
		return in, found, done, nil
	}
	u, err := unpack.Open(found.Kind, in)
	if err != nil {
		return in, found, done, err
	}
	packed := found
	plain = readers.Get().(*bufio.Reader)
	plain.Reset(u)
	done = func() {
		_ = u.Close() // nothing was written
		let(plain)
		let(in)
	}
	if head, err = plain.Peek(filekind.Enough); err != nil && !errors.Is(err, io.EOF) {
		return plain, packed, done, err
	}
	return plain, filekind.Of(head), done, nil
}

func let(r *bufio.Reader) {
	r.Reset(nil)
	readers.Put(r)
}

// PartError says of which file it is.
func PartError(name string, found filekind.Found, err error) error {
	var refusal *unpack.Refusal
	switch {
	case Harness(err):
		return err
	case errors.As(err, &refusal):
		return &restore.KindError{Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Damage{Reason: fmt.Sprintf("%s ends too early: it is cut off", name)}
	}
	return &Damage{Reason: fmt.Sprintf("%s is damaged (%s): %v", name, OrUnknown(found.Words), err)}
}

// Members goes through a tar to its end.
func Members(in io.Reader, what string, do func(*tar.Header, io.Reader) error) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case Harness(err):
			return err
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &Damage{Reason: what + " ends too early: it is cut off"}
		case err != nil:
			return &Damage{Reason: fmt.Sprintf("%s is damaged: %v", what, err)}
		}
		inside := &member{r: tr}
		if err := do(h, inside); err != nil {
			if errors.Is(inside.err, io.ErrUnexpectedEOF) && !Harness(err) {
				return &Damage{Reason: fmt.Sprintf("%s ends too early, in %s: it is cut off", what, h.Name)}
			}
			return err
		}
	}
}

// member remembers how reading it ended.
type member struct {
	r   io.Reader
	err error
}

func (m *member) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil {
		m.err = err
	}
	return n, err
}
