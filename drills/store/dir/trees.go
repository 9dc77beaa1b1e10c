package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/internal/tree"
)

// tree describes a folder that is a tree of files: whatever is in it belongs to it, and it is given as a tar.
func (s *Store) tree(root *os.Root, p store.Point, sums *checksums.Lists) store.Point {
	p.Size = 0
	files := 0
	err := fs.WalkDir(root.FS(), p.ID, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // of a tree in use
		}
		if err == nil && info.Mode().IsRegular() {
			p.Size += info.Size()
			if files++; files == 1 || info.ModTime().After(p.Taken) {
				p.Taken = info.ModTime()
			}
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.Unusable = store.Unreadable
	case err != nil:
		p.Unusable = store.Mixed
	case files == 0:
		p.Unusable = store.Hollow
	}
	if p.Digest.Given() {
		p.Doubt = fmt.Sprintf("%s promises the digest of a file, and it is a folder", p.Digest.File)
		p.Digest = record.Digest{}
	}
	for _, promise := range sums.List.Below(p.ID) {
		if promise.Algorithm != record.SHA256 {
			p.Doubt = fmt.Sprintf("%s lists its files by %s, and those of a tree are held against SHA-256 alone", promise.File, promise.Algorithm)
		}
	}
	return p
}

// fetchTree streams a tree as a tar, and holds its files against what lists promise of them.
func (s *Store) fetchTree(ctx context.Context, root *os.Root, p store.Point) (store.Stream, error) {
	promised := s.sums(root, []string{p.ID}).List.Below(p.ID)
	if err := root.Close(); err != nil {
		return nil, err
	}
	at, err := s.inside(p.ID)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(packed(at, p.ID, promised, w))
	}()
	stop := context.AfterFunc(ctx, func() { _ = r.CloseWithError(ctx.Err()) })
	return store.Ahead(ctx, store.Verify(ctx, store.Opened{Body: &packing{r, stop, done}, Point: p, Store: s.name, Size: -1})), nil
}

// inside is where a folder of the store really lies, which must be in it.
func (s *Store) inside(id string) (string, error) {
	top, err := filepath.EvalSymlinks(s.path)
	if err != nil {
		return "", s.problem("", "%v", cause(err))
	}
	at, err := filepath.EvalSymlinks(filepath.Join(top, id))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("fetch %s: %w", id, store.ErrNoPoint)
	}
	if err == nil && !strings.HasPrefix(at, top+string(filepath.Separator)) {
		err = errors.New("it leads out of the store")
	}
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", id, cause(err))
	}
	return at, nil
}

// packed writes the tar of a folder, and reads it at once for the digests of its files.
func packed(at, id string, promised checksums.List, to io.Writer) error {
	if len(promised) == 0 {
		return packedOf(id, tree.Pack(at, to))
	}
	r, w := io.Pipe()
	read := make(chan *tree.Tar, 1)
	go func() {
		t := tree.NewTar(r, true)
		for {
			if _, err := t.Next(); err != nil {
				_ = r.CloseWithError(err)
				read <- t
				return
			}
		}
	}()
	err := tree.Pack(at, io.MultiWriter(to, unheard{w}))
	w.CloseWithError(err)
	t := <-read
	if err != nil {
		return packedOf(id, err)
	}
	is := map[string]string{}
	for _, e := range t.Entries() {
		is[e.Path] = e.Digest
	}
	for _, name := range promised.Names() {
		if want := promised[name]; want.Algorithm == record.SHA256 && is[path.Clean(name)] != want.Value {
			got := "missing"
			if d, ok := is[path.Clean(name)]; ok {
				got = record.SHA256 + ":" + d
			}
			return &store.Mismatch{Point: id + "/" + name, Want: want.String(), Got: got}
		}
	}
	return nil
}

func packedOf(id string, err error) error {
	if err != nil {
		return fmt.Errorf("fetch %s: %w", id, err)
	}
	return nil
}

// unheard goes on where its reader has had enough.
type unheard struct{ w io.Writer }

func (u unheard) Write(p []byte) (int, error) {
	_, _ = u.w.Write(p)
	return len(p), nil
}

// packing is a tar that is being made.
type packing struct {
	*io.PipeReader
	stop func() bool
	done chan struct{}
}

// Close waits until nothing reads the files any more.
func (p *packing) Close() error {
	p.stop()
	err := p.PipeReader.Close()
	<-p.done
	return err
}
