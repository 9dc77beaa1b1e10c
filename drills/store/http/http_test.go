package http

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
	"lifeboat/scenarios"
)

// secret stands in addresses and headers of tests, and must never stand in an error.
const secret = "s3cr3t"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is a web server that can be made to misbehave.
type site struct {
	*httptest.Server
	tags bool // send ETags

	mu     sync.Mutex
	files  map[string]page
	asked  []string // each request: method, path, and range if any
	before http.HandlerFunc
}

type page struct {
	content []byte
	written time.Time
	tag     string
}

func newSite(t *testing.T) *site {
	s := &site{tags: true, files: map[string]page{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// put a file there, at noon unless told otherwise.
func (s *site) put(path string, content []byte, written time.Time) {
	if written.IsZero() {
		written = noon
	}
	p := page{content, written, fmt.Sprintf(`"%.16s"`, storetest.Sum(content)[len("sha256:"):])}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = p
}

// answered tells a handler of before that nothing more is to be said.
type answered struct{}

// first lets a handler answer before the site does, if it wants to; it says so by calling done.
func (s *site) first(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = h
}

func done() { panic(answered{}) }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if e := recover(); e != nil && e != (answered{}) {
			panic(e)
		}
	}()
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(w, r)
	}
	s.mu.Lock()
	p, ok := s.files[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	if s.tags {
		w.Header().Set("ETag", p.tag)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", p.written, bytes.NewReader(p.content))
}

// requests so far that begin with a text.
func (s *site) requests(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.HasPrefix(a, prefix) {
			n++
		}
	}
	return n
}

// open the store of an address on the site.
func (s *site) open(t testing.TB, path, settings string) *Store {
	t.Helper()
	return openStore(t, "url: "+s.URL+path+"\n"+settings)
}

func openStore(t testing.TB, settings string) *Store {
	t.Helper()
	parsed, err := scenarios.ParseSettings("http", settings)
	require.NoError(t, err)
	st, problems := New(store.Site{}, parsed)
	require.Empty(t, problems)
	return st.(*Store)
}

// harness of the conformance suites: one backup by its own address, several by their list.
func harness(tags bool) storetest.Harness {
	return storetest.Harness{New: func(t *testing.T, backups ...storetest.Backup) store.Store {
		s := newSite(t)
		s.tags = tags
		sums := ""
		for _, b := range backups {
			s.put("/backups of today/"+b.ID, b.Content, b.Written)
			if b.Digest == "" && len(backups) > 1 {
				b.Digest = storetest.Sum(b.Content)
			}
			if b.Digest != "" {
				sums += strings.TrimPrefix(b.Digest, "sha256:") + "  " + b.ID + "\n"
			}
		}
		if sums != "" || len(backups) == 0 {
			s.put("/backups of today/SHA256SUMS", []byte(sums), noon)
		}
		if len(backups) == 1 {
			return s.open(t, "/backups%20of%20today/"+backups[0].ID, "")
		}
		return s.open(t, "/backups%20of%20today/SHA256SUMS", "")
	}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("with ETags", func(t *testing.T) { storetest.Run(t, harness(true)) })
	t.Run("without", func(t *testing.T) { storetest.Run(t, harness(false)) })
}

func TestRandom(t *testing.T) {
	t.Parallel()
	t.Run("with ETags", func(t *testing.T) { storetest.RunRandom(t, harness(true)) })
	t.Run("without", func(t *testing.T) { storetest.RunRandom(t, harness(false)) })
}

func TestNewProblems(t *testing.T) {
	t.Setenv("BACKUP_PROXY", "http://me:"+secret+"@proxy:3128")
	const url = "url: http://x/disk.img\n"
	for text, want := range map[string]string{
		"timeout: 5s":                                "url: is missing",
		"url: disk.img":                              "url: not an http or https address",
		"url: file:///disk.img":                      "url: not an http or https address",
		"url: 'http://x/a\tb'":                       "url: not an http or https address",
		"url: http://x/folder/":                      "url: the address is a folder's (name one file",
		"url: http://x":                              "url: the address is a folder's",
		"url: http://me:" + secret + "@x/d.img":      "(delete it and add header: {Authorization: {env: NAME}}",
		url + "pattern: '['":                         "pattern: is not a pattern",
		url + "sums: some":                           `sums: "some" is not understood`,
		url + "timeout: 0s":                          "timeout: cannot be 0s",
		url + "other: 1":                             "other",
		url + "header: {Range: x}":                   `header: "Range" cannot be set`,
		url + "header: {accept-encoding: x}":         "cannot be set",
		url + "header: {'X Y': x}":                   "cannot be set",
		url + "proxy: nowhere":                       "proxy: the proxy is not an http",
		url + "proxy: 'http://a:" + secret + "@p:1'": "proxy: the proxy's password stands in the scenario",
		url + "proxy: {env: BACKUP_PROXY}":           "",
		"url: {env: NOT_SET}":                        "", // not read yet
	} {
		settings, err := scenarios.ParseSettings("http", text)
		require.NoError(t, err)
		_, problems := New(store.Site{}, settings)
		if want == "" {
			assert.Empty(t, problems, text)
			continue
		}
		if assert.Len(t, problems, 1, text) {
			assert.Contains(t, problems[0].Error(), want)
			assert.NotContains(t, problems[0].Error(), secret)
		}
	}
}

// A value that cannot be read hides no other problem.
func TestNewProblemsAtOnce(t *testing.T) {
	settings, err := scenarios.ParseSettings("http", "url: x\npattern: '['\nsums: 1\ntimeout: 30\nunknown: 1")
	require.NoError(t, err)
	_, problems := New(store.Site{}, settings)
	said := scenarios.Problems(problems).Error()
	for _, want := range []string{`url: not an http`, `pattern: is not`, `sums: want text`, `timeout: 30 has no unit`, `unknown key`} {
		assert.Contains(t, said, want)
	}
	assert.Len(t, problems, 5, said)
}

// check that an error is a problem of the store, says so, and keeps secrets.
func problem(t *testing.T, err error, want string) {
	t.Helper()
	var p *store.Problem
	require.ErrorAs(t, err, &p)
	assert.ErrorContains(t, err, want)
	assert.NotContains(t, err.Error(), secret)
}
