package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"lifeboat/drills/store"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/remote"
)

// OpenAt reads a file by ranges and keeps what it fetched in a file without a name in scratch, so that nothing is
// fetched twice. The server must understand Range, say how long the file is, and tell it from another one; *store.Problem
// if it does not.
func (s *Store) OpenAt(ctx context.Context, p store.Point, scratch string) (store.Random, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.ID, err)
	}
	r, err := chunks.Open(ctx, &ranges{store: s, id: p.ID, url: u, facts: s.seen.Expect(p.ID, p.Size, p.Taken)},
		chunks.Options{Scratch: scratch, Chunk: s.chunk, AtOnce: connections})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.ID, err)
	}
	return r, nil
}

// ranges is a file on a server; it implements chunks.Source. Every answer is compared with the first.
type ranges struct {
	store *Store
	id    string
	url   *url.URL
	facts remote.Facts // of the list; then of the first answer
}

// First implements chunks.Source.
func (r *ranges) First(ctx context.Context, buf []byte) (int, int64, error) {
	answer, err := r.ask(ctx, 0, int64(len(buf))-1, "")
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	now := remote.FactsOf(answer)
	first, last, total, ok := remote.ContentRange(answer.Header)
	switch status := answer.StatusCode; {
	case status == http.StatusPartialContent && ok && first == 0 && last == min(total, int64(len(buf)))-1:
	case status == http.StatusPartialContent:
		return 0, 0, r.strange(answer)
	case (status == http.StatusOK || status == http.StatusRequestedRangeNotSatisfiable && ok) && now.Size == 0:
	case status == http.StatusOK:
		return 0, 0, r.store.problem("serve it from one that does, or copy the file and use a store of kind dir",
			"the server ignores Range: it would have to send all of %s for each read", r.store.show(r.url))
	default:
		return 0, 0, r.refused(answer)
	}
	if how := r.facts.Change(now); how != "" {
		return 0, 0, r.store.changed(r.id, how)
	}
	if now.Size > remote.MostSize {
		return 0, 0, r.store.problem("", "%s is said to have %d bytes", r.id, now.Size)
	}
	n, err := r.fill(answer.Body, buf[:min(now.Size, int64(len(buf)))])
	if err == nil && now.ETag == "" && now.Modified.IsZero() {
		err = r.store.problem("serve it from one that does, or copy the file and use a store of kind dir",
			"the server says neither ETag nor Last-Modified of %s: whether it is replaced while it is read could not be noticed",
			r.store.show(r.url))
	}
	if err == nil {
		r.facts = now
	}
	return n, now.Size, err
}

// Fetch implements chunks.Source.
func (r *ranges) Fetch(ctx context.Context, buf []byte, off int64) (int, error) {
	n, err := r.get(ctx, buf, off)
	if err == nil || errors.As(err, new(*store.Problem)) {
		return n, err
	}
	return n, fmt.Errorf("read %s: %w", r.id, err)
}

func (r *ranges) get(ctx context.Context, buf []byte, off int64) (int, error) {
	end := off + int64(len(buf)) - 1
	answer, err := r.ask(ctx, off, end, r.facts.Strong()) // a server then sends all of a file that is another one
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusPartialContent, http.StatusOK, http.StatusRequestedRangeNotSatisfiable:
		if how := r.facts.Change(remote.FactsOf(answer)); how != "" {
			return 0, chunks.Another(r.store.problem("keep backups under names of their own",
				"%s became another file while it was read: %s", r.id, how))
		}
	default:
		return 0, r.refused(answer)
	}
	if answer.StatusCode == http.StatusOK {
		return 0, r.store.problem("", "the server answers with all of %s, not with the range that it was asked for", r.store.show(r.url))
	}
	first, last, _, ok := remote.ContentRange(answer.Header)
	if answer.StatusCode != http.StatusPartialContent || !ok || first != off || last != end {
		return 0, r.strange(answer)
	}
	return r.fill(answer.Body, buf)
}

// ask for a range, whose ends are both part of it, if the file still has that tag; "" is any.
func (r *ranges) ask(outer context.Context, first, last int64, tag string) (*http.Response, error) {
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", first, last)}}
	if tag != "" {
		h.Set("If-Range", tag)
	}
	late := fmt.Errorf("not all of it came within %v", r.store.timeout)
	ctx, cancel := context.WithTimeoutCause(outer, r.store.timeout, late)
	answer, err := r.store.ask(ctx, http.MethodGet, r.url, h)
	if err != nil {
		cancel()
		if problem, ok := errors.AsType[*store.Problem](err); ok {
			return nil, problem
		}
		return nil, remote.Passing(err)
	}
	answer.Body = bounded{answer.Body, cancel}
	return answer, nil
}

// bounded is a body whose request has a time-out as a whole.
type bounded struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b bounded) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// fill takes all of a part from a body.
func (r *ranges) fill(body io.Reader, part []byte) (int, error) {
	n, err := io.ReadFull(body, part)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return n, remote.Passing(r.store.problem("look at the server and what stands before it",
			"a part of %s ended after %d bytes, %d were promised", r.id, n, len(part)))
	case err != nil:
		return n, remote.Passing(err)
	}
	return n, nil
}

// refused is the error of a status; a busy server's may pass.
func (r *ranges) refused(answer *http.Response) error { return r.store.refusedOnce(answer, r.url) }

func (s *Store) refusedOnce(answer *http.Response, u *url.URL) error {
	err := s.refusal(answer, u)
	if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests {
		return remote.Passing(err)
	}
	return err
}

// strange is the error of a range that was not asked for.
func (r *ranges) strange(answer *http.Response) error {
	return r.store.problem("", "%s is answered with the range %.60q of a request for another", r.store.show(r.url),
		answer.Header.Get("Content-Range"))
}
