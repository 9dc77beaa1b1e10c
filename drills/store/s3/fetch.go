package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

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

// Beside implements store.Beside. What is there is asked anew: it may have been uploaded since the backups were listed.
func (s *Store) Beside(ctx context.Context, p store.Point, suffix string) ([]byte, error) {
	there, err := s.objects(ctx, s.below())
	if err != nil {
		return nil, s.known(ctx, err)
	}
	file := p.ID + suffix
	about, err := s.about(ctx, []string{file}, there)
	if err != nil {
		return nil, s.known(ctx, err)
	}
	promised := about.sums.List[file]
	if _, ok := there[file]; !ok {
		return nil, store.NotBeside(file, promised)
	}
	text, err := s.text(ctx, file, store.MostBeside)
	if err != nil {
		return nil, s.known(ctx, err)
	}
	return store.Held(file, []byte(text), promised)
}

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
