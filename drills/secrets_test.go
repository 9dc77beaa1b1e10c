package drills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// What only a back-end reveals is hidden as well, in every spelling.
func TestSecretsOfBackEnds(t *testing.T) {
	t.Setenv("DRILL_PASSWORD", `it's "a" secret`)
	t.Setenv("DRILL_LONGER", `it's "a" secret and more`)
	dir := t.TempDir()
	yaml := strings.Replace(simple, "restore: {kind: fake}",
		"restore: {kind: fake, password: {env: DRILL_PASSWORD}, roles: {x: {password: {env: DRILL_LONGER}}}}", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "s.yaml"), []byte(yaml), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flow.js"), []byte("export default function () {}\n"), 0o600))
	s, err := scenarios.Load(filepath.Join(dir, "s.yaml"))
	require.NoError(t, err)
	var keys struct {
		Password scenarios.Secret `yaml:"password"`
		Roles    map[string]struct {
			Password scenarios.Secret `yaml:"password"`
		} `yaml:"roles"`
	}
	require.Empty(t, s.Backups["db-backup"].Restore.Decode(&keys))
	known := secretsOf(s)
	for _, text := range []string{`it's "a" secret`, `it's \"a\" secret`, `it''s "a" secret`, "it%27s+%22a%22+secret",
		"it%27s%20%22a%22%20secret", `it's "a" secret and more`} {
		assert.Equal(t, "LINE 1: ***.", known.hide("LINE 1: "+text+"."))
	}
	short := &secrets{}
	short.add(`a\'b9`)
	seen := []any{ // wherever an event holds a text
		record.Observation{ID: "x", Args: map[string]string{"why": `a\'b9`}}, record.Booted{Facts: map[string]string{"x": `a\'b9`}},
		record.CheckResult{Message: `a\'b9`, Diff: []string{`a\'b9`}, Said: &record.Said{Args: []string{`a\'b9`}}},
		record.Verdict{Reasons: []record.Reason{{Args: map[string]string{"x": `a\'b9`}}}},
	}
	for _, e := range seen {
		raw, err := json.Marshal(short.hideEvent(e))
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "b9", "%T", e)
	}
	for _, text := range []string{`a\''b9`, `a\\''b9`, `a\\\'b9`} { // SQL in both its readings of a backslash, and libpq
		assert.Equal(t, "LINE 1: '***'", short.hide("LINE 1: '"+text+"'"))
	}
}

func TestSecretsOfAKeptStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pulse.ndjson")
	s := &secrets{}
	require.NoError(t, s.hideFile(path), "nothing to hide, nothing to read")
	s.add(`pass"word`)
	assert.Error(t, s.hideFile(path))
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":\"x pass\\\"word y\"}\n{}\nlast"), 0o600))
	require.NoError(t, s.hideFile(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "{\"a\":\"x *** y\"}\n{}\nlast", string(got))
}

// telling is a system that prints the drill's secret wherever it is asked.
type telling struct{ verifier.Check }

const flowToken = "correct-horse-battery-staple"

func (telling) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	return []byte(`"` + strings.Repeat("x", 1980) + flowToken + `"`), nil // what is kept of it ends within the secret
}

func (telling) Judge(_, _ verifier.Facts) verifier.Answer {
	return verifier.Answer{Status: record.CheckPassed}
}

// Whatever a drill leaves behind on this host, and what it says while it runs, holds no secret, and no part of one.
func TestNoSecretIsLeft(t *testing.T) {
	t.Setenv("FLOW_TOKEN", flowToken)
	var log bytes.Buffer
	w := newWorld(t)
	w.log = slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
	w.undo = func(int) error { return errors.New("psql: the password " + flowToken + " is wrong") }
	w.change = func(k *Kit) {
		made := k.Checks["data/ask"]
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
			c, problems := made(s, dir)
			return telling{c}, problems
		}
		boot := k.Instances["fake"].New
		k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
			s.Log.With("token", flowToken).Warn("signed in with "+flowToken, "error", fmt.Errorf("sign in: %s", flowToken),
				slog.Group("request", "header", flowToken))
			return boot(s)
		})
	}
	res := w.run(strings.Replace(simple, "timeout: 1s}", "timeout: 1s, env: {TOKEN: {env: FLOW_TOKEN}}}", 1))
	require.Len(t, res.Left, 1)
	part := flowToken[:12]
	assert.NotContains(t, log.String(), part)
	assert.NotContains(t, res.Left[0].Error, part)
	files, err := filepath.Glob(filepath.Join(res.Dir, "*"))
	require.NoError(t, err)
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil { // else it is a folder
			for line := range strings.Lines(string(b)) {
				if at := strings.Index(line, part); at >= 0 {
					t.Errorf("%s: %s", filepath.Base(f), line[max(0, at-60):at+len(part)])
				}
			}
		}
	}
}

