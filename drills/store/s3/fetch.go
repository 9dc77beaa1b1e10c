package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"

	"lifeboat/drills/store"
	"lifeboat/drills/store/remote"
)

// Fetch streams an object. Errors wrap store.ErrNoPoint when it is not there any more; *store.Problem when it is not
// the object that was listed.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	if !clean(p.ID) {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, store.ErrNoPoint)
	}
	want := s.seen.Expect(p.ID, p.Size, p.Taken)
	var o object
	err := remote.Retry(ctx, func() (err error) {
		o, err = s.get(ctx, p.ID, request{want: want})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, s.since(p.ID, err))
	}
	return store.Verify(ctx, store.Opened{Body: o.body, Point: p, Store: s.name, Size: max(want.Size, o.facts.Size)}), nil
}

// replaced tells in which way an object is another one than the one that was wanted.
type replaced string

func (r replaced) Error() string { return "it is another object: " + string(r) }

// since makes a problem of an object that was replaced after it was listed.
func (s *Store) since(id string, err error) error {
	if how, ok := errors.AsType[replaced](err); ok {
		return s.problem("keep backups under names of their own", "%s became another object since it was listed: %s", id,
			string(how))
	}
	return err
}

// request for an object.
type request struct {
	want        remote.Facts // nothing is sent of an object with another ETag
	ranged      bool
	first, last int64 // bytes, both part of the range; last below 0: the end
}

// anyOf asks for all of an object, whatever it is by now.
var anyOf = request{want: remote.Facts{Size: -1}}

// object is an answer; who asked closes the body.
type object struct {
	body   io.ReadCloser
	facts  remote.Facts // of the whole object
	header http.Header
}

// get asks once. Errors are marked where they may pass, and are replaced when it is another object than the one that
// was wanted.
func (s *Store) get(ctx context.Context, id string, r request) (object, error) {
	options := minio.GetObjectOptions{}
	if r.want.ETag != "" {
		if err := options.SetMatchETag(r.want.ETag); err != nil {
			return object{}, err
		}
	}
	if r.ranged {
		options.Set("Range", r.span())
	}
	body, info, header, err := minio.Core{Client: s.client}.GetObject(ctx, s.set.Bucket, s.prefix+id, options)
	switch code := minio.ToErrorResponse(err).StatusCode; {
	case code == http.StatusRequestedRangeNotSatisfiable && r.ranged && r.first == 0: // so is every range of no bytes
		r.ranged = false
		return s.get(ctx, id, r)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return object{}, errBeyond
	case code == http.StatusPreconditionFailed:
		return object{}, replaced(fmt.Sprintf("its ETag is not %.40s any more", r.want.ETag))
	case err != nil:
		return object{}, s.explain(ctx, id, err)
	}
	facts := remote.Facts{Size: info.Size, Modified: info.LastModified.UTC(), ETag: info.ETag}
	if _, _, total, ok := remote.ContentRange(header); ok {
		facts.Size = total
	}
	if how := r.want.Change(facts); how != "" {
		body.Close()
		return object{}, replaced(how)
	}
	return object{body: body, facts: facts, header: header}, nil
}
