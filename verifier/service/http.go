package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// httpKeys of the scenario.
type httpKeys struct {
	To   string `yaml:"to"`   // instance:port; with path
	Path string `yaml:"path"` // default /
	URL  string `yaml:"url"`  // instead of to and path; https: the certificate is not judged, but for:
	// a host name: the certificate must be for it, and valid today. Who signed it is not judged
	Certificate string                      `yaml:"certificate"`
	Method      string                      `yaml:"method"`         // default GET
	Headers     map[string]scenarios.Secret `yaml:"headers"`        // sent with the request
	Body        string                      `yaml:"body"`           // to send
	Status      int                         `yaml:"status"`         // default 200
	Contains    string                      `yaml:"contains"`       // in the answer's body
	Matches     string                      `yaml:"matches"`        // regular expression (RE2) over it
	Expect      map[string]string           `yaml:"expect_headers"` // each holds this text
	Timeout     scenarios.Duration          `yaml:"timeout"`        // default 10s
	Restart     bool                        `yaml:"restart"`        // restart the instance and ask again
}

// web asks for one page. Redirections are answers, not followed.
type web struct {
	verifier.Asked
	keys    httpKeys
	port    int
	pattern *regexp.Regexp
	q       question[page]
}

// page is one answer. The body is not kept: it may hold anything.
type page struct {
	Status   int               `json:"status,omitempty"`
	Size     int               `json:"size"`
	Contains bool              `json:"contains,omitempty"`
	Matches  bool              `json:"matches,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"` // those that something is expected of
	Start    string            `json:"start,omitempty"`   // of the body, for the message
	Error    string            `json:"error,omitempty"`
	Shown    *certificate      `json:"certificate,omitempty"`
	Silent   bool              `json:"silent,omitempty"` // it was asked, and there was no answer in time
}

func newHTTP(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c := &web{keys: httpKeys{Method: http.MethodGet, Status: http.StatusOK}}
	s := spec.Settings
	problems := s.Decode(&c.keys)
	k := &c.keys
	k.Timeout = cmp.Or(k.Timeout, scenarios.Duration(10*time.Second))
	if (k.To == "") == (k.URL == "") {
		problems = append(problems, s.Problem("to", "to: app:8080 with path: /, or url: http://app:8080/",
			"want exactly one of to and url"))
	}
	if k.URL != "" && k.Path != "" {
		problems = append(problems, s.Problem("path", "the path is part of url", "both url and path are given"))
	}
	if k.URL == "" {
		k.URL = "http://" + k.To + "/" + strings.TrimPrefix(k.Path, "/")
	}
	on, port, err := host(k.URL)
	if err != nil && len(problems) == 0 {
		problems = append(problems, s.Problem("url", "url: http://app:8080/healthz", "%v", err))
	}
	if k.Status < 100 || k.Status > 599 {
		problems = append(problems, s.Problem("status", "such as status: 200", "%d is not a status", k.Status))
	}
	if k.Matches != "" {
		if c.pattern, err = regexp.Compile(k.Matches); err != nil {
			problems = append(problems, s.Problem("matches", "", "%v", err))
		} else if c.pattern.MatchString("") {
			problems = append(problems, s.Problem("matches", "anchor it, such as ^ok$", "it also matches an empty answer"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Headers)) {
		if slices.Contains(unsent, http.CanonicalHeaderKey(name)) {
			problems = append(problems, s.Problem("headers", "delete it: it follows from the body and the connection",
				"%s is not sent as it is written here", name))
		}
	}
	if k.Certificate != "" && !strings.HasPrefix(k.URL, "https:") {
		problems = append(problems, s.Problem("certificate", "url: https://app:8443/", "there is none without https"))
	}
	c.port, c.Asked = port, verifier.AskedOf(spec.Name, on)
	c.q = question[page]{on: on, restart: k.Restart, ask: c.get, judge: c.judge}
	return c, problems
}

// unsent are headers that net/http makes by itself, whatever was set.
var unsent = []string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection"}

// host is the instance and port of an address.
func host(text string) (string, int, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return "", 0, fmt.Errorf("%q is not an http address of an instance", text)
	}
	if u.Port() == "" {
		u.Host += map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	}
	return target(u.Host)
}

// Observe implements verifier.Check.
func (c *web) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	s, err := c.q.observe(ctx, t)
	if err != nil {
		return nil, err
	}
	return verifier.Encode("http", s)
}

// Control implements verifier.Controlled.
func (c *web) Control(ctx context.Context, t verifier.Target, _ decoy.Kind) (verifier.Answer, error) {
	seen, err := c.get(ctx, t)
	if err != nil {
		return verifier.Answer{}, err
	}
	return c.judge(nil, seen), nil
}

// Restarts tells the engine that the business will be down for a moment.
func (c *web) Restarts() bool { return c.q.restart }

