package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store"
)

const (
	dialTime      = 10 * time.Second
	mostRedirects = 5
)

func (s *Store) newClient() *http.Client {
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout:    dialTime,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        s.timeout,
		DisableCompression:     true, // bytes as stored, and their number
		MaxResponseHeaderBytes: 64 << 10,
	}
	if !s.set.Proxy.IsZero() {
		t.Proxy = s.proxy
	}
	return &http.Client{Transport: t, CheckRedirect: s.redirect}
}

// proxy that the scenario names.
func (s *Store) proxy(*http.Request) (*url.URL, error) {
	text, err := s.set.Proxy.Reveal()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return nil, errors.New("the proxy is not an http, https or socks5 address")
	}
	if u.User != nil && !s.set.Proxy.Hidden() {
		return nil, errors.New("the proxy's password stands in the scenario")
	}
	return u, nil
}

// redirect follows within one server only: a token must not reach another, and a backup must not come from one.
func (s *Store) redirect(next *http.Request, via []*http.Request) error {
	from, to := via[0].URL, next.URL
	same := to.Scheme == from.Scheme && to.Host == from.Host
	safer := from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname()
	switch {
	case to.User != nil || !same && !safer:
		return s.problem("give the address that it leads to, if you trust it", "%s redirects to another server, %s://%s",
			show(from), to.Scheme, to.Host)
	case len(via) > mostRedirects:
		return s.problem("", "%s redirects more than %d times", show(from), mostRedirects)
	}
	return nil
}

// ask sends one request and gives the answer, whatever its status; the caller closes its body. The server has the
// timeout to begin to answer, and again for each piece of the body.
func (s *Store) ask(outer context.Context, method string, u *url.URL, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(outer)
	fail := func(err error) (*http.Response, error) {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return nil, fmt.Errorf("%s %s: %w", method, show(u), err)
	}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return fail(errors.New("not an address"))
	}
	for name, secret := range s.set.Header {
		value, err := secret.Reveal()
		if err != nil {
			return fail(err)
		}
		request.Header.Set(name, value)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Accept-Encoding", "identity")
	late := fmt.Errorf("no answer within %v", s.timeout)
	timer := time.AfterFunc(s.timeout, func() { cancel(late) })
	response, err := s.client.Do(request)
	timer.Stop()
	if err != nil {
		var problem *store.Problem
		if errors.As(err, &problem) {
			cancel(nil)
			return nil, problem
		}
		var of *url.Error // whose text has the whole address
		if errors.As(err, &of) {
			err = of.Err
		}
		return fail(err)
	}
	if err := s.encoded(response, u); err != nil {
		cancel(nil)
		response.Body.Close()
		return nil, err
	}
	response.Body = &body{ReadCloser: response.Body, ctx: ctx, cancel: cancel, timeout: s.timeout}
	return response, nil
}

// encoded refuses bytes that are packed for the way: they are not those of the backup.
func (s *Store) encoded(r *http.Response, u *url.URL) error {
	encoding := r.Header.Get("Content-Encoding")
	packed := slices.ContainsFunc([]string{".gz", ".tgz", ".bz2", ".xz", ".zst", ".br", ".Z"}, func(suffix string) bool {
		return strings.HasSuffix(u.Path, suffix) // some servers call the file's own packing so
	})
	if encoding == "" || encoding == "identity" || packed {
		return nil
	}
	return s.problem("switch compression off there", "%s is sent with Content-Encoding %s although nobody asked for it",
		show(u), encoding)
}

// body of an answer that has to go on.
type body struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timeout time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	late := fmt.Errorf("nothing came for %v", b.timeout)
	timer := time.AfterFunc(b.timeout, func() { b.cancel(late) })
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	if cause := context.Cause(b.ctx); err != nil && !errors.Is(err, io.EOF) && cause != nil {
		err = cause
	}
	return n, err
}

// Close ends the request, also one of which much is still to come.
func (b *body) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// refusal is the error of an answer that has another status than it should.
func (s *Store) refusal(r *http.Response, u *url.URL) error {
	hint := ""
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: %s is answered with %s", store.ErrNoPoint, show(u), status(r))
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = "give what opens it under header: {Authorization: {env: NAME}}"
	case http.StatusProxyAuthRequired:
		hint = "give the proxy's address with user and password as {env: NAME}"
	}
	return s.problem(hint, "%s is answered with %s", show(u), status(r))
}

// status in the words of the standard, never in the server's.
func status(r *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)))
}

func hintOf(err error) string {
	var p *store.Problem
	if errors.As(err, &p) {
		return p.Hint
	}
	return ""
}

func reasonOf(err error) string {
	var p *store.Problem
	if errors.As(err, &p) {
		return p.Reason
	}
	return err.Error()
}
