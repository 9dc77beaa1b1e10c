package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
)

// bundleWriter writes into a new folder, or gathers what goes into an archive; the first error counts.
type bundleWriter struct {
	root, home string // no root: an archive
	items      []item
	err        error
}

// item is a file of a bundle: its content, or where in the home it lies.
type item struct {
	name    string // in the bundle, with slashes
	content []byte
	dir     string // of the home; "": content is all of it
	file    string // in dir
}

// leaves writes the records that a bundle shows, each with its proof. Of a period those of other series are withheld: their numbers stay.
func (w *bundleWriter) leaves(l *Log, b Bundle, older []int64) (lines []byte, p proofs, err error) {
	p = proofs{Size: l.Size(), Inclusion: []inclusion{}, Consistency: []consistency{}}
	holds := b.spoken(l.Leaves)
	for i, leaf := range l.Leaves {
		if shown := holds(leaf) || b.Whole() && leaf.Index >= b.First-1 && b.speaksOf(leaf); !shown {
			continue
		}
		lines = append(append(lines, l.Records[i]...), '\n')
		path, err := l.Inclusion(leaf.Index)
		if err != nil {
			return nil, p, err
		}
		p.Inclusion = append(p.Inclusion, inclusion{leaf.Index, path})
	}
	for _, n := range older {
		path, err := l.Consistency(n)
		if err != nil {
			return nil, p, err
		}
		p.Consistency = append(p.Consistency, consistency{n, path})
	}
	return lines, p, nil
}

func (w *bundleWriter) json(name string, v any) {
	raw, err := canonical.Marshal(v)
	w.err = errors.Join(w.err, err)
	w.file(name, raw)
}

func (w *bundleWriter) file(name string, content []byte) {
	if w.root == "" {
		w.items = append(w.items, item{name: name, content: content})
	}
	if w.err != nil || w.root == "" {
		return
	}
	path := filepath.Join(w.root, filepath.FromSlash(name))
	if w.err = os.MkdirAll(filepath.Dir(path), 0o700); w.err == nil {
		w.err = os.WriteFile(path, content, 0o600)
	}
}

// copies copies what lies in a home of drills, nights and what was said of them: side by side, for it is files that are waited for.
func (w *bundleWriter) copies(leaves []Leaf) {
	if w.err != nil {
		return
	}
	errs, found := make([]error, len(leaves)), make([][]item, len(leaves))
	atOnce(len(leaves), func(i int) { found[i], errs[i] = w.copyOf(leaves[i]) })
	w.err, w.items = errors.Join(errs...), append(w.items, slices.Concat(found...)...)
}

// atOnce does n things, a few of them at a time.
func atOnce(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, 2*runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// copyOf copies one, or gathers it. What is gone is left out: the bundle says by the log that it was there.
func (w *bundleWriter) copyOf(l Leaf) ([]item, error) {
	dir := l.folder(w.home)
	from, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	c := copier{from: from, dir: dir, into: filepath.Base(filepath.Dir(dir)) + "/" + l.ID, made: map[string]bool{}}
	if w.root != "" {
		c.to = filepath.Join(w.root, filepath.FromSlash(c.into))
	}
	switch l.Kind {
	case KindNight:
		err = c.copy(nightName)
	case KindAddendum:
		err = c.copy(addendumName)
	case KindProgramme:
		err = c.copy(programmeName)
	default:
		err = c.drill(l.ID)
	}
	return c.items, err
}

// drill copies what a drill's manifest and its envelope name.
func (c *copier) drill(id string) error {
	from := c.from
	raw, err := from.ReadFile(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m Manifest
	if err == nil {
		err = json.Unmarshal(raw, &m) // whatever is wrong with it is for whoever verifies
	}
	if err != nil {
		return fmt.Errorf("export drill %s: %w", id, err)
	}
	for _, f := range m.Files {
		if err := c.copy(f.Path); err != nil {
			return err
		}
	}
	if err := errors.Join(c.copy(manifestName), c.copy(envelopeName)); err != nil {
		return err
	}
	signed, err := from.ReadFile(envelopeName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var e signing.Envelope
	if err != nil || json.Unmarshal(signed, &e) != nil { // that is for whoever verifies, too
		return err
	}
	for _, sig := range e.Signatures {
		if name, _ := stampOf(sig.Sig); name != "" {
			err = errors.Join(err, c.copy(name+".tsq"), c.copy(name+".tsr"))
		}
	}
	return err
}

// copier copies files of one folder into another, or says which they are.
type copier struct {
	from      *os.Root
	dir, into string
	to        string          // "": items
	made      map[string]bool // folders
	items     []item
}

func (c *copier) copy(name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil
	}
	if c.to == "" {
		c.items = append(c.items, item{name: path.Join(c.into, name), dir: c.dir, file: filepath.FromSlash(name)})
		return nil
	}
	in, err := c.from.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	to := filepath.Join(c.to, filepath.FromSlash(name))
	if dir := filepath.Dir(to); !c.made[dir] {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		c.made[dir] = true
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
