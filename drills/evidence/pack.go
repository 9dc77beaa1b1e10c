package evidence

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// part of an archive: a file's content, or the folder of a record in the home with what of it belongs to a bundle.
type part struct {
	name    string // in the bundle, with slashes
	content []byte
	of      *Leaf // nil: content is all of it
}

// Parts are compressed a few together, each few as a member of the gzip file of its own (RFC 1952, section 2.2): by that several processors
// compress, and several files are waited for. How many is part of the format that the same evidence has the same bytes in, so it is no setting.
const batch = 16

// ahead is how much of what is compressed waits in memory for its turn, of each worker.
const mostEarly = 4 << 20

// archive writes parts, read where they lie, as one .tar.gz without times, owners, and links, in the order of a walk through the folder that they
// make: the same files give the same bytes. Of two of one name the first counts.
func archive(w io.Writer, home string, parts []part) error {
	slices.SortStableFunc(parts, func(a, b part) int { return walked(a.name, b.name) })
	parts = slices.CompactFunc(parts, func(a, b part) bool { return a.name == b.name })
	all := slices.Collect(slices.Chunk(parts, batch))
	turns, errs := inTurn(len(all)), make([]error, len(all))
	var broken atomic.Bool
	atOnce(len(all), func(i int) {
		to := &waiting{to: w, turn: turns[i]}
		if !broken.Load() {
			errs[i] = pack(to, home, all[i], i == len(all)-1)
		}
		turns.take(i, func() {
			if !broken.Load() {
				errs[i] = errors.Join(errs[i], to.mine())
			}
			if errs[i] != nil {
				broken.Store(true)
			}
		})
	})
	return errors.Join(errs...)
}

// waiting writes to where others write before it: until its turn comes into memory, and what is too much for that waits for it.
type waiting struct {
	to    io.Writer
	turn  chan struct{} // closed when it has come
	early bytes.Buffer
	came  bool
}

func (w *waiting) Write(p []byte) (int, error) {
	if !w.came && w.early.Len()+len(p) <= mostEarly {
		return w.early.Write(p)
	}
	if !w.came {
		<-w.turn
		if err := w.mine(); err != nil {
			return 0, err
		}
	}
	return w.to.Write(p)
}

// mine writes what came early.
func (w *waiting) mine() error {
	w.came = true
	_, err := w.early.WriteTo(w.to)
	return err
}

// pack writes a few parts as a member of the gzip file; the last one ends the archive.
func pack(w io.Writer, home string, parts []part, last bool) error {
	z := gzip.NewWriter(w) // a new one each: what it keeps of others changes nothing, and nobody has to know that
	t := tar.NewWriter(z)
	for _, x := range parts {
		if err := x.pack(t, home); err != nil {
			return fmt.Errorf("write %s: %w", x.name, err)
		}
	}
	if last {
		return errors.Join(t.Close(), z.Close())
	}
	return errors.Join(t.Flush(), z.Close())
}

func (x part) pack(t *tar.Writer, home string) error {
	if x.of == nil {
		if err := t.WriteHeader(header(x.name, int64(len(x.content)))); err != nil {
			return err
		}
		_, err := t.Write(x.content)
		return err
	}
	return x.of.files(home, func(name string, in *os.File) error {
		info, err := in.Stat()
		if err != nil {
			return err
		}
		if err := t.WriteHeader(header(x.name+"/"+name, info.Size())); err != nil {
			return err
		}
		_, err = io.CopyN(t, in, info.Size()) // a journal may grow behind what was sealed
		return err
	})
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Mode: 0o600, Size: size, Typeflag: tar.TypeReg}
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
