package http

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"lifeboat/drills/store"
	"lifeboat/internal/sha256sums"
)

const (
	mostText  = 4 << 20 // bytes of a list of digests
	mostFiles = 1000    // of a list, each of which is asked for
)

// List asks for the backup, or for every file of the list, oldest first by Last-Modified.
func (s *Store) List(ctx context.Context) ([]store.Point, error) {
	u, err := s.address()
	if err != nil {
		return nil, err
	}
	base := path.Base(u.Path)
	names, sums := []string{base}, sha256sums.List{}
	switch {
	case base == sha256sums.Name:
		if err = s.read(ctx, u, base, sums); err == nil {
			names, err = s.named(sums)
		}
	case s.set.Sums != noSums:
		for _, list := range []string{base + sha256sums.Suffix, sha256sums.Name} {
			if e := s.read(ctx, beside(u, list), list, sums); e != nil && !errors.Is(e, store.ErrNoPoint) {
				return nil, s.known(ctx, orNone(e))
			} // none there: nobody promised anything
		}
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	points := make([]store.Point, len(names))
	errs := make([]error, len(names))
	slots := make(chan struct{}, connections)
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			points[i], errs[i] = s.point(ctx, name, sums)
		})
	}
	wg.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, s.known(ctx, errs[i])
	}
	slices.SortStableFunc(points, func(a, b store.Point) int {
		return cmp.Or(a.Taken.Compare(b.Taken), strings.Compare(a.ID, b.ID))
	})
	return points, nil
}

// known makes a problem of the store of what is none yet; that something ended on time is no problem of it.
func (s *Store) known(ctx context.Context, err error) error {
	var problem *store.Problem
	if ctx.Err() != nil || errors.As(err, &problem) {
		return err
	}
	return s.problem("", "%v", err)
}

// named are the files of a list that are backups.
func (s *Store) named(sums sha256sums.List) ([]string, error) {
	names := slices.DeleteFunc(sums.Names(), func(name string) bool {
		ok, _ := path.Match(s.set.Pattern, name)
		return s.set.Pattern != "" && !ok
	})
	if len(names) > mostFiles {
		return nil, s.problem("choose with pattern:", "the list names %d files, more than %d", len(names), mostFiles)
	}
	return names, nil
}

// read adds a list of digests. Errors wrap store.ErrNoPoint when there is none.
func (s *Store) read(ctx context.Context, u *url.URL, list string, sums sha256sums.List) error {
	r, err := s.ask(ctx, http.MethodGet, u, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return s.refusal(r, u)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, mostText+1))
	if err != nil {
		return err
	}
	if len(raw) > mostText {
		return s.problem("", "%s is larger than %d MiB", show(u), mostText>>20)
	}
	if err := sums.Add(list, string(raw)); err != nil {
		return s.problem("write it with sha256sum", "%v", err)
	}
	return nil
}

// orNone adds to the hint what helps where a server answers something else than "not found" to what is not there.
func orNone(err error) error {
	var p *store.Problem
	if !errors.As(err, &p) {
		return err
	}
	hinted := *p
	hinted.Hint = strings.TrimPrefix(p.Hint+"; or add sums: none if there are no digests", "; ")
	return &hinted
}

// point asks what there is to know of a file without reading it.
func (s *Store) point(ctx context.Context, id string, sums sha256sums.List) (store.Point, error) {
	u, err := s.locate(id)
	if err != nil {
		return store.Point{}, err
	}
	f, err := s.head(ctx, u)
	if err != nil {
		if by, listed := sums[id]; listed && errors.Is(err, store.ErrNoPoint) {
			err = s.problem("put it back, or take its line out", "%s is listed in %s and is not there", id, by.By)
		}
		return store.Point{}, err
	}
	if f.size < 0 {
		return store.Point{}, s.problem("", "the server does not say how long %s is", show(u))
	}
	s.mu.Lock()
	s.seen[id] = f
	s.mu.Unlock()
	return store.Point{ID: id, Taken: f.modified, Size: f.size, Digest: sums.Promise(id)}, nil
}

// head asks by HEAD, and by a read of one byte where a server does not answer that: an address that is signed for
// GET (as S3's are) is good for nothing else.
func (s *Store) head(ctx context.Context, u *url.URL) (facts, error) {
	r, err := s.ask(ctx, http.MethodHead, u, nil)
	if err != nil {
		return facts{}, err
	}
	r.Body.Close()
	f := factsOf(r)
	switch r.StatusCode {
	case http.StatusOK:
		if f.size >= 0 {
			return f, nil
		}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return facts{}, s.refusal(r, u)
	}
	if r, err = s.ask(ctx, http.MethodGet, u, http.Header{"Range": {"bytes=0-0"}}); err != nil {
		return facts{}, err
	}
	r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable: // the last: it is empty
		return factsOf(r), nil
	}
	return facts{}, s.refusal(r, u)
}

// expect is what a point's file has to be: what the last List saw, or else what the point itself tells.
func (s *Store) expect(p store.Point) facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.seen[p.ID]; ok && f.size == p.Size && f.modified.Equal(p.Taken) {
		return f
	}
	if p.Size == 0 && p.Taken.IsZero() { // a name and no more
		return facts{size: -1}
	}
	return facts{size: p.Size, modified: p.Taken}
}

// changed is the error of a file that is another one than it was.
func (s *Store) changed(id, how string) error {
	return s.problem("keep backups under names of their own, and list them in SHA256SUMS",
		"%s became another file since it was listed: %s", id, how)
}
