package dump

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"

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

// Unwrapped takes the compression of a file off, and tells what is under it. done is never nil.
func Unwrapped(r io.Reader) (plain *bufio.Reader, found filekind.Found, done func(), err error) {
	done = func() {}
	in := bufio.NewReaderSize(r, PieceSize)
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
	plain = bufio.NewReaderSize(u, PieceSize)
	if head, err = plain.Peek(filekind.Enough); err != nil && !errors.Is(err, io.EOF) {
		return plain, packed, func() { _ = u.Close() }, err // nothing was written
	}
	return plain, filekind.Of(head), func() { _ = u.Close() }, nil
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
