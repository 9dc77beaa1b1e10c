package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"lifeboat/drills/store"
	"lifeboat/internal/userfile"
)

// OpenAt opens a file; scratch is not needed. Errors wrap store.ErrNoPoint when it is not there any more.
func (s *Store) OpenAt(ctx context.Context, p store.Point, _ string) (store.Random, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(p.ID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open %s: %w", p.ID, store.ErrNoPoint)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", p.ID, cause(err))
	case info.IsDir():
		return nil, fmt.Errorf("open %s: a folder cannot be read at an offset", p.ID)
	case !info.Mode().IsRegular():
		return nil, s.problem("", "%s is neither a file nor a folder", p.ID)
	}
	f, err := userfile.OpenIn(root, p.ID)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.ID, cause(err))
	}
	r := &fileAt{ctx: ctx, store: s, id: p.ID, f: f}
	if r.info, err = f.Stat(); err == nil {
		err = s.listed(p, r.info)
	}
	if err == nil {
		r.path, err = s.real(p.ID, r.info)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", p.ID, err), f.Close())
	}
	return r, nil
}

// real is the path without links of the file that was opened. Others open it by that path, where
// no os.Root holds them back, so it must be that very file.
func (s *Store) real(id string, opened fs.FileInfo) (string, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(s.path, filepath.FromSlash(id)))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !os.SameFile(info, opened) {
		return "", fmt.Errorf("%s is another file than the one that was opened", path)
	}
	return path, nil
}

// fileAt is a file of the folder.
type fileAt struct {
	ctx   context.Context
	store *Store
	id    string
	f     *os.File
	info  fs.FileInfo // when it was opened
	path  string
	n     atomic.Int64
}

func (r *fileAt) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.f.ReadAt(p, off)
	r.n.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read %s: %w", r.id, cause(err))
	}
	if e := r.written(); e != nil {
		return 0, e
	}
	return n, err
}

// Same implements store.Random.
func (r *fileAt) Same() error {
	if err := r.written(); err != nil {
		return err
	}
	named, err := os.Lstat(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at %s: %w", r.id, cause(err))
	}
	if err != nil || !os.SameFile(named, r.info) {
		return r.store.problem("keep backups under names of their own", "%s was replaced after it was opened", r.id)
	}
	return nil
}

// written tells whether somebody wrote into the file since it was opened.
func (r *fileAt) written() error {
	now, err := r.f.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", r.id, cause(err))
	}
	if now.Size() != r.info.Size() || !now.ModTime().Equal(r.info.ModTime()) {
		return r.store.problem("write backups under another name and rename them",
			"%s was written to while it was read", r.id)
	}
	return nil
}

func (r *fileAt) Close() error { return r.f.Close() }

func (r *fileAt) Size() int64 { return r.info.Size() }

func (r *fileAt) Path() string { return r.path }

func (r *fileAt) Fetched() int64 { return r.n.Load() }
