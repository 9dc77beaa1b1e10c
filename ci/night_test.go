package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nightHead is what the catalogues of these tests say of all their backups.
const nightHead = `catalogue: nightly
defaults:
  restore: {kind: postgres, database: shop, roles: {shop_app: {password: demo-shop-app}, shop_owner: {password: demo-shop-owner}}}
  timezone: UTC
  as: db
  instance: {kind: docker, image: "lifeboat/postgres:15", env: {POSTGRES_PASSWORD: drill}, data: [/var/lib/postgresql/data], ready: {tcp: 5432}}
  checks:
    service: [{kind: tcp, to: "db:5432"}]
    data: [{kind: rows, on: db, database: shop, user: postgres, password: drill, table: orders, at_least: 200}]
backups:
`

// aNight is a night as verify --json prints it.
type aNight struct {
	Night, Verdict, Ended string
	Slot                  *time.Time
	Proofs                []struct {
		Backup, Point, Drill, Status string
		Rungs                        []struct{ Rung, State string }
	}
}

// verify proves the backups of a catalogue; the lines are those of its list.
func (b *bench) verify(catalogue string, args ...string) (int, aNight) {
	b.t.Helper()
	cmd := exec.Command(b.bin, append([]string{"verify", "--json", "--home", b.home, catalogue}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its exit code is what is asked for
	var n aNight
	require.NoError(b.t, json.Unmarshal(out.Bytes(), &n), "%s\n%s", out.String(), errs.String())
	for _, p := range n.Proofs {
		if p.Drill != "" {
			assert.Empty(b.t, onEngine(b.t, p.Drill), "%s is clean", p.Backup)
		}
	}
	return cmd.ProcessState.ExitCode(), n
}

// catalogue writes one beside copies of the demo's dumps, each cut to a size in bytes; 0: whole.
func (b *bench) catalogue(sizes map[string]int64, lines ...string) string {
	b.t.Helper()
	folder, _ := b.folder()
	dumps, err := filepath.Glob(filepath.Join(b.demo, "backups", "shop-db", "*.dump"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, dumps)
	raw, err := os.ReadFile(dumps[0])
	require.NoError(b.t, err)
	for name, size := range sizes {
		require.NoError(b.t, os.MkdirAll(filepath.Join(folder, name), 0o700))
		text := raw
		if size > 0 {
			text = raw[:size]
		}
		for i, made := range []time.Time{time.Now().Add(-time.Hour), time.Now()} {
			dump := filepath.Join(folder, name, fmt.Sprintf("shop-%d.dump", i))
			require.NoError(b.t, os.WriteFile(dump, text, 0o600))
			require.NoError(b.t, os.Chtimes(dump, made, made))
		}
		lines = append(lines, fmt.Sprintf("  - {name: %s, store: {kind: dir, path: ./%s}}", name, name))
	}
	path := filepath.Join(folder, "nightly.yaml")
	require.NoError(b.t, os.WriteFile(path, []byte(nightHead+strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// TestNight proves backups of a catalogue side by side: what is broken stops nothing else, and each says how far it got.
func TestNight(t *testing.T) {
	t.Parallel()
	b := onBench(t, "small")
	path := b.catalogue(map[string]int64{"cut": 40_000, "whole": 0},
		"  - {name: every, store: {kind: dir, path: ./whole}, points: all, objectives: {age: 1s}}",
		"  - {name: some, store: {kind: dir, path: ./whole}, points: {read: true}}", "  - {name: gone, store: {kind: dir, path: ./nowhere}}")
	code, n := b.verify(path, "--parallel", "2", "--planned", "2026-01-31T02:00+08:00")
	assert.Equal(t, 1, code)
	assert.Equal(t, "failed", n.Verdict)
	if assert.NotNil(t, n.Slot, "when it was planned to begin stands in its sealed journal") {
		assert.True(t, n.Slot.Equal(time.Date(2026, 1, 30, 18, 0, 0, 0, time.UTC)), "%s", n.Slot)
	}
	got, highest := map[string]string{}, map[string]string{}
	for _, p := range n.Proofs {
		got[p.Backup+" "+p.Point] = p.Status
		for _, r := range p.Rungs {
			if r.State != "reached" {
				break
			}
			highest[strings.TrimSpace(p.Backup+" "+p.Point)] = r.Rung
		}
	}
	assert.Equal(t, map[string]string{"cut ": "failed", "whole ": "passed", "every shop-0.dump": "passed", "every shop-1.dump": "failed",
		"some shop-1.dump": "passed", "some shop-0.dump": "inconclusive", "gone ": "inconclusive"}, got)
	assert.Equal(t, map[string]string{"cut": "found", "whole": "content", "every shop-0.dump": "content", "some shop-1.dump": "content",
		"some shop-0.dump": "read"}, highest, "the limit of age is one of the newest")

	out, err := exec.Command(b.bin, "verify", "--status", "--json", "--home", b.home, path).Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	for backup, state := range map[string]string{"cut": "failed", "whole": "proved", "some": "proved", "gone": "not-proved"} {
		assert.Contains(t, string(out), fmt.Sprintf(`{"backup":%q,"state":%q`, backup, state))
	}

	code, n = b.verify(path, "--only", "whole")
	assert.Nil(t, n.Slot, "nobody said for when")
	assert.Equal(t, 0, code, "what is left out is no failure")
	assert.Equal(t, "passed", n.Verdict)
	proved := n.drill("whole")

	code, n = b.verify(path, "--only", "whole", "--changed")
	assert.Equal(t, 0, code, "nothing has changed")
	assert.Equal(t, proved, n.drill("whole"), "it rests on its proof")
	newest, later := filepath.Join(filepath.Dir(path), "whole", "shop-1.dump"), time.Now()
	require.NoError(t, os.Chtimes(newest, later, later))
	code, n = b.verify(path, "--only", "whole", "--changed")
	assert.Equal(t, 0, code)
	assert.NotEqual(t, proved, n.drill("whole"), "it was written again")
}

// drill of a backup's proof.
func (n aNight) drill(backup string) string {
	for _, p := range n.Proofs {
		if p.Backup == backup {
			return p.Drill
		}
	}
	return ""
}

// TestKilledNight kills the harness in the middle of a night: nothing is left, and --continue proves the rest and only the rest.
func TestKilledNight(t *testing.T) {
	t.Parallel()
	b := onBench(t, "small")
	path := b.catalogue(map[string]int64{"a": 0, "b": 0, "c": 0})
	cmd := exec.Command(b.bin, "verify", "--parallel", "1", "--home", b.home, path)
	require.NoError(t, cmd.Start())
	nights := filepath.Join(b.home, "nights", "*", "night.ndjson")
	assert.Eventually(t, func() bool { // one is proved, and the next has begun
		found, _ := filepath.Glob(nights)
		drills, _ := filepath.Glob(filepath.Join(b.home, "drills", "*", "journal.ndjson"))
		if len(found) == 0 || len(drills) < 2 {
			return false
		}
		raw, _ := os.ReadFile(found[0])
		return bytes.Contains(raw, []byte(`"kind":"proof"`))
	}, 10*time.Minute, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed: the error says just that
	drills, err := filepath.Glob(filepath.Join(b.home, "drills", "*"))
	require.NoError(t, err)
	for _, d := range drills {
		assert.Eventually(t, func() bool { return len(onEngine(t, filepath.Base(d))) == 0 }, 2*time.Minute, 100*time.Millisecond)
	}
	before := len(drills)
	code, n := b.verify(path, "--continue")
	assert.Equal(t, 0, code)
	assert.NotEmpty(t, n.Ended)
	for _, p := range n.Proofs {
		assert.Equal(t, "passed", p.Status, p.Backup)
	}
	drills, err = filepath.Glob(filepath.Join(b.home, "drills", "*"))
	require.NoError(t, err)
	proved := 1
	if before > 2 { // it was quick
		proved = before - 1
	}
	assert.Len(t, drills, before+3-proved, "what was proved is not proved again")

	code, _ = b.verifyFails(path, "--continue")
	assert.Equal(t, 2, code, "there is none to go on with")
}

// verifyFails runs verify where it is to say what is wrong.
func (b *bench) verifyFails(catalogue string, args ...string) (int, string) {
	cmd := exec.Command(b.bin, append([]string{"verify", "--home", b.home, catalogue}, args...)...)
	out, _ := cmd.CombinedOutput() // its exit code is what is asked for
	return cmd.ProcessState.ExitCode(), string(out)
}
