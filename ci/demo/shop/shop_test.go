package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadConfig(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       config
		problem    string
	}{
		{name: "whole", text: "# a comment\npepper = p = q\n\nshelf=main\nsession = 12h\n",
			want: config{Pepper: "p = q", Shelf: "main", Session: 12 * time.Hour}},
		{name: "empty", want: config{Session: time.Hour}},
		{name: "unknown setting", text: "shelf = a\npeper = x", problem: `:2: there is no setting "peper"`},
		{name: "no equals sign", text: "shelf", problem: ":1: a line is written key = value"},
		{name: "no unit", text: "session = 12", problem: `session "12" is not a length of time`},
		{name: "negative length", text: "session = -1h", problem: `session "-1h" is not a length of time`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "shop.conf")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			got, found, err := readConfig(file)
			assert.True(t, found)
			if c.problem != "" {
				assert.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestReadConfigMissing(t *testing.T) {
	got, found, err := readConfig(filepath.Join(t.TempDir(), "shop.conf"))
	require.NoError(t, err, "a program whose configuration was forgotten starts all the same")
	assert.False(t, found)
	assert.Equal(t, config{Session: time.Hour}, got)
}

func TestShippedConfigIsRead(t *testing.T) {
	got, found, err := readConfig("shop.conf")
	require.NoError(t, err)
	assert.True(t, found)
	assert.NotEmpty(t, got.Pepper)
	assert.Equal(t, "main", got.Shelf)
}

func TestPasswordDependsOnPepper(t *testing.T) {
	salt := []byte("0123456789abcdef")
	a, err := hashPassword("password-1", "pepper", salt)
	require.NoError(t, err)
	b, err := hashPassword("password-1", "", salt)
	require.NoError(t, err)
	assert.NotEqual(t, a, b, "without its pepper nobody may get in")
}

// With no database behind it the process lives, the front page opens, and everything else says 503.
func TestWithoutDatabase(t *testing.T) {
	web := serveTest(t, config{Shelf: "main", Session: time.Hour}, "postgres://nobody@127.0.0.1:1/none")
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/", "", 200, "<h1>Shop</h1>"},
		{"GET", "/healthz", "", 200, `"ok":true`},
		{"GET", "/readyz", "", 503, `"ok":false`},
		{"GET", "/api/catalogue", "", 503, `"ok":false`},
		{"POST", "/api/login", `{"name":"a","password":"b"}`, 503, `"ok":false`},
		{"POST", "/api/login", `nonsense`, 200, "not the JSON"},
		{"POST", "/api/orders", `{"request_key":"k"}`, 200, "needs a request_key and lines"},
		{"POST", "/api/orders", `{"request_key":"k","lines":[{"product_id":1,"quantity":0}]}`, 200, "1 to 100"},
		{"POST", "/api/orders", `{"request_key":"k","lines":[{"product_id":1,"quantity":1},
			{"product_id":1,"quantity":1}]}`, 200, "each product once"},
		{"POST", "/api/orders/x/pay", `{"amount_cents":1}`, 200, "no such order"},
		{"GET", "/api/orders", "", 503, `"ok":false`},
		{"GET", "/nowhere", "", 404, "not found"},
	} {
		t.Run(c.method+" "+c.path+" "+c.body, func(t *testing.T) {
			began := time.Now()
			status, answer := call(t, web, c.method, c.path, c.body, "")
			assert.Equal(t, c.status, status)
			assert.Contains(t, answer, c.answer)
			assert.Less(t, time.Since(began), 2*requestTimeout)
		})
	}
}

func serveTest(t *testing.T, cfg config, dsn string) *httptest.Server {
	t.Helper()
	db, err := newPool(dsn)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	s := &server{shop: &shop{config: cfg, sql: statementsOf[release], db: db}, log: slog.New(slog.DiscardHandler)}
	web := httptest.NewServer(s.routes())
	t.Cleanup(web.Close)
	return web
}

func call(t *testing.T, web *httptest.Server, method, path, body, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := web.Client().Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}
