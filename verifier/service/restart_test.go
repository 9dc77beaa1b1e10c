package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

func TestRestart(t *testing.T) {
	var up atomic.Bool
	var restarts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	check := verifiertest.Make(t, New, "http", `{to: "app:8080", restart: true}`)
	observe := func(restart func() error) verifier.Facts {
		target := dialing(strings.TrimPrefix(server.URL, "http://"))
		target.OnRestart = func(on string) error { restarts.Add(1); assert.Equal(t, "app", on); return restart() }
		facts, err := check.Observe(t.Context(), target)
		require.NoError(t, err)
		return facts
	}
	a := check.Judge(nil, observe(func() error { return nil }))
	assert.Equal(t, record.CheckFailed, a.Status, a.Message)
	assert.Zero(t, restarts.Load(), "what does not work is not restarted")

	up.Store(true)
	a = check.Judge(nil, observe(func() error { return nil }))
	assert.Equal(t, "after a restart: GET http://app:8080/ answered 200, 0 bytes", a.Message)
	assert.EqualValues(t, 1, restarts.Load())

	a = check.Judge(nil, observe(func() error { // it takes a moment to come back
		up.Store(false)
		time.AfterFunc(700*time.Millisecond, func() { up.Store(true) })
		return nil
	}))
	assert.Equal(t, record.CheckPassed, a.Status, a.Message)

	a = check.Judge(nil, observe(func() error {
		return &instance.BootError{Instance: "app",
			Reason: "it ended by itself"}
	}))
	verifiertest.Says(t, verifier.Failed("app did not come back after a restart: boot app: it ended by itself"), a)

	target := dialing(strings.TrimPrefix(server.URL, "http://"))
	target.OnRestart = func(string) error { return errors.New("engine gone") }
	_, err := check.Observe(t.Context(), target)
	assert.EqualError(t, err, "restart app: engine gone")

	once, err := verifier.Encode("http", seen[page]{First: page{Status: 200}})
	require.NoError(t, err)
	assert.Equal(t, record.CheckCrashed, check.Judge(nil, once).Status, "the second question was never asked")
	down, err := verifier.Encode("http", seen[page]{First: page{Status: 200}, Second: &page{Error: "refused"}})
	require.NoError(t, err)
	assert.Equal(t, record.CheckFailed, check.Judge(nil, down).Status)
}

func TestSQLJudge(t *testing.T) {
	refused := verifiertest.Fake{OnDial: func(context.Context, string, int) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}}
	check := verifiertest.Make(t, New, "sql", every["sql"])
	facts, err := check.Observe(t.Context(), refused)
	require.NoError(t, err)
	a := check.Judge(nil, facts)
	assert.Equal(t, record.CheckFailed, a.Status)
	assert.Contains(t, a.Message, "db: connect: dial tcp: connection refused")
	slam := listen(t, func(c net.Conn) { _ = c.Close() })
	facts, err = check.Observe(t.Context(), dialing(slam))
	require.NoError(t, err)
	assert.Equal(t, record.CheckFailed, check.Judge(nil, facts).Status)
	quiet := listen(t, func(net.Conn) {})
	slow := verifiertest.Make(t, New, "sql", `{on: db, query: select 1, expect: "1", timeout: 100ms}`)
	facts, err = slow.Observe(t.Context(), dialing(quiet))
	require.NoError(t, err)
	assert.Contains(t, slow.Judge(nil, facts).Message, "no answer in time")
}

func TestSQLAgainstPostgres(t *testing.T) {
	t.Parallel()
	target := verifiertest.Postgres(t,
		"create table books (a int, b int, c int, d int); insert into books values (0,0,0,0);")
	for keys, want := range map[string]record.CheckStatus{
		`query: select * from books, expect: "0|0|0|0"`: "passed",
		`query: select * from books, expect: "0|0|0|1"`: "failed",
		`query: select 1, expect: "1", database: none`:  "failed",
	} {
		check := verifiertest.Make(t, New, "sql", "{on: db, password: sesame, "+keys+"}")
		facts, err := check.Observe(t.Context(), target)
		require.NoError(t, err)
		assert.Equal(t, want, check.Judge(nil, facts).Status, keys)
	}
	again := verifiertest.Make(t, New, "sql", `{on: db, password: sesame, query: select 1, expect: "1", restart: true}`)
	facts, err := again.Observe(t.Context(), target)
	require.NoError(t, err)
	verifiertest.Says(t, verifier.Passed(`after a restart: db answered "1"`), again.Judge(nil, facts))
	open := verifiertest.Make(t, New, "tcp", `{to: "db:5432"}`)
	facts, err = open.Observe(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, record.CheckPassed, open.Judge(nil, facts).Status)
}