// What opens a door is often only a part of what the scenario gives: a server or a flow may repeat that part alone.
func TestPartsOfSecrets(t *testing.T) {
	for plain, parts := range map[string][]string{
		"Bearer eyJhbGciOiJIUzI1NiJ9.e30":                      {"eyJhbGciOiJIUzI1NiJ9.e30"},
		"Basic YmFja3VwOmhvcnNlLWJhdHRlcnk=":                   {"YmFja3VwOmhvcnNlLWJhdHRlcnk=", "horse-battery"},
		"https://b.example.com/x?X-Amz-Signature=1a2b3c4d&v=2": {"1a2b3c4d"},
		"http://backup:horse%2Dbattery@proxy.example.com:3128": {"horse%2Dbattery", "horse-battery"},
		"postgres://app:horse-battery@db/shop?sslmode=disable": {"horse-battery"},
	} {
		s := &secrets{}
		s.add(plain)
		for _, part := range parts {
			assert.Equal(t, "it says *** twice: ***", s.hide("it says "+part+" twice: "+plain), plain)
		}
		for _, word := range []string{"backup", "proxy.example.com", "v=2", "Bearer", "shop", "disable"} {
			assert.Equal(t, word, s.hide(word), "words are no secrets")
		}
	}
}

// What refuses a drill, what is wrong with its scenario and what would be done tell no secret either.
func TestNoSecretBeforeADrill(t *testing.T) {
	t.Setenv("STORE", flowToken)
	dir := t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(simple, "store: {kind: fake}",
		"store: {kind: telling, header: {X: {env: STORE}}}", 1)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flow.js"), []byte("export default function () {}\n"), 0o600))
	says := errors.New("401: " + flowToken + " is wrong")
	for name, arrange := range map[string]func(*world, *Kit){
		"the host": func(w *world, _ *Kit) { w.machine.NotReady = says },
		"the store": func(_ *world, k *Kit) {
			k.Stores["telling"] = func(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
				return listing{err: says}, s.Decode(&gossipingKeys{})
			}
		},
		"the restore point": func(_ *world, k *Kit) {
			k.Stores["telling"] = func(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
				return listing{id: "dump?token=" + flowToken}, s.Decode(&gossipingKeys{})
			}
		},
		"the scenario": func(_ *world, k *Kit) {
			k.Stores["telling"] = func(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
				return fakeStore{}, append(s.Decode(&gossipingKeys{}), scenarios.Problem{Message: says.Error()})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.kit()
			k.Stores["telling"] = func(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
				return fakeStore{}, s.Decode(&gossipingKeys{})
			}
			arrange(w, &k)
			s, err := scenarios.Load(file)
			require.NoError(t, err)
			text := ""
			if p, err := NewPlan(t.Context(), k, s); err != nil {
				text = err.Error()
			} else {
				text = p.Outline().String() + (&RefusedError{Reasons: p.Refusals}).Error()
			}
			assert.NotContains(t, text, flowToken[:8])
			assert.Contains(t, text, hidden)
		})
	}
}

type listing struct {
	fakeStore
	id  string
	err error
}

func (l listing) List(context.Context) ([]store.Point, error) {
	return []store.Point{{ID: l.id, Size: 1, Taken: time.Unix(1, 0)}}, l.err
}

// What a restored system says may be of any length; what stands in the journal is not.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("词", 1<<20)
	got := (&secrets{}).hideEvent(record.CheckResult{Name: "rows", Message: long, Diff: slices.Repeat([]string{"+ a row"}, 5000)})
	r, ok := got.(record.CheckResult)
	require.True(t, ok)
	assert.LessOrEqual(t, len(r.Message), longestText+len(" …"))
	assert.True(t, strings.HasPrefix(r.Message, "词词") && strings.HasSuffix(r.Message, " …") && utf8.ValidString(r.Message))
	assert.Len(t, r.Diff, longestList+1)
	assert.Equal(t, "… and 4000 more", r.Diff[longestList])
	assert.Equal(t, "rows", r.Name)
}
