package service

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier/verifiertest"
)

var every = map[string]string{
	"http":  `{to: "app:8080", path: /readyz}`,
	"ports": `{on: app}`,
	"sql":   `{on: db, query: select 1, expect: "1"}`,
	"tcp":   `{to: "db:5432"}`,
}

func TestEveryKind(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) { verifiertest.NeverPasses(t, New, kind, every[kind]) })
		if kind == "ports" {
			continue // it looks at an image, which a restart does not change
		}
		t.Run(kind+" with restart", func(t *testing.T) {
			verifiertest.NeverPasses(t, New, kind, strings.TrimSuffix(every[kind], "}")+", restart: true}")
		})
	}
	for name, c := range map[string][2]string{
		"http that contains": {"http", `{url: "http://app:8080/", contains: ok, expect_headers: {Server: x}}`},
		"tcp that answers":   {"tcp", `{to: "db:25", expect: "220"}`},
		"sql compared":       {"sql", `{on: db, query: q, same: true}`},
	} {
		t.Run(name, func(t *testing.T) { verifiertest.NeverPasses(t, New, c[0], c[1]) })
	}
	_, problems := New(verifiertest.Spec(t, "rows", "{}"), "")
	assert.Len(t, problems, 1)
}

func FuzzJudge(f *testing.F) {
	f.Add("http", []byte(nil), []byte(`{"kind":"http","seen":{"first":{"status":200,"size":1}}}`))
	f.Add("tcp", []byte(nil), []byte(`{"kind":"tcp","seen":{"first":{"connected":true}}}`))
	verifiertest.Fuzz(f, New, maps.Clone(every))
}

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		kind, keys string
		want       []string
	}{
		"no port":           {"tcp", `{to: db}`, []string{`to: "db" is not an instance with a port`}},
		"no such port":      {"tcp", `{to: "db:99999"}`, []string{`to: "db:99999" has no port between 1 and 65535`}},
		"named port":        {"tcp", `{to: "db:http"}`, []string{`to: "db:http" has no port between 1 and 65535`}},
		"sends for nothing": {"tcp", `{to: "db:1", send: x}`, []string{"send: something is sent and nothing is expected"}},
		"to and url":        {"http", `{to: "a:1", url: "http://a:1/"}`, []string{"to: want exactly one of to and url"}},
		"neither":           {"http", `{path: /}`, []string{"to: want exactly one of to and url"}},
		"path beside url":   {"http", `{url: "http://a:1/x", path: /y}`, []string{"path: both url and path are given"}},
		"no http": {"http", `{url: "ftp://a/x"}`,
			[]string{`url: "ftp://a/x" is not an http address of an instance`}},
		"password in url": {"http", `{url: "http://u:p@a/x"}`,
			[]string{`url: "http://u:p@a/x" is not an http address of an instance`}},
		"no status":        {"http", `{to: "a:1", status: 20}`, []string{"status: 20 is not a status"}},
		"matches anything": {"http", `{to: "a:1", matches: "x*"}`, []string{"matches: it also matches an empty answer"}},
		"header of ours": {"http", `{to: "a:1", headers: {content-length: "3"}}`,
			[]string{"headers: content-length is not sent as it is written here"}},
		"sql of nothing": {"sql", `{on: db}`, []string{"sql expects nothing", "query: sql asks nothing"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, verifiertest.Problems(t, New, c.kind, c.keys)) })
	}
}

