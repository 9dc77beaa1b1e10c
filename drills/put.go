package drills

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/internal/tree"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// put copies a file or a folder beside the scenario into a machine, as one tar stream.
func (op *operator) put(ctx context.Context, m instance.Machine, s *scenarios.PutStep) (string, error) {
	to := path.Clean(s.To)
	pr, pw := io.Pipe()
	var put putting
	go func() {
		tw := tar.NewWriter(pw)
		put = putting{tar: tw, name: path.Base(to)}
		err := put.copy(s.From)
		pw.CloseWithError(errors.Join(err, tw.Close())) // of nil: the end of the stream
	}()
	err := instance.Put(ctx, m, path.Dir(to), pr)
	if err == nil {
		_, err = io.Copy(io.Discard, pr) // the machine may have seen the end before all of it was written
	}
	if err != nil {
		pr.CloseWithError(err)
		return "", fmt.Errorf("put %s into %s: %w", filepath.Base(s.From), m.Name(), err)
	}
	return fmt.Sprintf("%d files, %d bytes", put.files, put.bytes), nil
}

// putting writes files into a tar, below a name.
type putting struct {
	tar   *tar.Writer
	name  string
	files int
	bytes int64
}

// copy walks a file or a folder. The loader has seen that there is nothing else in it; what came since is refused.
func (t *putting) copy(from string) error {
	root, err := os.OpenRoot(filepath.Dir(from))
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	base := filepath.Base(from)
	return fs.WalkDir(root.FS(), base, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		return t.add(root, p, path.Join(t.name, filepath.ToSlash(rel)), e)
	})
}

func (t *putting) add(root *os.Root, p, name string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Typeflag: tar.TypeDir}
	switch {
	case e.IsDir():
		h.Name += "/"
		return t.tar.WriteHeader(h)
	case !e.Type().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", p)
	}
	f, err := userfile.OpenIn(root, p)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := t.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(t.tar, f)
	if err != nil {
		return fmt.Errorf("read %s: %w", p, err)
	}
	t.files, t.bytes = t.files+1, t.bytes+n
	return nil
}

// trees are those that were restored into instances, by instance and folder.
type trees struct {
	mu  sync.Mutex
	all map[string]map[string]forest
}

type forest struct {
	generation int
	tree.Restored
}

func (t *trees) put(name string, generation int, r tree.Restored) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]map[string]forest{}
	}
	if t.all[name] == nil {
		t.all[name] = map[string]forest{}
	}
	t.all[name][r.Folder] = forest{generation, r}
}

// of an instance, in the order of their folders.
func (t *trees) of(name string) (all []forest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, folder := range slices.Sorted(maps.Keys(t.all[name])) {
		all = append(all, t.all[name][folder])
	}
	return all
}

var _ verifier.Trees = (*target)(nil)

// Trees implements verifier.Trees. What was restored into this very machine was read before it was started; what a machine before it left is
// read now.
func (t *target) Trees(ctx context.Context, on string) (all []verifier.Tree, err error) {
	m, err := t.asked(on)
	if err != nil {
		return nil, err
	}
	defer func() { t.reached.byCheck(m.Name(), t.elapsed(), err) }()
	for _, f := range t.trees.of(m.Name()) {
		r := verifier.Tree{Restored: f.Restored}
		if f.generation != t.room.Generation(m.Name()) {
			holder, err := instance.Trees(m)
			if err != nil {
				return nil, err
			}
			if r.Entries, err = holder.Tree(ctx, f.Folder); err != nil {
				return nil, err
			}
			r.Later = true
		}
		all = append(all, r)
	}
	return all, nil
}
