package evidence

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What an archive may unpack to: a bundle that is larger is unpacked by hand.
const (
	mostFiles = 1 << 20
	mostBytes = 64 << 30
)

// BadArchive says what of an archive is no bundle of ours.
type BadArchive struct{ Name, Why string }

func (e *BadArchive) Error() string {
	return fmt.Sprintf("the archive is refused: %+q: %s", e.Name, e.Why)
}

// Archive is a bundle that was one file. What it holds lies in one other file, which has no name any more: a year has a hundred thousand files, and
// making them would be most of the work; nor can a name lead anywhere that is none in a folder, or somebody change what was looked at.
type Archive struct {
	spool *os.File
	files map[string]span
}

// span is where a file lies.
type span struct{ at, size int64 }

// OpenArchive reads a .tar.gz to its end. What is not a plain file with a plain name is refused. The archive is to be closed.
func OpenArchive(r io.Reader) (_ *Archive, err error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w; a bundle is a folder or a .tar.gz", err)
	}
	a := &Archive{files: map[string]span{}}
	if a.spool, err = os.CreateTemp("", "lifeboat-audit-*"); err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	defer func() {
		if err != nil {
			_ = a.Close() // it is not wanted any more
		}
	}()
	if err := os.Remove(a.spool.Name()); err != nil { // it is there until it is closed, however we end
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	if err := a.fill(z); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Archive) fill(z io.Reader) error {
	to, at := bufio.NewWriterSize(a.spool, 1<<20), int64(0)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			err = to.Flush()
			return errors.Join(err, ended(z))
		}
		if err != nil {
			return fmt.Errorf("unpack the bundle: %w", err)
		}
		_, twice := a.files[h.Name]
		why := badName(h.Name)
		switch {
		case h.Typeflag != tar.TypeReg:
			why = "it is no plain file: links, folders and devices are not part of a bundle"
		case why != "":
		case twice:
			why = "it is there twice"
		case h.Size > mostBytes-at || len(a.files) >= mostFiles:
			why = "the bundle is too large to be unpacked here: unpack it by hand and verify the folder"
		}
		if why != "" {
			return &BadArchive{h.Name, why}
		}
		n, err := io.Copy(to, t)
		if err != nil {
			return fmt.Errorf("unpack the bundle: %w", err)
		}
		a.files[h.Name] = span{at, n}
		at += n
	}
}

// Open implements fs.FS.
func (a *Archive) Open(name string) (fs.File, error) {
	s, there := a.files[name]
	if !there {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &packed{io.NewSectionReader(a.spool, s.at, s.size), name}, nil
}

// Close gives the room that it takes free.
func (a *Archive) Close() error { return a.spool.Close() }

func (a *Archive) list(each func(name string, size int64, plain bool) error) error {
	for name, s := range a.files {
		if err := each(name, s.size, true); err != nil {
			return err
		}
	}
	return nil
}

// packed is a file of an archive, and what is known of it.
type packed struct {
	*io.SectionReader
	name string
}

func (p *packed) Stat() (fs.FileInfo, error) { return p, nil }
func (p *packed) Close() error               { return nil }
func (p *packed) Name() string               { return path.Base(p.name) }
func (p *packed) Mode() fs.FileMode          { return 0o400 }
func (p *packed) ModTime() time.Time         { return time.Time{} }
func (p *packed) IsDir() bool                { return false }
func (p *packed) Sys() any                   { return nil }

// mostPadding is how many bytes an archive may be padded with.
const mostPadding = 1 << 20

// ended tells whether nothing stands behind an archive's end but padding: other programs go on there, and would see another bundle.
func ended(r io.Reader) error {
	rest, err := io.ReadAll(io.LimitReader(r, mostPadding+1)) // to the end, where gzip's checksum stands
	if err != nil {
		return fmt.Errorf("unpack the bundle: %w", err)
	}
	if len(rest) > mostPadding || len(bytes.Trim(rest, "\x00")) > 0 {
		return &BadArchive{"the end", "something stands behind it"}
	}
	return nil
}

// badName says what is wrong with the name of a file in a bundle; "" nothing.
func badName(name string) string {
	switch {
	case name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "its name has characters that cannot be seen"
	case strings.Contains(name, `\`) || path.IsAbs(name) || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)):
		return "its name leads out of the bundle, or is written oddly"
	case len(name) > 1000:
		return "its name is too long"
	}
	return ""
}