// Judge implements verifier.Check.
func (c *web) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("http", before, after, c.q.answer)
}

const mostBody = 4 << 20

func (c *web) get(outer context.Context, t verifier.Target) (page, error) {
	ctx, cancel := context.WithTimeout(outer, c.keys.Timeout.Std())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, c.keys.Method, c.keys.URL, strings.NewReader(c.keys.Body))
	if err != nil {
		return page{}, fmt.Errorf("ask %s: %w", c.keys.URL, err)
	}
	for name, value := range c.keys.Headers {
		text, err := value.Reveal()
		if err != nil {
			return page{}, err
		}
		if request.Header.Set(name, text); http.CanonicalHeaderKey(name) == "Host" {
			request.Host = text // net/http sends this one, and ignores the header
		}
	}
	var way way
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true,
			// A copy cannot hold production's certificate; which site is meant is said in the handshake, too.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: serverName(request.Host)},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := t.Dial(ctx, c.On(), c.port)
				way.tried(err)
				return conn, err
			}},
	}
	answer, err := client.Do(request)
	if err == nil {
		defer func() { _ = answer.Body.Close() }()
		return c.read(answer, outer)
	}
	if outer.Err() != nil {
		return page{}, context.Cause(outer)
	}
	if unasked := way.unasked(err); unasked != nil {
		return page{}, fmt.Errorf("connect to %s: %w", c.On(), unasked)
	}
	return page{Error: c.plain(err), Silent: errors.Is(err, context.DeadlineExceeded)}, nil
}

// way is what became of the dials of one question. The transport may give up on one before it says why.
type way struct {
	mu      sync.Mutex
	through bool
	barred  error // by lifeboat or its host
}

func (w *way) tried(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.through = w.through || err == nil
	if err != nil && !verifier.SystemFault(err) {
		w.barred = err
	}
}

// unasked is why a question that ended with an error never got to whom it was for; nil: it did.
func (w *way) unasked(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.barred == nil && !w.through && errors.Is(err, context.DeadlineExceeded) {
		return &instance.UnaskedError{What: "its port", Err: err}
	}
	return w.barred
}

// serverName is the site that a Host header names.
func serverName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func (c *web) plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", c.keys.Timeout)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

func (c *web) read(answer *http.Response, outer context.Context) (page, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	if outer.Err() != nil {
		return page{}, context.Cause(outer)
	}
	p := page{Shown: shown(answer.TLS), Status: answer.StatusCode, Size: len(body), Headers: map[string]string{},
		Contains: c.keys.Contains != "" && strings.Contains(string(body), c.keys.Contains),
		Matches:  c.pattern != nil && c.pattern.Match(body)}
	if err != nil {
		p.Error, p.Silent = fmt.Sprintf("the answer broke off: %s", c.plain(err)), errors.Is(err, context.DeadlineExceeded)
	}
	for name := range c.keys.Expect {
		p.Headers[name] = answer.Header.Get(name)
	}
	p.Start = verifier.Line(string(body[:min(len(body), 4<<10)]), 160)
	return p, nil
}

func (c *web) judge(_ *page, now page) verifier.Answer {
	at := c.keys.Method + " " + c.keys.URL
	switch {
	case now.Silent && (now.Status == 0 || now.Status == c.keys.Status):
		return verifier.Silent(c.keys.Timeout.Std(), "%s: %s", at, now.Error)
	case now.Error != "":
		return verifier.Failed("%s: %s", at, now.Error)
	case now.Status == 0:
		return verifier.Crashed("%s was not asked", at)
	case now.Status != c.keys.Status:
		return verifier.Failed("%s answered %d, not %d: %s", at, now.Status, c.keys.Status, now.Start)
	case c.keys.Contains != "" && !now.Contains:
		return verifier.Failed("%s answered %d without %q: %s", at, now.Status, c.keys.Contains, now.Start)
	case c.keys.Matches != "" && !now.Matches:
		return verifier.Failed("%s answered %d, which %q does not match: %s", at, now.Status, c.keys.Matches, now.Start)
	}
	for _, name := range slices.Sorted(maps.Keys(c.keys.Expect)) {
		if got := now.Headers[name]; got == "" || !strings.Contains(got, c.keys.Expect[name]) {
			return verifier.Failed("%s answered with %s: %q, without %q", at, name, got, c.keys.Expect[name])
		}
	}
	wrong := now.Shown.wrong(c.keys.Certificate)
	switch {
	case wrong == "":
		return verifier.Passed("%s answered %d, %d bytes", at, now.Status, now.Size)
	case c.keys.Certificate != "":
		return verifier.Failed("%s answered %d, but %s", at, now.Status, wrong)
	}
	return verifier.Passed("%s answered %d, %d bytes; %s, which is not judged (certificate: NAME does)", at, now.Status, now.Size, wrong)
}
