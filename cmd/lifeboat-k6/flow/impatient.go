package flow

import (
	"context"
	"io"
	"net/http"
	"time"

	"lifeboat-k6/stream"
)

// impatient ends requests when their own time or their iteration's is up. Without it a hanging server would hold a
// virtual user for k6's own 60 s, and the pulse would run out of users and go blind.
type impatient struct {
	next http.RoundTripper
	s    *stream.Stream
	vu   uint64
}

// RoundTrip is http.RoundTripper.
func (i *impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	i.s.Asked(req.URL.Scheme + "://" + req.URL.Host)
	at, ok := i.s.Deadline(i.vu)
	if d := i.s.Request(); d > 0 {
		if own := time.Now().Add(d); !ok || own.Before(at) {
			at, ok = own, true
		}
	}
	if !ok {
		return i.next.RoundTrip(req)
	}
	ctx, cancel := context.WithDeadline(req.Context(), at)
	resp, err := i.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

// body keeps the request's time limit until it is read.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the request.
func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
