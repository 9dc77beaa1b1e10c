package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
)

// Whoever asks the engine a few questions hangs up afterwards: a worker asks them for every drill.
func TestQuestionsHangUp(t *testing.T) {
	var open atomic.Int32
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		answer := "[]"
		if strings.HasSuffix(r.URL.Path, "/volumes") || strings.HasSuffix(r.URL.Path, "/info") {
			answer = "{}"
		}
		_, _ = w.Write([]byte(answer))
	}))
	engine.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	engine.Start()
	defer engine.Close()
	t.Setenv("DOCKER_HOST", strings.Replace(engine.URL, "http://", "tcp://", 1))
	log, ctx := slog.New(slog.DiscardHandler), t.Context()
	for name, ask := range map[string]func() error{
		"what is left of a drill": func() error {
			_, err := remains(ctx, log, ledger.Scope{Drill: "d", Owner: ledger.Self()})
			return err
		},
		"what is left of dead drills":  func() error { _, err := strays(ctx, log, t.TempDir(), true); return err },
		"what the engine has room for": func() error { _, _, err := docker.Capacity(ctx); return err },
		"where it keeps its data":      func() error { _, err := docker.Roots(ctx); return err },
	} {
		require.NoError(t, ask(), name)
		assert.Eventually(t, func() bool { return open.Load() == 0 }, time.Minute, 5*time.Millisecond, name)
	}
}
