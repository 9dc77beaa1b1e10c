// Package enginetest stands before the container engine of this host and makes it behave as another one does, for tests:
// what it asks for and what it hears passes through here.
package enginetest

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// Way is one thing in which the engine is another one.
type Way func(real http.Handler) http.Handler

// Engine is the other engine.
type Engine struct {
	Host string // unix://…, for DOCKER_HOST

	mu    sync.Mutex
	asked []string
}

// Before starts a proxy before the engine at a unix socket, until the test ends. The first way hears a request first.
func Before(t testing.TB, host string, ways ...Way) *Engine {
	t.Helper()
	socket, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		socket = strings.TrimPrefix(client.DefaultDockerHost, "unix://")
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { // a caller that left
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	var h http.Handler = proxy
	for _, w := range slices.Backward(ways) {
		h = w(h)
	}
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	e := &Engine{Host: "unix://" + path}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.asked = append(e.asked, r.Method+" "+r.URL.RequestURI())
		e.mu.Unlock()
		h.ServeHTTP(w, r)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return e
}

// Asked are all requests so far, as "METHOD path?query".
func (e *Engine) Asked() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

// Pulls are the requests that make an engine ask a registry.
func (e *Engine) Pulls() []string {
	return slices.DeleteFunc(e.Asked(), func(r string) bool {
		return !strings.Contains(r, "fromImage=") && !strings.Contains(r, "/build?") && !strings.Contains(r, "/images/pull") &&
			!strings.Contains(r, "/distribution/")
	})
}
