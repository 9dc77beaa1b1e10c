package ci

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

// A foreign application: its image, its dump, its own script, through scenario files alone.
func TestForeignApplication(t *testing.T) {
	t.Parallel()
	for _, tc := range []foreign{
		{"foreign-both-together", 0, "passed"},
		{"foreign-program-only", 1, "failed"},
		{"foreign-own-script", 0, "passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.drill(t)
		})
	}
}

// foreign is a scenario of the foreign application, and what comes of it.
type foreign struct {
	name    string
	exit    int
	verdict string
}

func (f foreign) drill(t *testing.T) {
	t.Helper()
	f.drillIn(t, "foreign")
}

func (f foreign) drillIn(t *testing.T, folder string) {
	t.Helper()
	b := onBench(t, folder)
	exit, d := b.drill(filepath.Join(b.demo, f.name+".yaml"))
	if f.verdict == "passed" && d.excused() {
		t.Log(d.Why)
		f.verdict, f.exit = d.Verdict, 3
	}
	assert.Equal(t, f.verdict, d.Verdict, d.raw)
	assert.Equal(t, f.exit, exit)
}

// TestForeignSession: an application that refuses private addresses, asked by a whole session of one account: thirteen
// requests that sign in, write, read back and count, as pulse and as business check, unchanged. Where the application is not
// told that private addresses are allowed, the step that it refuses is named.
func TestForeignSession(t *testing.T) {
	t.Parallel()
	for _, tc := range []foreign{
		{"foreign-session-both-together", 0, "passed"},
		{"foreign-session-program-only", 1, "failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.drill(t)
		})
	}
	t.Run("private addresses are refused", func(t *testing.T) { // in a check run, which asks once
		t.Parallel()
		b := onBench(t, "foreign")
		exit, d := b.drill(b.variant("foreign-session-both-together", `FETCHER_ALLOW_PRIVATE_NETWORKS: "1"`,
			`FETCHER_ALLOW_PRIVATE_NETWORKS: "0"`, "trigger: order\nobjectives: {start_rollback: 30m, restored: 2h}\n", "trigger: none\n",
			"flow: {script: flows/session.js, pulse: {every: 1s}}\n", "", "upgrade: # the new program on the old data, with its migration\n"+
				"  - destroy: app\n  - boot: {instance: app, from: app-new, env: {RUN_MIGRATIONS: \"1\"}}\n", "",
			"decide: {by: simulated, after: 2s, reason: the new version is to go}\nrollback:\n  - destroy: app\n  - destroy: db\n"+
				"  - boot: db\n  - boot: app\n", "", "stable_for: 10s\nverify: {within: 30s}\n", "",
			"  app-new: {store: {kind: dir, path: ./backups/app-new}, restore: {kind: oci}}\n", ""))
		assert.Equal(t, 1, exit)
		assert.Equal(t, "failed", d.Verdict, d.raw)
		assert.Contains(t, d.Why, "feed of another host is subscribed to")
	})
}

// The same beside two processes that burn the processors.
func TestForeignSessionOnABusyHost(t *testing.T) {
	needs.Long(t)
	for range 2 {
		burner := exec.Command("sh", "-c", "while :; do :; done")
		require.NoError(t, burner.Start())
		t.Cleanup(func() {
			assert.NoError(t, burner.Process.Kill())
			_ = burner.Wait() // killed: the error says just that
		})
	}
	for _, tc := range []foreign{
		{"foreign-session-both-together", 0, "passed"},
		{"foreign-session-program-only", 1, "failed"},
	} {
		t.Run(tc.name, tc.drill)
	}
}
