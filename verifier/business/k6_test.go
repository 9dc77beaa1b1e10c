package business

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
	"lifeboat/verifier"
)

// here runs programs as children of the test.
type here struct{ root string }

func (h here) Run(_ context.Context, p instance.Program) (instance.Process, error) {
	root := filepath.Join(h.root, p.Name)
	for name, content := range p.Files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return nil, err
		}
	}
	c := exec.Command(p.Binary, p.Args...)
	c.Dir, c.Stdout, c.Stderr = filepath.Join(root, p.Dir), p.Stdout, p.Stderr
	for k, v := range p.Env {
		c.Env = append(c.Env, k+"="+v)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.Stdin != nil {
		in, err := c.StdinPipe()
		if err != nil {
			return nil, err
		}
		go func() { _, _ = io.Copy(in, p.Stdin) }()
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	child := &child{c: c, done: make(chan struct{})}
	go func() { child.err = c.Wait(); close(child.done) }()
	return child, nil
}

type child struct {
	c    *exec.Cmd
	done chan struct{}
	err  error
}

func (c *child) Wait(context.Context) (int, error) {
	<-c.done
	var exit *exec.ExitError
	if c.err != nil && !errors.As(c.err, &exit) {
		return 0, c.err
	}
	return c.c.ProcessState.ExitCode(), nil
}

func (c *child) Stop(context.Context, time.Duration) error {
	_ = c.c.Process.Signal(syscall.SIGTERM)
	<-c.done
	return nil
}

// beats is a pulse of a flow of the sidecar's tests against a server, and what it told.
type beats struct {
	verifier.Pulse
	mu  sync.Mutex
	all []verifier.Sample
}

// runnerOf runs a flow, given by its text, beside the test.
func runnerOf(t *testing.T, text []byte) (r *Runner, dir, path string) {
	t.Helper()
	k6, err := filepath.Abs("../../bin/lifeboat-k6")
	require.NoError(t, err)
	if _, err := os.Stat(k6); err != nil {
		needs.Skip(t, "make build makes the sidecar:", err)
	}
	dir = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "flow"), 0o700))
	path = filepath.Join(dir, "flow", "flow.js")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	r, err = New(here{dir}, k6, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return r, dir, path
}

func pulseOf(t *testing.T, script string, pace record.Pace, server string, down ...bool) *beats {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../cmd/lifeboat-k6/testdata/flows", script))
	require.NoError(t, err)
	r, dir, path := runnerOf(t, raw)
	b := &beats{}
	b.Pulse, err = r.Pulse(t.Context(), verifier.PulseRequest{Script: path, Pace: pace, Down: len(down) > 0, Base: time.Now(),
		Raw: filepath.Join(dir, "pulse.ndjson"), Env: map[string]string{"BASE_URL": server}, Sample: func(s verifier.Sample) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.all = append(b.all, s)
		}})
	require.NoError(t, err)
	return b
}

// until waits for so many more samples that are so.
func (b *beats) until(t *testing.T, n int, is func(verifier.Sample) bool) {
	t.Helper()
	b.mu.Lock()
	from := len(b.all)
	b.mu.Unlock()
	assert.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		seen := 0
		for _, s := range b.all[from:] {
			if is(s) {
				seen++
			}
		}
		return seen >= n
	}, 30*time.Second, 20*time.Millisecond)
}

// Two users ask at once, and share the iterations.
func TestTwoUsersAtOnce(t *testing.T) {
	t.Parallel()
	var inside atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if inside.Add(1) > 1 {
			w.WriteHeader(http.StatusConflict)
		}
		time.Sleep(100 * time.Millisecond)
		inside.Add(-1)
	}))
	defer server.Close()
	r, _, path := runnerOf(t, []byte(`import http from 'k6/http';
import { check } from 'k6';
export default function () { check(http.get(__ENV.BASE_URL), { 'nobody else asks': (r) => r.status === 200 }); }
`))
	for users, alone := range map[int]bool{0: true, 1: true, 2: false} {
		res, err := r.Run(t.Context(), verifier.FlowRequest{Script: path, Users: users, Iterations: 4,
			Env: map[string]string{"BASE_URL": server.URL}})
		require.NoError(t, err)
		assert.Equal(t, 4, res.Iterations, "%d users: %+v", users, res)
		assert.Equal(t, alone, res.Good == 4, "%d users: %+v", users, res)
	}
}

// A flow that aborts its test where something is wrong (as expect() does) ends k6 with it; the pulse goes on.
func TestPulseOfAFlowThatAborts(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	b := pulseOf(t, "expects.js", record.Pace{Every: 100 * time.Millisecond, Timeout: time.Second, Request: time.Second}, server.URL)
	good := func(s verifier.Sample) bool { return s.OK && !s.Setup }
	bad := func(s verifier.Sample) bool { return !s.OK && s.Answered }
	b.until(t, 3, good)
	down.Store(true)
	b.until(t, 2, bad)
	down.Store(false)
	b.until(t, 3, good)
	assert.NoError(t, b.Stop(t.Context()))
}

// The pulse rests when it is told to, and makes its session anew.
func TestPulseObeys(t *testing.T) {
	t.Parallel()
	var asked, logins, known atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/login" {
			_, _ = io.WriteString(w, string(rune('a'+logins.Add(1))))
		} else if r.FormValue("token") <= string(rune('a'+known.Load())) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	b := pulseOf(t, "session.js", record.Pace{Rate: 20, Timeout: time.Second, Request: time.Second}, server.URL)
	good := func(s verifier.Sample) bool { return s.OK && !s.Setup && s.Dropped == 0 }
	b.until(t, 3, good)
	require.NoError(t, b.Rest(t.Context()))
	before := asked.Load()
	time.Sleep(500 * time.Millisecond)
	assert.Equal(t, before, asked.Load(), "nobody asks at rest")
	known.Store(1) // the system forgets the session
	b.GoOn()
	b.until(t, 2, func(s verifier.Sample) bool { return !s.OK && s.Answered })
	b.Renew()
	b.until(t, 3, good)
	assert.NoError(t, b.Stop(t.Context()))
	assert.Equal(t, int64(2), logins.Load())
}

// A flow that takes another's place may begin while what it asks is down: that its setup() throws is no end of the pulse.
func TestPulseThatBeginsWhileDown(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	b := pulseOf(t, "session.js", record.Pace{Rate: 20, Timeout: time.Second, Request: time.Second}, server.URL, true)
	b.until(t, 1, func(s verifier.Sample) bool { return !s.OK && strings.Contains(s.Error, "setup: ") })
	up.Store(true)
	b.until(t, 3, func(s verifier.Sample) bool { return s.OK && !s.Setup })
	assert.NoError(t, b.Stop(t.Context()))
}
