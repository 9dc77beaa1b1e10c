package http

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync/atomic"

	"lifeboat/drills/store"
)

// Fetch streams a file. Errors wrap store.ErrNoPoint when it is not there any more; *store.Problem when it is not
// the file that was listed.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, err)
	}
	r, err := s.ask(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, err)
	}
	if r.StatusCode != http.StatusOK {
		r.Body.Close()
		return nil, fmt.Errorf("fetch %s: %w", p.ID, s.refusal(r, u))
	}
	want, now := s.expect(p), factsOf(r)
	if how := want.change(now); how != "" {
		r.Body.Close()
		return nil, s.changed(p.ID, how)
	}
	return &stream{ctx: ctx, store: s, body: r.Body, point: p, size: max(want.size, now.size), hash: sha256.New()}, nil
}

// stream reads a file and compares its length and digest at the end.
type stream struct {
	ctx   context.Context
	store *Store
	body  io.ReadCloser
	point store.Point
	size  int64 // that it must have; -1: nobody said so
	hash  hash.Hash
	n     atomic.Int64
	done  atomic.Bool
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.body.Read(p)
	s.hash.Write(p[:n])
	got := s.n.Add(int64(n))
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && s.size >= 0 && got != s.size:
		return n, s.store.problem("try again; if it stays so, look at the server and what stands before it",
			"%s ended after %d bytes, %d were promised", s.point.ID, got, s.size)
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("fetch %s: after %d bytes: %w", s.point.ID, got, err)
	}
	s.done.Store(true)
	if got := s.Digest(); s.point.Digest != "" && got != s.point.Digest {
		return n, &store.Mismatch{Point: s.point.ID, Want: s.point.Digest, Got: got}
	}
	return n, io.EOF
}

func (s *stream) Close() error { return s.body.Close() }

func (s *stream) Bytes() int64 { return s.n.Load() }

func (s *stream) Digest() string {
	if !s.done.Load() {
		return ""
	}
	return "sha256:" + hex.EncodeToString(s.hash.Sum(nil))
}
