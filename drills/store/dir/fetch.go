package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"lifeboat/drills/store"
	"lifeboat/internal/userfile"
)

// Fetch streams a file as it is and a folder as a tar. Errors wrap store.ErrNoPoint
// when it is not there any more.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	if info, err := root.Stat(p.ID); s.trees && err == nil && info.IsDir() {
		return s.fetchTree(ctx, root, p)
	}
	if p.Dir {
		return s.fetchFolder(ctx, root, p)
	}
	defer root.Close()
	f, err := userfile.OpenIn(root, p.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, store.ErrNoPoint)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, cause(err))
	}
	b := &body{File: f, store: s, point: p}
	if err := b.listed(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return store.Ahead(ctx, store.Verify(ctx, store.Opened{Body: b, Point: p, Store: s.name, Size: -1})), nil
}

// body is a file that has to stay the one that was listed until its end: another one has another digest, which would
// be taken for the backup's fault.
type body struct {
	*os.File
	store *Store
	point store.Point
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.File.Read(p)
	if errors.Is(err, io.EOF) {
		if e := b.listed(); e != nil {
			return n, e
		}
	}
	return n, err
}

func (b *body) listed() error {
	info, err := b.Stat()
	if err != nil {
		return fmt.Errorf("fetch %s: %w", b.point.ID, cause(err))
	}
	return b.store.listed(b.point, info)
}

// listed tells whether a file is still the one that was listed. A point that has a name and no more may be any file.
func (s *Store) listed(p store.Point, now fs.FileInfo) error {
	if p.Size == 0 && p.Taken.IsZero() || now.Size() == p.Size && now.ModTime().Equal(p.Taken) {
		return nil
	}
	return s.problem("keep backups under names of their own", "%s was replaced or written to since it was listed", p.ID)
}
