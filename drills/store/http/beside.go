package http

import (
	"context"
	"errors"
	"fmt"
	"path"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
)

// Beside implements store.Beside.
func (s *Store) Beside(ctx context.Context, p store.Point, suffix string) ([]byte, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID+suffix, err)
	}
	listed, err := s.address()
	if err != nil {
		return nil, err
	}
	file, base, sums := p.ID+suffix, path.Base(listed.Path), &checksums.Lists{}
	switch {
	case checksums.IsList(base):
		err = s.read(ctx, listed, base, sums)
	case s.set.Sums != noSums:
		err = s.sums(ctx, u, file, sums)
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	sums.Settle(func(name string) bool { return name == file })
	raw, err := s.whole(ctx, beside(u, path.Base(file)), store.MostBeside)
	if errors.Is(err, store.ErrNoPoint) {
		return nil, store.NotBeside(file, sums.List[file])
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	return store.Held(file, raw, sums.List[file])
}
