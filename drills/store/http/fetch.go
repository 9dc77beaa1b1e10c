package http

import (
	"context"
	"fmt"
	"net/http"

	"lifeboat/drills/store"
	"lifeboat/drills/store/remote"
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
	want, now := s.seen.Expect(p.ID, p.Size, p.Taken), remote.FactsOf(r)
	if how := want.Change(now); how != "" {
		r.Body.Close()
		return nil, s.changed(p.ID, how)
	}
	return store.Verify(ctx, store.Opened{Body: r.Body, Point: p, Store: s.name, Size: max(want.Size, now.Size)}), nil
}
