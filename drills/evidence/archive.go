package evidence

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
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

// Unpack writes an archive into a new folder. What is not a plain file with a plain name is refused, before anything of it is written.
func Unpack(r io.Reader, to string) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("unpack the bundle: %w; a bundle is a folder or a .tar.gz", err)
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what is written is closed one by one
	t, left, seen := tar.NewReader(z), int64(mostBytes), map[string]bool{}
	for {
		h, err := t.Next()
		if err == io.EOF {
			return ended(z)
		}
		if err != nil {
			return fmt.Errorf("unpack the bundle: %w", err)
		}
		why := badName(h.Name)
		switch {
		case h.Typeflag != tar.TypeReg:
			why = "it is no plain file: links, folders and devices are not part of a bundle"
		case why != "":
		case seen[h.Name]:
			why = "it is there twice"
		case h.Size > left || len(seen) >= mostFiles:
			why = "the bundle is too large to be unpacked here: unpack it by hand and verify the folder"
		}
		if why != "" {
			return &BadArchive{h.Name, why}
		}
		seen[h.Name], left = true, left-h.Size
		if err := unpackOne(root, h.Name, t); err != nil {
			return fmt.Errorf("unpack the bundle: %w", err)
		}
	}
}

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

func unpackOne(root *os.Root, name string, from io.Reader) error {
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Close())
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
