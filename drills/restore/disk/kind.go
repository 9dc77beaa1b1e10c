package disk

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

const (
	mostWraps   = 4       // a disk in a tar in a gzip is two
	memberLeast = 1 << 20 // bytes of a file in an archive that may be a raw disk
)

// archive tells whether the image may be a file in it.
func archive(found filekind.Found) bool { return found.In("tar", "ova") }

// wrapped is what a file holds under everything around it.
type wrapped struct {
	in      *bufio.Reader
	found   filekind.Found // what in begins with
	names   []string       // of what was taken off, the outermost first
	tar     *tar.Reader    // that in is a file of; nil: none
	archive filekind.Found // what that is
	close   []func() error // of what unpacks
}

// unwrap takes compressions and archives off until something is left that fits the format. *restore.KindError where that
// comes to something else.
func (i *Imager) unwrap(s restore.Source, in io.Reader) (*wrapped, error) {
	w := &wrapped{in: bufio.NewReaderSize(in, filekind.Enough)}
	for {
		head, err := w.in.Peek(filekind.Enough)
		if err != nil && !errors.Is(err, io.EOF) {
			return w, i.packed(s, w, err)
		}
		w.found = filekind.Of(head)
		switch {
		case i.takes(w.found.Kind):
			return w, nil
		case len(w.names) >= mostWraps:
			return w, &restore.KindError{Backup: s.Backup, Found: w.found, File: s.Point.ID}
		case w.found.Class == filekind.Packed && unpack.Can(w.found.Kind):
			r, err := unpack.Open(w.found.Kind, w.in)
			if err != nil {
				return w, i.packed(s, w, err)
			}
			w.close = append(w.close, r.Close)
			w.names = append(w.names, w.found.Words)
			w.in = bufio.NewReaderSize(r, filekind.Enough)
		case archive(w.found) && w.tar == nil:
			if err := i.member(s, w); err != nil {
				return w, err
			}
			return w, nil
		default:
			return w, &restore.KindError{Backup: s.Backup, Found: w.found, File: s.Point.ID}
		}
	}
}

// member goes to the first file of an archive that fits.
func (i *Imager) member(s restore.Source, w *wrapped) error {
	outer := w.found
	w.archive = outer
	w.tar = tar.NewReader(w.in)
	found, err := i.nextMember(w)
	switch {
	case errors.Is(err, io.EOF):
		return &restore.KindError{Backup: s.Backup, Found: outer, File: s.Point.ID}
	case err != nil:
		return i.packed(s, w, err)
	}
	w.names, w.found = append(w.names, outer.Words), found
	return nil
}

func (i *Imager) nextMember(w *wrapped) (filekind.Found, error) {
	for {
		h, err := w.tar.Next()
		if err != nil {
			return filekind.Found{}, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		in := bufio.NewReaderSize(w.tar, filekind.Enough)
		head, err := in.Peek(filekind.Enough)
		if err != nil && !errors.Is(err, io.EOF) {
			return filekind.Found{}, err
		}
		found := filekind.Of(head)
		named := strings.HasSuffix(strings.ToLower(h.Name), "."+i.settings.Format)
		known := found.Class == filekind.Image || named || h.Size >= memberLeast && slices.Contains([]string{"raw", "vhd"}, i.settings.Format)
		if i.takes(found.Kind) && known {
			w.in = in
			return found, nil
		}
	}
}

// packed makes a finding of an error of what unpacks; those of the store stay what they are.
func (i *Imager) packed(s restore.Source, w *wrapped, err error) error {
	var refusal *unpack.Refusal
	var mismatch *store.Mismatch
	what := w.found.Words
	if len(w.names) > 0 {
		what = w.names[len(w.names)-1]
	}
	switch {
	case errors.As(err, &mismatch):
		return &restore.BackupError{Backup: s.Backup, Reason: mismatch.Error()}
	case errors.As(err, new(*store.Problem)), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, new(*readError)):
		return fmt.Errorf("restore %s: %w", s.Backup, err)
	case errors.As(err, &refusal):
		return &restore.KindError{Backup: s.Backup, Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why, File: s.Point.ID}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &restore.BackupError{Backup: s.Backup, Reason: fmt.Sprintf("it is %s and ends too early: it is cut off", what)}
	}
	return &restore.BackupError{Backup: s.Backup, Reason: fmt.Sprintf("it is %s and damaged: %v", what, err)}
}

// readError is one of reading the backup, whatever a library makes of it.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

type reading struct{ io.Reader }

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}

func (w *wrapped) done() {
	for _, c := range slices.Backward(w.close) {
		_ = c() // it was only read
	}
}

// unpack writes the image that a file holds into another, with holes where it has nothing but zeros, and reads the rest of
// the file: its digest is that of all of it.
func (i *Imager) unpack(s restore.Source, stream store.Stream, to *os.File) (what []string, err error) {
	raw := reading{stream}
	w, err := i.unwrap(s, raw)
	defer w.done()
	if err != nil {
		return nil, err
	}
	if err := copySparse(to, w.in); err != nil {
		return nil, i.packed(s, w, err)
	}
	if w.tar != nil {
		_, err := i.nextMember(w)
		if err == nil {
			return nil, &restore.KindError{Backup: s.Backup, Found: w.archive, Why: "members", File: s.Point.ID}
		}
		if !errors.Is(err, io.EOF) {
			return nil, i.packed(s, w, err)
		}
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return nil, i.packed(s, w, err)
	}
	return w.names, nil
}

// fileError is one of the file that is written to: the host's.
type fileError struct{ err error }

func (e *fileError) Error() string { return "keep what it holds: " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func copySparse(to *os.File, from io.Reader) error {
	buf, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	var at int64
	for {
		n, err := io.ReadFull(from, buf)
		if n > 0 && !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := to.WriteAt(buf[:n], at); err != nil {
				return &readError{&fileError{err}}
			}
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && n < len(buf) && ended(from):
			if err := to.Truncate(at); err != nil {
				return &readError{&fileError{err}}
			}
			return nil
		case err != nil:
			return err
		}
	}
}

// ended tells a short last piece from a stream that was cut off, which says so again.
func ended(from io.Reader) bool {
	_, err := from.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}
