// Package enginetest stands before the container engine of this host and makes it behave as another one does, for tests:
// what it asks for and what it hears passes through here.
package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
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

// WithoutIPv6 is a host whose kernel was started with ipv6.disable=1: there is no such sysctl, and no such socket.
func WithoutIPv6() Way {
	var lost sync.Map // containers that do not start
	create := creating(func(body object) string {
		host := in(body, "HostConfig")
		options, _ := host["SecurityOpt"].([]any)
		for i, o := range options {
			words, _ := o.(string)
			if profile, ok := strings.CutPrefix(words, "seccomp="); ok {
				options[i] = "seccomp=" + withoutSockets(profile)
			}
		}
		return ""
	})
	return func(real http.Handler) http.Handler {
		made := create(real)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, ok := strings.CutSuffix(r.URL.Path, "/start"); ok {
				if key, dead := lost.Load(id[strings.LastIndex(id, "/")+1:]); dead {
					refuse(w, http.StatusInternalServerError, fmt.Sprintf("failed to create task for container: failed to create shim task: "+
						"OCI runtime create failed: runc create failed: unable to start container process: error during container init: "+
						"open /proc/sys/%s: no such file or directory: unknown", strings.ReplaceAll(key.(string), ".", "/")))
					return
				}
			}
			if !strings.HasSuffix(r.URL.Path, "/containers/create") {
				real.ServeHTTP(w, r)
				return
			}
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(b))
			rec := httptest.NewRecorder()
			made.ServeHTTP(rec, r)
			var body, got object
			_ = json.Unmarshal(b, &body)
			_ = json.Unmarshal(rec.Body.Bytes(), &got)
			for k := range in(in(body, "HostConfig"), "Sysctls") {
				if strings.HasPrefix(k, "net.ipv6.") {
					lost.Store(got["Id"], k)
				}
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

// withoutSockets of IPv6: EAFNOSUPPORT.
func withoutSockets(profile string) string {
	var p object
	if json.Unmarshal([]byte(profile), &p) != nil {
		return profile
	}
	all, _ := p["syscalls"].([]any)
	var rules []any
	for _, r := range all { // an allowed call cannot be refused by a second rule
		rule, _ := r.(object)
		names, _ := rule["names"].([]any)
		rule["names"] = slices.DeleteFunc(names, func(n any) bool { return n == "socket" })
		if len(rule["names"].([]any)) > 0 {
			rules = append(rules, rule)
		}
	}
	const afInet6, afNetlink, notSupported = 10, 16, 97
	socket := func(op string, domain int, action string, more object) {
		rule := object{"names": []string{"socket"}, "action": action, "args": []object{{"index": 0, "value": domain, "op": op}}}
		maps.Copy(rule, more)
		rules = append(rules, rule)
	}
	socket("SCMP_CMP_LT", afInet6, "SCMP_ACT_ALLOW", nil)
	socket("SCMP_CMP_EQ", afNetlink, "SCMP_ACT_ALLOW", nil)
	socket("SCMP_CMP_EQ", afInet6, "SCMP_ACT_ERRNO", object{"errnoRet": notSupported})
	p["syscalls"] = rules
	delete(p, "archMap") // 32-bit programs make sockets by a call whose arguments no filter sees
	b, _ := json.Marshal(p)
	return string(b)
}