// dialing is a target whose every port leads to one address.
func dialing(address string) verifiertest.Fake {
	return verifiertest.Fake{OnDial: func(ctx context.Context, _ string, _ int) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
}

// listen serves every connection with a function and says where.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestTCP(t *testing.T) {
	quiet := listen(t, func(net.Conn) {})
	slam := listen(t, func(c net.Conn) { _ = c.Close() })
	banner := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail")
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(c, " ready\r\n")
	})
	echo := listen(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	for name, c := range map[string]struct {
		keys, address string
		status        record.CheckStatus
		says          string
	}{
		"waits for us":      {"", quiet, "passed", "db:5432 takes connections"},
		"greets":            {"", banner, "passed", "db:5432 takes connections"},
		"closes at once":    {"", slam, "failed", "db:5432 took a connection and closed it at once: EOF"},
		"closed":            {"", closed(t), "failed", "connection refused"},
		"expected greeting": {", expect: mail ready", banner, "passed", `db:5432 answered with "mail ready"`},
		"another greeting": {", expect: '250', timeout: 300ms", banner, "failed",
			`db:5432 answered "220 mail ready", without "250": no such answer within 300ms`},
		"no greeting": {", expect: '220', timeout: 300ms", quiet, "failed",
			`answered "", without "220": no such answer within 300ms`},
		"no answer, closed": {", expect: '220'", slam, "failed", `answered "", without "220": EOF`},
		"answers":           {`, send: "PING\r\n", expect: PING`, echo, "passed", `answered with "PING"`},
		"answers with other": {`, send: "PING\r\n", expect: PONG, timeout: 300ms`, echo, "failed",
			`answered "PING", without "PONG"`},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, New, "tcp", `{to: "db:5432"`+c.keys+"}")
			facts, err := check.Observe(t.Context(), dialing(c.address))
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.says)
		})
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/readyz":
			w.Header().Set("X-Version", "1.4.2")
			fmt.Fprintf(w, "ready %s %s", r.Host, r.Header.Get("Authorization"))
		case "/away":
			http.Redirect(w, r, "http://outside.example/", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		case "/empty":
		case "/echo":
			_, _ = io.Copy(w, r.Body)
		default:
			http.Error(w, "we are down", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	up := strings.TrimPrefix(server.URL, "http://")
	noise := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0\r\n"); _ = c.Close() })
	for name, c := range map[string]struct {
		keys, address string
		status        record.CheckStatus
		says          string
	}{
		"ready":    {"path: /readyz", up, "passed", "GET http://app:8080/readyz answered 200, 15 bytes"},
		"contains": {"path: /readyz, contains: app:8080", up, "passed", ""},
		"contains not": {"path: /readyz, contains: nothing", up, "failed",
			`answered 200 without "nothing": ready app:8080`},
		"matches":     {`path: /readyz, matches: "^ready"`, up, "passed", ""},
		"matches not": {`path: /readyz, matches: "^down"`, up, "failed", `which "^down" does not match`},
		"header":      {"path: /readyz, expect_headers: {x-version: '1.4'}", up, "passed", ""},
		"another header": {"path: /readyz, expect_headers: {X-Version: '1.5'}", up, "failed",
			`answered with X-Version: "1.4.2", without "1.5"`},
		"no header": {"path: /readyz, expect_headers: {X-None: ''}", up, "failed",
			`answered with X-None: "", without ""`},
		"down":              {"path: /x", up, "failed", "GET http://app:8080/x answered 503, not 200: we are down"},
		"down as wanted":    {"path: /x, status: 503", up, "passed", ""},
		"not followed":      {"path: /away", up, "failed", "answered 302, not 200"},
		"slow":              {"path: /slow, timeout: 200ms", up, "failed", "no answer within 200ms"},
		"broken off":        {"path: /cut", up, "failed", "the answer broke off"},
		"empty, contains":   {"path: /empty, contains: x", up, "failed", "without"},
		"sent":              {"path: /echo, method: POST, body: abc, contains: abc", up, "passed", "POST"},
		"of a virtual host": {"path: /readyz, headers: {host: shop.example}, contains: ready shop.example", up, "passed", ""},
		"of another host":   {"path: /readyz, headers: {Host: other.example}, contains: shop.example", up, "failed", "without"},
		"nobody listens":    {"path: /", closed(t), "failed", "connection refused"},
		"no http":           {"path: /", noise, "failed", "malformed HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
			check := verifiertest.Make(t, New, "http", `{to: "app:8080", `+c.keys+"}")
			facts, err := check.Observe(t.Context(), dialing(c.address))
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.says)
		})
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	defer secure.Close()
	check := verifiertest.Make(t, New, "http", `{url: "https://app/x", contains: ok}`)
	facts, err := check.Observe(t.Context(), dialing(strings.TrimPrefix(secure.URL, "https://")))
	require.NoError(t, err)
	assert.Equal(t, record.CheckPassed, check.Judge(nil, facts).Status)
	var site string // in the handshake: a server of several sites needs it there, too
	secure.TLS.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		site = h.ServerName
		return nil, nil
	}
	check = verifiertest.Make(t, New, "http", `{url: "https://app/x", headers: {Host: "shop.example:443"}}`)
	_, err = check.Observe(t.Context(), dialing(strings.TrimPrefix(secure.URL, "https://")))
	require.NoError(t, err)
	assert.Equal(t, "shop.example", site)
}

func TestAbortedOrBrokenHarnessIsNoAnswer(t *testing.T) {
	hang := verifiertest.Fake{OnDial: func(ctx context.Context, _ string, _ int) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for kind, keys := range every {
		t.Run(kind, func(t *testing.T) {
			check := verifiertest.Make(t, New, kind, keys)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := check.Observe(ctx, hang)
			assert.Error(t, err)
		})
	}
}
