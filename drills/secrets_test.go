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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
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
	known := secrets.Of(s)
	for _, text := range []string{`it's "a" secret`, `it's \"a\" secret`, `it''s "a" secret`, "it%27s+%22a%22+secret",
		"it%27s%20%22a%22%20secret", `it's "a" secret and more`} {
		assert.Equal(t, "LINE 1: ***.", known.Hide("LINE 1: "+text+"."))
	}
	short := &secrets.Known{}
	short.Add(`a\'b9`)
	seen := []any{ // wherever an event holds a text
		record.Observation{ID: "x", Args: map[string]string{"why": `a\'b9`}}, record.Booted{Facts: map[string]string{"x": `a\'b9`}},
		record.CheckResult{Message: `a\'b9`, Diff: []string{`a\'b9`}, Said: &record.Said{Args: []string{`a\'b9`}}},
		record.Verdict{Reasons: []record.Reason{{Args: map[string]string{"x": `a\'b9`}}}},
	}
	for _, e := range seen {
		raw, err := json.Marshal(short.HideEvent(e))
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "b9", "%T", e)
	}
	for _, text := range []string{`a\''b9`, `a\\''b9`, `a\\\'b9`} { // SQL in both its readings of a backslash, and libpq
		assert.Equal(t, "LINE 1: '***'", short.Hide("LINE 1: '"+text+"'"))
	}
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
			assert.Contains(t, text, "***")
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
