package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"lifeboat/drills/store"
)

// Fetch streams a file as it is and a folder as a tar. Errors wrap store.ErrNoPoint
// when it is not there any more.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	if p.Dir {
		return s.fetchFolder(ctx, root, p)
	}
	defer root.Close()
	f, err := root.Open(p.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, store.ErrNoPoint)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, cause(err))
	}
	return &fileStream{ctx: ctx, f: f, point: p, hash: sha256.New()}, nil
}

// fileStream reads a file and compares its digest at the end.
type fileStream struct {
	ctx   context.Context
	f     *os.File
	point store.Point
	hash  hash.Hash
	n     atomic.Int64
	done  atomic.Bool
}

func (s *fileStream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.f.Read(p)
	s.hash.Write(p[:n])
	s.n.Add(int64(n))
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	s.done.Store(true)
	if got := s.Digest(); s.point.Digest != "" && got != s.point.Digest {
		return n, &store.Mismatch{Point: s.point.ID, Want: s.point.Digest, Got: got}
	}
	return n, io.EOF
}

func (s *fileStream) Close() error { return s.f.Close() }

func (s *fileStream) Bytes() int64 { return s.n.Load() }

func (s *fileStream) Digest() string {
	if !s.done.Load() {
		return ""
	}
	return "sha256:" + hex.EncodeToString(s.hash.Sum(nil))
}
