package ci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// TestRegularCustomer: a flow as real systems have it, of a dozen requests with a session from setup(), of one account,
// longer than the time between two beats of a pulse, is the pulse and the business check, unchanged. The way back that
// takes both back brings its business back, though the session went with the database; the one that leaves the migrated
// schema behind does not.
func TestRegularCustomer(t *testing.T) {
	script, err := os.ReadFile("testdata/regular.js")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		rollback, verdict string
		exit              int
	}{
		"both go back":          {"  - destroy: db\n  - boot: db\n  - boot: app\n", "passed", 0},
		"the program goes back": {"  - boot: app\n", "failed", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onBench(t, "demo")
			folder, relative := b.folder()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "regular.js"), script, 0o600))
			scenario := b.variant("db-unreachable-after-upgrade",
				"trigger: fault", "trigger: order", "ready: {http: \"http://:8080/readyz\"}", "ready: {tcp: 8080}",
				"flow: {script: flows/checkout.js, pulse: 10/s, timeout: 1s}", "flow: {script: "+relative+"/regular.js}",
				"  - exec: {on: db, run: [psql, -U, postgres, -d, shop, -c, alter system set max_connections = 120]}\n"+
					"  - stop: db\n  - start: db\n",
				"  - boot: {instance: app, image: \"lifeboat/shop:2\"}\n  - exec: {on: app, run: [/shop, migrate]}\n",
				"faults:\n  - {kind: pg-hba-reject, on: db}\n", "",
				"detect: {when: \"flow.failed > 5% for 3s\"}\n", "",
				"  - destroy: db\n  - boot: db\n", c.rollback,
				"stable_for: 15s", "stable_for: 6s", "verify: {within: 2m}", "verify: {within: 20s}",
				"script: flows/checkout.js, iterations: 10", "script: "+relative+"/regular.js, iterations: 3")
			exit, d := b.drill(scenario)
			assert.Equal(t, c.verdict, d.Verdict, d.raw)
			assert.Equal(t, c.exit, exit)
			markdown, err := os.ReadFile(d.Reports["markdown"])
			require.NoError(t, err)
			for _, says := range []string{"one user, 0.10 s or more from one begin to the next", "The pulse rested from",
				"regular.js ran as a check", "regular.js, asked http://app:8080", "Before the pulse began 3 iterations by one user took"} {
				assert.Contains(t, string(markdown), says)
			}
		})
	}
}

// TestFlowAfterUpgrade: a new version that another flow asks. That one is green on it before the fault comes, and the first
// one, which the new version does not satisfy, is green on the old version again.
func TestFlowAfterUpgrade(t *testing.T) {
	t.Parallel()
	b := onBench(t, "demo")
	folder, relative := b.folder()
	regular, err := os.ReadFile("testdata/regular.js")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "regular.js"), regular, 0o600))
	for name, release := range map[string]string{"old.js": "1", "new.js": "2"} {
		script, err := os.ReadFile("testdata/release.js")
		require.NoError(t, err)
		text := strings.ReplaceAll(string(script), "RELEASE", release)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	scenario := b.variant("db-unreachable-after-upgrade",
		"ready: {http: \"http://:8080/readyz\"}", "ready: {tcp: 8080}",
		"flow: {script: flows/checkout.js, pulse: 10/s, timeout: 1s}",
		"flow: {script: "+relative+"/old.js, after_upgrade: {script: "+relative+"/new.js}}",
		"  - exec: {on: db, run: [psql, -U, postgres, -d, shop, -c, alter system set max_connections = 120]}\n"+
			"  - stop: db\n  - start: db\n",
		"  - boot: {instance: app, image: \"lifeboat/shop:2\"}\n  - exec: {on: app, run: [/shop, migrate]}\n",
		"  - destroy: db\n  - boot: db\n", "  - destroy: db\n  - boot: db\n  - boot: app\n",
		"stable_for: 15s", "stable_for: 6s",
		"script: flows/checkout.js, iterations: 10", "script: "+relative+"/old.js, iterations: 3")
	exit, d := b.drill(scenario)
	assert.Equal(t, "passed", d.Verdict, d.raw)
	assert.Equal(t, 0, exit)
	markdown, err := os.ReadFile(d.Reports["markdown"])
	require.NoError(t, err)
	for _, says := range []string{"old.js; between the upgrade and its rollback new.js", "old.js ran as a check"} {
		assert.Contains(t, string(markdown), says)
	}
	raw, err := os.ReadFile(filepath.Join(b.home, "drills", d.Drill, "record.json"))
	require.NoError(t, err)
	var r record.Record
	require.NoError(t, json.Unmarshal(raw, &r))
	var turns []record.Rest
	for _, rest := range r.Pulse.Rests {
		if rest.Turn {
			turns = append(turns, rest)
		}
	}
	require.Len(t, turns, 2)
	require.NotNil(t, r.Incidents[0].T0)
	assert.Greater(t, r.Incidents[0].T0.Early, turns[0].To.Late, "what the old flow met on the new version is no incident")
}
