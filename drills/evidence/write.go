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
	"slices"

	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
)

// bundleWriter writes into a new folder, or gathers what goes into an archive; the first error counts.
type bundleWriter struct {
	root, home string // no root: an archive
	parts      []part
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
	if w.root == "" {
		w.parts = append(w.parts, part{name: name, content: content})
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
	if w.root == "" {
		for _, l := range leaves {
			w.parts = append(w.parts, part{name: l.in(), of: &l})
		}
		return
	}
	errs := make([]error, len(leaves))
	atOnce(len(leaves), func(i int) { errs[i] = w.copyOf(leaves[i]) })
	w.err = errors.Join(errs...)
}

// copyOf copies one.
func (w *bundleWriter) copyOf(l Leaf) error {
	root, made := filepath.Join(w.root, filepath.FromSlash(l.in())), map[string]bool{}
	return l.files(w.home, func(name string, in *os.File) error {
		to := filepath.Join(root, filepath.FromSlash(name))
		if dir := filepath.Dir(to); !made[dir] {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			made[dir] = true
		}
		out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// in is the folder of a bundle in which lies what a record is about.
func (l Leaf) in() string { return path.Base(filepath.Dir(l.folder("."))) + "/" + l.ID }

// files opens what of a record's folder belongs to a bundle, one after the other in the order of a walk; names have slashes. What is gone is left
// out: the bundle says by the log that it was there.
func (l Leaf) files(home string, each func(name string, in *os.File) error) error {
	from, err := os.OpenRoot(l.folder(home))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // it was only read
	var names []string
	switch l.Kind {
	case KindNight:
		names = []string{nightName}
	case KindAddendum:
		names = []string{addendumName}
	case KindProgramme:
		names = []string{programmeName}
	default:
		if names, err = belonging(from); err != nil {
			return fmt.Errorf("export drill %s: %w", l.ID, err)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !filepath.IsLocal(filepath.FromSlash(name)) })
	for i, name := range names {
		names[i] = path.Clean(name)
	}
	slices.SortFunc(names, walked)
	for _, name := range slices.Compact(names) {
		in, err := from.Open(filepath.FromSlash(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(each(name, in), in.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// belonging are the files that a drill's manifest and its envelope name, and these; none where there is no manifest.
func belonging(from *os.Root) (names []string, err error) {
	raw, err := from.ReadFile(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var m Manifest
	if err == nil {
		err = json.Unmarshal(raw, &m) // whatever is wrong with it is for whoever verifies
	}
	if err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		names = append(names, f.Path)
	}
	names = append(names, manifestName, envelopeName)
	signed, err := from.ReadFile(envelopeName)
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	var e signing.Envelope
	if err != nil || json.Unmarshal(signed, &e) != nil { // that is for whoever verifies, too
		return names, err
	}
	for _, sig := range e.Signatures {
		if name, _ := stampOf(sig.Sig); name != "" {
			names = append(names, name+".tsq", name+".tsr")
		}
	}
	return names, nil
}
