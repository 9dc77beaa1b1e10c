package s3

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/sidecars"
)

const (
	mostObjects = 100_000 // below a prefix, with all that is no backup: a hundred requests
	mostList    = 5 * time.Minute
)

// List returns the objects below the prefix whose names match the pattern, oldest first: by the time they are
// consistent to where a manifest beside them tells it, else by Last-Modified. What stands in deeper folders is looked
// at only when the pattern has a /.
func (s *Store) List(ctx context.Context) ([]store.Point, error) {
	there, err := s.objects(ctx, s.below())
	if err != nil {
		return nil, s.known(ctx, err)
	}
	var names []string
	for name := range there {
		if sidecars.Match(s.set.Pattern, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	about, err := s.about(ctx, names, there)
	if err != nil {
		return nil, s.known(ctx, err)
	}
	var points []store.Point
	for _, name := range names {
		if sidecars.Is(name) {
			continue
		}
		f := there[name]
		s.seen.Put(name, f)
		p := store.Point{ID: name, Taken: f.Modified, Size: f.Size, Digest: about.sums.List[name],
			Doubt: about.sums.Doubt(name)}
		m := about.manifests[name]
		p.ConsistentTo, p.ConsistentBy, p.Wrong = m.to, m.by, m.wrong
		if _, partial := sidecars.Partial(name); partial {
			p.Unusable = store.Partial
		}
		points = append(points, p)
	}
	points = append(points, s.missing(about.sums.List, there)...)
	slices.SortStableFunc(points, store.Older)
	return points, nil
}

// known makes a problem of the store of what is none yet; that something ended on time is no problem of it.
func (s *Store) known(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, new(*store.Problem)) {
		return err
	}
	return s.problem("", "%v", err)
}

// listing of a bucket: what of it is asked for.
type listing struct {
	prefix string // of keys
	deep   bool   // also in folders below
	most   int    // objects
}

// below is the listing of what lies below the store's prefix.
func (s *Store) below() listing {
	return listing{prefix: s.prefix, deep: strings.Contains(s.set.Pattern, "/"), most: mostObjects}
}

// objects are those below a prefix, by name.
func (s *Store) objects(outer context.Context, of listing) (map[string]remote.Facts, error) {
	ctx, cancel := context.WithTimeoutCause(outer, mostList, fmt.Errorf("no whole list came within %v", mostList))
	defer cancel()
	var there map[string]remote.Facts
	err := remote.Retry(ctx, func() error {
		there = map[string]remote.Facts{}
		owner, seen := false, 0
		for o := range s.client.ListObjectsIter(ctx, s.set.Bucket, minio.ListObjectsOptions{
			Prefix: of.prefix, Recursive: of.deep, FetchOwner: &owner,
		}) {
			if o.Err != nil {
				return s.explain(ctx, theList, o.Err)
			}
			if seen++; seen > of.most { // also of a service that lists the same ones for ever
				return s.problem("narrow it with prefix", "more than %d objects are there", of.most)
			}
			name, below := strings.CutPrefix(o.Key, of.prefix)
			if !below || strings.HasSuffix(name, "/") || !clean(name) { // a folder, or a name that a path cannot be
				continue
			}
			there[name] = remote.Facts{Size: o.Size, Modified: o.LastModified.UTC().Truncate(time.Second), ETag: o.ETag}
		}
		return context.Cause(ctx) // which ends the list without a word
	})
	return there, err
}

// missing finds backups that were promised and are not there: the newest one gone must not make an older one the
// latest in silence.
func (s *Store) missing(sums checksums.List, there map[string]remote.Facts) (gone []store.Point) {
	for _, name := range sums.Names() {
		ok, _ := path.Match(s.set.Pattern, name)
		if _, found := there[name]; ok && !found && !sidecars.Is(name) {
			gone = append(gone, store.Point{ID: name, Unusable: store.Absent})
		}
	}
	return gone
}
