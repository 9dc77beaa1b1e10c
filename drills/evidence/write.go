package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lifeboat/internal/canonical"
)

// bundleWriter writes into a new folder; the first error counts.
type bundleWriter struct {
	root, home string
	err        error
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
	if w.err != nil {
		return
	}
	path := filepath.Join(w.root, filepath.FromSlash(name))
	if w.err = os.MkdirAll(filepath.Dir(path), 0o700); w.err == nil {
		w.err = os.WriteFile(path, content, 0o600)
	}
}

// copyOf copies what lies in a home of a drill or night. What is gone is left out: the bundle says by the log that it was there.
func (w *bundleWriter) copyOf(l Leaf) {
	dir := l.folder(w.home)
	to := filepath.Base(filepath.Dir(dir)) + "/" + l.ID
	switch l.Kind {
	case KindNight:
		w.copy(dir, to, nightName)
		return
	case KindAddendum:
		w.copy(dir, to, addendumName)
		return
	case KindProgramme:
		w.copy(dir, to, programmeName)
		return
	}
	raw, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var m Manifest
	if err == nil {
		err = json.Unmarshal(raw, &m) // whatever is wrong with it is for whoever verifies
	}
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("export drill %s: %w", l.ID, err))
		return
	}
	w.file(to+"/"+manifestName, raw)
	for _, f := range m.Files {
		w.copy(dir, to, f.Path)
	}
	w.copy(dir, to, envelopeName)
}

func (w *bundleWriter) copy(dir, to, name string) {
	if w.err != nil || !filepath.IsLocal(filepath.FromSlash(name)) {
		return
	}
	from, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		w.err = err
		return
	}
	defer from.Close() //nolint:errcheck // it was only read
	in, err := from.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		w.err = err
		return
	}
	defer in.Close() //nolint:errcheck // it was only read
	path := filepath.Join(w.root, filepath.FromSlash(to+"/"+name))
	if w.err = os.MkdirAll(filepath.Dir(path), 0o700); w.err != nil {
		return
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(out, in)
		err = errors.Join(err, out.Close())
	}
	w.err = err
}
