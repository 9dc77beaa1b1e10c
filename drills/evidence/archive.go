package evidence

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What an archive may unpack to: a bundle that is larger is unpacked by hand.
const (
	mostFiles = 1 << 20
	mostBytes = 64 << 30
)

// archive writes files, read where they lie, as one .tar.gz without times, owners, and links, in the order of a walk through the folder that they
// make: the same files give the same bytes. Of two of one name the first counts.
func archive(w io.Writer, items []item) error {
	slices.SortStableFunc(items, func(a, b item) int { return walked(a.name, b.name) })
	items = slices.CompactFunc(items, func(a, b item) bool { return a.name == b.name })
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	var root *os.Root // of the folder that is read
	defer func() {
		if root != nil {
			_ = root.Close() // it was only read
		}
	}()
	for _, x := range items {
		if x.dir != "" && (root == nil || root.Name() != x.dir) {
			if root != nil {
				_ = root.Close() // it was only read
			}
			var err error
			if root, err = os.OpenRoot(x.dir); err != nil {
				return err
			}
		}
		if err := x.archive(t, root); err != nil {
			return fmt.Errorf("write %s: %w", x.name, err)
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// walked orders names as a walk does: a folder's whole content stands where its name does.
func walked(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch x, y := a[i], b[i]; {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		default:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func (x item) archive(t *tar.Writer, root *os.Root) error {
	h := &tar.Header{Name: x.name, Mode: 0o600, Size: int64(len(x.content)), Typeflag: tar.TypeReg}
	if x.dir == "" {
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := t.Write(x.content)
		return err
	}
	in, err := root.Open(x.file)
	if errors.Is(err, fs.ErrNotExist) { // as with a folder: it is left out
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(t, in, h.Size) // a journal may grow behind what was sealed
	return err
}

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
			return nil
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
