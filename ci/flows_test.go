package ci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
