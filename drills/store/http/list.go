package http

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/sidecars"
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
	names, sums := []string{base}, &checksums.Lists{}
	switch {
	case checksums.IsList(base):
		if err = s.read(ctx, u, base, sums); err == nil {
			names, err = s.named(sums.List)
		}
		if unread := sums.Unread(base); err == nil && unread != "" && len(sums.List) == 0 {
			err = s.problem("write it with sha256sum", "%s", unread) // a page, perhaps: none of it names a backup
		}
	case s.set.Sums != noSums:
		if err := s.sums(ctx, u, base, sums); err != nil {
			return nil, s.known(ctx, orNone(err))
		}
		sums.Settle(func(name string) bool { return name == base })
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	points := make([]store.Point, len(names))
	err = remote.Each(ctx, len(names), connections, func(ctx context.Context, i int) (err error) {
		points[i], err = s.point(ctx, names[i], sums)
		return err
	})
	if err != nil {
		return nil, s.known(ctx, err)
	}
	slices.SortStableFunc(points, store.Older)
	// Where none of a list is there, the address may be the wrong one.
	if n := len(points); n > 0 && !slices.ContainsFunc(points, func(p store.Point) bool { return p.Unusable != store.Absent }) {
		return nil, s.problem("put it back, or take its line out", "%s is listed in %s and is not there", points[n-1].ID, base)
	}
	return points, nil
}

// sums asks for the lists that may be about one backup: those of SHA-256, and others where there is none of these.
func (s *Store) sums(ctx context.Context, u *url.URL, base string, into *checksums.Lists) error {
	found, own := false, false // one list of its own is enough: some servers answer a page to every name
	for _, list := range []string{base + ".sha256", base + ".sha256sum", checksums.Name,
		base + ".sha512", "SHA512SUMS", base + ".sha1", "SHA1SUMS", base + ".md5", "MD5SUMS"} {
		_, single := checksums.Of(list)
		if single && own || found && !strings.Contains(strings.ToLower(list), record.SHA256) {
			continue
		}
		switch err := s.read(ctx, beside(u, list), list, into); {
		case err == nil:
			found, own = true, own || single
		case !errors.Is(err, store.ErrNoPoint): // none there: nobody promised anything
			return err
		}
	}
	return nil
}

// known makes a problem of the store of what is none yet; that something ended on time is no problem of it.
func (s *Store) known(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.As(err, new(*store.Problem)) {
		return err
	}
	return s.problem("", "%v", err)
}

// named are the files of a list that are backups.
func (s *Store) named(sums checksums.List) ([]string, error) {
	names := slices.DeleteFunc(sums.Names(), func(name string) bool {
		return sidecars.Is(name) || s.set.Pattern != "" && !sidecars.Match(s.set.Pattern, name)
	})
	if len(names) > mostFiles {
		return nil, s.problem("choose with pattern:", "the list names %d files, more than %d", len(names), mostFiles)
	}
	return names, nil
}

// read adds a list of digests. Errors wrap store.ErrNoPoint when there is none.
func (s *Store) read(ctx context.Context, u *url.URL, list string, sums *checksums.Lists) error {
	raw, err := s.whole(ctx, u, mostText)
	if err == nil {
		sums.Add(list, string(raw))
	}
	return err
}

// whole reads a small file. Errors wrap store.ErrNoPoint when there is none.
func (s *Store) whole(ctx context.Context, u *url.URL, most int) ([]byte, error) {
	r, err := s.ask(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, s.refusal(r, u)
	}
	raw, err := remote.ReadText(r.Body, most, s.timeout)
	if errors.Is(err, remote.ErrLong) {
		return nil, s.problem("", "%s is larger than %d MiB", s.show(u), most>>20)
	}
	return raw, err
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
func (s *Store) point(ctx context.Context, id string, sums *checksums.Lists) (store.Point, error) {
	u, err := s.locate(id)
	if err != nil {
		return store.Point{}, err
	}
	f, err := s.head(ctx, u)
	if err != nil {
		if _, listed := sums.List[id]; listed && errors.Is(err, store.ErrNoPoint) {
			return store.Point{ID: id, Unusable: store.Absent}, nil
		}
		return store.Point{}, err
	}
	if f.Size < 0 {
		return store.Point{}, s.problem("", "the server does not say how long %s is", s.show(u))
	}
	s.seen.Put(id, f)
	p := store.Point{ID: id, Taken: f.Modified, Size: f.Size, Digest: sums.List[id], Doubt: sums.Doubt(id)}
	if _, partial := sidecars.Partial(id); partial {
		p.Unusable = store.Partial
	}
	if p.Doubt != "" {
		p.Doubt += "; sums: none looks for no digests" // some servers answer a page to every name
	}
	return p, nil
}

// head asks by HEAD, and by a read of one byte where a server does not answer that: an address that is signed for
// GET (as S3's are) is good for nothing else.
func (s *Store) head(ctx context.Context, u *url.URL) (remote.Facts, error) {
	r, err := s.ask(ctx, http.MethodHead, u, nil)
	if err != nil {
		return remote.Facts{}, err
	}
	r.Body.Close()
	f := remote.FactsOf(r)
	switch r.StatusCode {
	case http.StatusOK:
		if f.Size >= 0 {
			return f, nil
		}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return remote.Facts{}, s.refusal(r, u)
	}
	if r, err = s.ask(ctx, http.MethodGet, u, http.Header{"Range": {"bytes=0-0"}}); err != nil {
		return remote.Facts{}, err
	}
	r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable: // the last: it is empty
		return remote.FactsOf(r), nil
	}
	return remote.Facts{}, s.refusal(r, u)
}

// changed is the error of a file that is another one than it was.
func (s *Store) changed(id, how string) error {
	return s.problem("keep backups under names of their own, and list them in SHA256SUMS",
		"%s became another file since it was listed: %s", id, how)
}
