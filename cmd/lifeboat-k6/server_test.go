package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// system is a small system under test that can be switched off, refusing connections, and on again at its address.
type system struct {
	addr          string
	srv           *http.Server
	logins, since atomic.Int64 // sessions that were made, and the latest that is not known any more
	stop          chan struct{}
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{stop: make(chan struct{})}
	t.Cleanup(func() { close(s.stop); s.off() })
	s.on(t)
	return s
}

func (s *system) on(t *testing.T) {
	t.Helper()
	addr := s.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	s.addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/fail", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { time.Sleep(300 * time.Millisecond) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { // takes the request, never answers
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.logins.Add(1)) })
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		if n, err := strconv.ParseInt(r.FormValue("token"), 10, 64); err != nil || n <= s.since.Load() {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	s.srv = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func(srv *http.Server) { _ = srv.Serve(l) }(s.srv)
}

// off refuses new connections and cuts those that are open.
func (s *system) off() { _ = s.srv.Close() }

func (s *system) env() string { return baseURL(s.addr) }
