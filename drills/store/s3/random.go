package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/store"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/remote"
)

// OpenAt reads an object by ranges and keeps what it fetched in a file without a name in scratch, so that nothing is
// fetched twice.
func (s *Store) OpenAt(ctx context.Context, p store.Point, scratch string) (store.Random, error) {
	if !clean(p.ID) {
		return nil, fmt.Errorf("open %s: %w", p.ID, store.ErrNoPoint)
	}
	r, err := chunks.Open(ctx, &ranges{store: s, id: p.ID, facts: s.seen.Expect(p.ID, p.Size, p.Taken)},
		chunks.Options{Scratch: scratch, Chunk: s.chunk, AtOnce: connections})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.ID, s.since(p.ID, err))
	}
	return r, nil
}

// ranges is an object; it implements chunks.Source. Every answer is compared with the first.
type ranges struct {
	store *Store
	id    string
	facts remote.Facts // of the list; then of the first answer
}

// errEmpty is a range of an object that has no bytes.
var errEmpty = errors.New("the object is empty")

// First implements chunks.Source.
func (r *ranges) First(ctx context.Context, buf []byte) (n int, size int64, err error) {
	n, now, err := r.get(ctx, buf, 0)
	if errors.Is(err, errEmpty) {
		n, err = 0, nil
	}
	if err == nil {
		r.facts = now
	}
	return n, now.Size, err
}

// Fetch implements chunks.Source.
func (r *ranges) Fetch(ctx context.Context, buf []byte, off int64) (int, error) {
	n, _, err := r.get(ctx, buf, off)
	var how replaced
	switch {
	case errors.As(err, &how):
		return n, chunks.Another(r.store.problem("keep backups under names of their own",
			"%s became another object while it was read: %s", r.id, string(how)))
	case err == nil, errors.As(err, new(*store.Problem)):
		return n, err
	}
	return n, fmt.Errorf("read %s: %w", r.id, err)
}

// get fills buf with what stands at off, as far as the object goes. All of it must come within the timeout.
func (r *ranges) get(outer context.Context, buf []byte, off int64) (int, remote.Facts, error) {
	late := fmt.Errorf("not all of it came within %v", r.store.timeout)
	ctx, cancel := context.WithTimeoutCause(outer, r.store.timeout, late)
	defer cancel()
	o, err := r.store.get(ctx, r.id, request{want: r.facts, ranged: true, first: off, last: off + int64(len(buf)) - 1})
	if err != nil {
		return 0, remote.Facts{}, err
	}
	defer o.body.Close()
	first, last, total, ok := remote.ContentRange(o.header)
	switch {
	case !ok && o.facts.Size == 0:
		return 0, o.facts, errEmpty
	case !ok && o.header.Get("Content-Range") == "":
		return 0, o.facts, r.store.problem("copy the object and use a store of kind dir",
			"the service ignores Range: it would have to send all of %s for each read", r.id)
	case !ok || first != off || last != min(total, off+int64(len(buf)))-1:
		return 0, o.facts, r.store.problem("", "%s is answered with the range %.60q of a request for another", r.id,
			o.header.Get("Content-Range"))
	case total > remote.MostSize:
		return 0, o.facts, r.store.problem("", "%s is said to have %d bytes", r.id, total)
	}
	part := buf[:last-first+1]
	n, err := io.ReadFull(o.body, part)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		err = remote.Passing(r.store.problem("look at the service and what stands before it",
			"a part of %s ended after %d bytes, %d were promised", r.id, n, len(part)))
	case err != nil:
		err = r.store.explain(ctx, r.id, err)
	}
	return n, o.facts, err
}
