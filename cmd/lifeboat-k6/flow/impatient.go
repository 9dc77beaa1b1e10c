package flow

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// impatient ends requests when their iteration's time is up. Without it a hanging server would hold a virtual user for
// k6's own 60 s, and the pulse would run out of users and go blind.
type impatient struct {
	next  http.RoundTripper
	limit *deadline
}

// RoundTrip is http.RoundTripper.
func (i *impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	at, ok := i.limit.get()
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

// deadline is set by the watcher and read by requests, possibly at once.
type deadline struct{ at atomic.Pointer[time.Time] }

func (d *deadline) set(t time.Time, ok bool) {
	if !ok {
		d.at.Store(nil)
		return
	}
	d.at.Store(&t)
}

func (d *deadline) get() (time.Time, bool) {
	if t := d.at.Load(); t != nil {
		return *t, true
	}
	return time.Time{}, false
}
