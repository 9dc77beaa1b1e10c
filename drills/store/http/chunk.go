package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"lifeboat/drills/store"
)

const (
	tries = 3                      // for each chunk
	pause = 200 * time.Millisecond // before the second; twice as long before the third
)

// passing is an error that may be gone at the next try: of the network, or of a server that is busy.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// first fetches the first chunk and with it what there is to know of the file.
func (r *random) first(want facts) error {
	r.facts = facts{size: -1}
	err := r.retry(func() error { return r.begin(want) })
	if err == nil && r.facts.size > 0 {
		r.keep(0)
	}
	return err
}

func (r *random) begin(want facts) error {
	answer, err := r.ask(0, r.store.chunk-1)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	now := factsOf(answer)
	first, last, total, ok := contentRange(answer)
	switch status := answer.StatusCode; {
	case status == http.StatusPartialContent && ok && first == 0 && last == min(total, r.store.chunk)-1:
	case status == http.StatusPartialContent:
		return r.strange(answer)
	case (status == http.StatusOK || status == http.StatusRequestedRangeNotSatisfiable && ok) && now.size == 0:
	case status == http.StatusOK:
		return r.store.problem("serve it from one that does, or copy the file and use a store of kind dir",
			"the server ignores Range: it would have to send all of %s for each read", show(r.url))
	default:
		return r.refused(answer)
	}
	if how := want.change(now); how != "" {
		return r.store.changed(r.id, how)
	}
	if now.size > mostSize {
		return r.store.problem("", "%s is said to have %d bytes", r.id, now.size)
	}
	if now.size > 0 {
		if err := r.save(answer.Body, 0, min(now.size, r.store.chunk)); err != nil {
			return err
		}
	}
	r.facts = now
	return nil
}

// load fetches a chunk into the cache, when there is a place among those under way.
func (r *random) load(i int64) error {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	return r.retry(func() error { return r.get(i * r.store.chunk) })
}

// retry a request whose error may pass.
func (r *random) retry(request func() error) error {
	for try := 1; ; try++ {
		err := request()
		var p passing
		if !errors.As(err, &p) || r.ctx.Err() != nil {
			return err
		}
		if try == tries {
			return fmt.Errorf("%w (tried %d times)", p.error, tries)
		}
		select {
		case <-time.After(pause << (try - 1)):
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

// get fetches the chunk at off.
func (r *random) get(off int64) error {
	end := min(off+r.store.chunk, r.facts.size)
	answer, err := r.ask(off, end-1)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	now := factsOf(answer)
	first, last, _, ok := contentRange(answer)
	switch answer.StatusCode {
	case http.StatusPartialContent, http.StatusOK, http.StatusRequestedRangeNotSatisfiable:
		if how := r.facts.change(now); how != "" {
			return r.store.problem("keep backups under names of their own", "%s became another file while it was read: %s",
				r.id, how)
		}
	default:
		return r.refused(answer)
	}
	if answer.StatusCode == http.StatusOK {
		return r.store.problem("", "the server answers with all of %s, not with the range that it was asked for", show(r.url))
	}
	if answer.StatusCode != http.StatusPartialContent || !ok || first != off || last != end-1 {
		return r.strange(answer)
	}
	return r.save(answer.Body, off, end-off)
}

// ask for a range, whose ends are both part of it.
func (r *random) ask(first, last int64) (*http.Response, error) {
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", first, last)}}
	if tag := r.facts.strong(); tag != "" {
		h.Set("If-Range", tag) // a server then sends all of a file that is another one
	}
	late := fmt.Errorf("not all of it came within %v", r.store.timeout)
	ctx, cancel := context.WithTimeoutCause(r.ctx, r.store.timeout, late)
	answer, err := r.store.ask(ctx, http.MethodGet, r.url, h)
	if err != nil {
		cancel()
		var problem *store.Problem
		if errors.As(err, &problem) {
			return nil, problem
		}
		return nil, passing{err}
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

// save takes n bytes of a body into the cache.
func (r *random) save(body io.Reader, off, n int64) error {
	buffer := r.buffers.Get().(*[]byte)
	defer r.buffers.Put(buffer)
	got, err := io.ReadFull(body, (*buffer)[:n])
	r.n.Add(int64(got))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return passing{r.store.problem("look at the server and what stands before it",
			"a part of %s ended after %d bytes, %d were promised", r.id, got, n)}
	case err != nil:
		return passing{err}
	}
	if _, err := r.cache.WriteAt((*buffer)[:n], off); err != nil {
		return fmt.Errorf("keep what is fetched: %w", err)
	}
	return nil
}

// refused is the error of a status; a busy server's may pass.
func (r *random) refused(answer *http.Response) error {
	err := r.store.refusal(answer, r.url)
	if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests {
		return passing{err}
	}
	return err
}

// strange is the error of a range that was not asked for.
func (r *random) strange(answer *http.Response) error {
	return r.store.problem("", "%s is answered with the range %.60q of a request for another", show(r.url),
		answer.Header.Get("Content-Range"))
}
