package http

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lifeboat/drills/store"
	"lifeboat/drills/store/remote"
)

const mostRedirects = 5

func (s *Store) newClient(redirect func(*http.Request, []*http.Request) error) *http.Client {
	t := remote.NewTransport(s.timeout, connections)
	if !s.set.Proxy.IsZero() {
		t.Proxy = s.proxy
	}
	return &http.Client{Transport: t, CheckRedirect: redirect}
}

// proxy that the scenario names.
func (s *Store) proxy(*http.Request) (*url.URL, error) { return remote.Proxy(s.set.Proxy) }

// redirect follows within one server only: a token must not reach another, and a backup must not come from one.
func (s *Store) redirect(next *http.Request, via []*http.Request) error {
	from, to := via[0].URL, next.URL
	same := to.Scheme == from.Scheme && to.Host == from.Host
	safer := from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname()
	switch {
	case to.User != nil || !same && !safer:
		return s.problem("give the address that it leads to, if you trust it", "%s redirects to another server, %s://%s",
			s.show(from), to.Scheme, to.Host)
	case len(via) > mostRedirects:
		return s.problem("", "%s redirects more than %d times", s.show(from), mostRedirects)
	}
	return nil
}

// ask sends one request and gives the answer, whatever its status; the caller closes its body. The server has the
// timeout to begin to answer, and again for each piece of the body.
func (s *Store) ask(ctx context.Context, method string, u *url.URL, header http.Header) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("%s %s: %w", method, s.show(u), err)
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
	maps.Copy(request.Header, header)
	request.Header.Set("Accept-Encoding", "identity")
	response, err := s.client.Do(request)
	if err != nil {
		if problem, ok := errors.AsType[*store.Problem](err); ok {
			return nil, problem
		}
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err
		}
		return fail(err)
	}
	if err := s.encoded(response, u); err != nil {
		response.Body.Close()
		return nil, err
	}
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
		s.show(u), encoding)
}

// refusal is the error of an answer that has another status than it should.
func (s *Store) refusal(r *http.Response, u *url.URL) error {
	hint := ""
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: %s is answered with %s", store.ErrNoPoint, s.show(u), status(r))
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = "give what opens it under header: {Authorization: {env: NAME}}"
	case http.StatusProxyAuthRequired:
		hint = "give the proxy's address with user and password as {env: NAME}"
	}
	return s.problem(hint, "%s is answered with %s", s.show(u), status(r))
}

// status in the words of the standard, never in the server's.
func status(r *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)))
}

func hintOf(err error) string {
	if p, ok := errors.AsType[*store.Problem](err); ok {
		return p.Hint
	}
	return ""
}

func reasonOf(err error) string {
	if p, ok := errors.AsType[*store.Problem](err); ok {
		return p.Reason
	}
	return err.Error()
}
