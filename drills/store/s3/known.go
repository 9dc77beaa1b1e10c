package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

	"lifeboat/drills/store/remote"
)

// mostKnown objects below a folder whose names somebody else knows: a repository of restic of 16 TB.
const mostKnown = 1_000_000

// Name of the store, for people.
func (s *Store) Name() string { return s.name }

// Objects are those of a folder below the prefix, and of folders in it, by their names in it; none where there is no such folder.
func (s *Store) Objects(ctx context.Context, folder string) (map[string]remote.Facts, error) {
	there, err := s.objects(ctx, listing{prefix: s.prefix + folder + "/", deep: true, most: mostKnown})
	if err != nil {
		return nil, s.known(ctx, err)
	}
	return there, nil
}

// errBeyond is a range behind the end of an object.
var errBeyond = errors.New("the object ends before that")

// Part gives an object from one byte to another, both part of it; last below 0 is its end. It may have less than was asked for, and has nothing where
// it ends before. It is asked for once: errors are marked where they may pass, and wrap store.ErrNoPoint where the service says that there is no such object.
func (s *Store) Part(ctx context.Context, name string, first, last int64) (io.ReadCloser, remote.Facts, error) {
	r := anyOf
	r.first, r.last, r.ranged = first, last, first > 0 || last >= 0
	o, err := s.get(ctx, name, r)
	if errors.Is(err, errBeyond) {
		if o, err = s.get(ctx, name, anyOf); err == nil {
			o.body.Close()
			o.body = http.NoBody
		}
	}
	if err != nil {
		return nil, remote.Facts{}, err
	}
	if from, _, _, ok := remote.ContentRange(o.header); ok && from != first || !ok && first > 0 && o.body != http.NoBody {
		o.body.Close()
		return nil, remote.Facts{}, s.problem("", "%s is answered with the range %.60q of a request for another", path.Base(name), o.header.Get("Content-Range"))
	}
	return o.body, o.facts, nil
}

// span is a range as HTTP writes it.
func (r request) span() string {
	if r.last < 0 {
		return fmt.Sprintf("bytes=%d-", r.first)
	}
	return fmt.Sprintf("bytes=%d-%d", r.first, r.last)
}
