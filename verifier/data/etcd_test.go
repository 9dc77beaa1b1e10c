package data

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// cluster is a server of etcd, as its gateway answers: 7 keys below /a/ (base64 L2Ev to L2Ew), 9 in all, and one of the name /a/b.
func cluster(t *testing.T, status int, said string) verifiertest.Fake {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		asked := string(raw)
		if status != http.StatusOK {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, said)
			return
		}
		count := `,"count":"1"`
		switch {
		case strings.Contains(asked, `"key":"L2Ev"`) && strings.Contains(asked, `"range_end":"L2Ew"`):
			count = `,"count":"7"`
		case strings.Contains(asked, `"key":"AA==","range_end":"AA=="`):
			count = `,"count":"9"`
		case !strings.Contains(asked, `"key":"L2EvYg=="`):
			count = "" // none
		}
		assert.Contains(t, asked, `"count_only":true`, "no value is asked for")
		_, _ = fmt.Fprintf(w, `{"header":{"revision":"79"}%s}`, count)
	}))
	t.Cleanup(server.Close)
	return verifiertest.Fake{OnDial: func(ctx context.Context, _ string, _ int) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}}
}

func etcdCheck(t *testing.T, keys string) (verifier.Check, []scenarios.Problem) {
	t.Helper()
	s, err := scenarios.ParseSettings("etcd", "{"+keys+"}")
	require.NoError(t, err)
	return New(scenarios.CheckSpec{Kind: "etcd", Name: "keys", Settings: s}, "")
}

func TestEtcd(t *testing.T) {
	t.Parallel()
	good := cluster(t, http.StatusOK, "")
	for name, test := range map[string]struct {
		keys   string
		server verifiertest.Fake
		want   record.CheckStatus
		says   string
	}{
		"all":             {"", good, record.CheckPassed, "there are 9 keys of c, at revision 79"},
		"a prefix":        {"prefix: /a/, at_least: 7, at_most: 7", good, record.CheckPassed, "there are 7 keys"},
		"of fewer":        {"prefix: /a/, at_least: 8", good, record.CheckFailed, "fewer than 8"},
		"of more":         {"prefix: /a/, at_most: 6", good, record.CheckFailed, "more than 6"},
		"of none":         {"prefix: /b/", good, record.CheckFailed, "there is no key of /b/"},
		"a key":           {"key: /a/b, revision: 79", good, record.CheckPassed, "there is the key /a/b"},
		"no such key":     {"key: /a/c", good, record.CheckFailed, "there is no key /a/c"},
		"an old revision": {"revision: 80", good, record.CheckFailed, "is at revision 79, before 80"},
		"no leader":       {"", cluster(t, http.StatusServiceUnavailable, `{"error":"etcdserver: no leader"}`), record.CheckFailed, "etcdserver: no leader"},
		"nobody there": {"", verifiertest.Fake{OnDial: func(context.Context, string, int) (net.Conn, error) { return nil, syscall.ECONNREFUSED }},
			record.CheckFailed, "nobody answers on c"},
	} {
		c, problems := etcdCheck(t, strings.TrimSuffix("on: c, "+test.keys, ", "))
		require.Empty(t, problems, name)
		facts, err := c.Observe(t.Context(), test.server)
		require.NoError(t, err, name)
		got := c.Judge(nil, facts)
		assert.Equal(t, test.want, got.Status, "%s: %s", name, got.Message)
		assert.Contains(t, got.Message, test.says, name)
	}
	for keys, want := range map[string][]string{ // what no count sees is named
		"":                         {"expiries", "few_keys", "keys", "stale", "swapped_keys", "values"},
		"at_least: 9":              {"expiries", "few_keys", "stale", "swapped_keys", "values"},
		"revision: 79":             {"expiries", "few_keys", "keys", "swapped_keys", "values"},
		"prefix: /a/, at_least: 7": {"expiries", "few_keys", "stale", "swapped_keys", "values"},
	} {
		c, _ := etcdCheck(t, strings.TrimSuffix("on: c, "+keys, ", "))
		facts, err := c.Observe(t.Context(), good)
		require.NoError(t, err, keys)
		beside := c.Judge(nil, facts).Beside
		require.Len(t, beside, 1, keys)
		assert.Equal(t, "unlooked.etcd", beside[0].ID)
		assert.Equal(t, want, slices.Sorted(maps.Keys(beside[0].Args)), keys)
	}
	for name, server := range map[string]verifiertest.Fake{ // nobody could ask
		"a password is missing": cluster(t, http.StatusBadRequest, `{"error":"etcdserver: user name is empty"}`),
		"another server":        cluster(t, http.StatusNotFound, "404 page not found"),
		"the way is broken":     {},
	} {
		c, _ := etcdCheck(t, "on: c")
		_, err := c.Observe(t.Context(), server)
		assert.Error(t, err, name)
	}
	for keys, want := range map[string]string{
		"key: a":                   "asks an instance",
		"on: c, port: 70000":       "is not a port",
		"on: c, key: a, prefix: b": "two questions",
		"on: c, at_least: 0":       "0 keys prove nothing",
		"on: c, revision: -1":      "is no revision",
	} {
		_, problems := etcdCheck(t, keys)
		require.NotEmpty(t, problems, keys)
		assert.Contains(t, problems[0].Message, want)
	}
}
