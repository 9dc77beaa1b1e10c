package ci

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oneServer is a check run of one snapshot: its name, its series, and the folder of the snapshot.
const oneServer = `scenario: %s
series: %s
trigger: none
backups:
  cache: {store: {kind: dir, path: ./%s}, restore: {kind: redis}, timezone: UTC}
instances:
  db: {kind: docker, image: "lifeboat/redis:7.0", load: cache, ready: {tcp: 6379}}
checks:
  service: [{kind: tcp, to: "db:6379"}]
  data: [{kind: redis, on: db}]
  excluded: {system: nothing of it is in the backup, business: nobody asks a cache}
`

// A finding on a drill that failed is open for whoever verifies, whatever people say and whichever drill does not pass; the drill that closes it was
// begun to try it again, is of its series, and passed.
func TestFindingClosedByADrill(t *testing.T) {
	t.Parallel()
	b := onBench(t, "")
	dir := t.TempDir()
	whole := read(t, "../drills/restore/redis/rdb/testdata/all.rdb")
	put(t, filepath.Join(dir, "whole", "dump.rdb"), whole)
	put(t, filepath.Join(dir, "cut", "dump.rdb"), whole[:200])
	scenario := func(series, folder string) string {
		path := filepath.Join(dir, series+"-"+folder+".yaml")
		put(t, path, fmt.Appendf(nil, oneServer, series+"-"+folder, series, folder))
		return path
	}
	key, bundles := filepath.Join(t.TempDir(), "ops"), 0
	audit := func(args ...string) (string, int) {
		cmd := exec.Command(b.bin, append([]string{"audit", "--json", "--home", b.home}, args...)...)
		out, _ := cmd.CombinedOutput() // its exit code is what is asked for
		return string(out), cmd.ProcessState.ExitCode()
	}
	done := func(args ...string) {
		out, code := audit(args...)
		require.Zero(t, code, "%v: %s", args, out)
	}
	// state is what somebody else sees who has the bundle and the public key.
	state := func(retests ...string) string {
		bundles++
		bundle := filepath.Join(dir, fmt.Sprintf("bundle-%d", bundles))
		today := time.Now().UTC()
		done("export", "--from", today.AddDate(0, 0, -1).Format(time.DateOnly), "--to", today.AddDate(0, 0, 1).Format(time.DateOnly), "--key", key, "--out", bundle)
		out, code := audit("verify", bundle, "--trust", key+".pub")
		require.Zero(t, code, out)
		var r struct {
			Findings []struct {
				State   string
				Number  int
				Retests []string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		require.Len(t, r.Findings, 1)
		assert.Equal(t, 1, r.Findings[0].Number)
		assert.Equal(t, retests, r.Findings[0].Retests, "the drills that were to try it again, to the one that closed it")
		return r.Findings[0].State
	}
	drill := func(exit int, verdict, scenario string, args ...string) drilled {
		got, d := b.drill(scenario, args...)
		require.Equal(t, exit, got, d.raw)
		require.Equal(t, verdict, d.Verdict, d.raw)
		return d
	}

	done("keygen", key)
	failed := drill(1, "failed", scenario("shop", "cut"))
	done("addendum", "finding", failed.Drill, "--role", "reviewer", "--text", "the copy ends early", "--severity", "high", "--owner", "storage", "--due", "2099-10-31",
		"--key", key)
	assert.Equal(t, "open", state())

	out, code := audit("addendum", "closed", failed.Drill, "--role", "reviewer", "--text", "F1 is mended", "--key", key)
	assert.Equal(t, 2, code)
	assert.Contains(t, out, `there is no addendum \"closed\"`)
	done("addendum", "correction", failed.Drill, "--role", "reviewer", "--text", "F1 is closed", "--key", key)
	assert.Equal(t, "open", state(), "what people say closes nothing")

	unread := drill(3, "inconclusive", scenario("shop", "nowhere"), "--retest", "F1")
	other := drill(2, "", scenario("stock", "whole"), "--retest", "F1")
	assert.Contains(t, other.raw, `there is no finding \"F1\" of series \"stock\"`)
	assert.Empty(t, other.Drill, "it took no number")
	assert.Equal(t, "open", state(unread.Drill))

	assert.Nil(t, failed.Planned, "nobody said when")
	mended := drill(0, "passed", scenario("shop", "whole"), "--retest", "F1", "--planned", "2026-01-31T02:00+08:00")
	require.NotNil(t, mended.Planned)
	assert.True(t, mended.Planned.Equal(time.Date(2026, 1, 30, 18, 0, 0, 0, time.UTC)))
	require.NotNil(t, mended.Program)
	assert.Equal(t, sumOf(t, b.bin), mended.Program.Digest)
	assert.Nil(t, mended.K6, "it asked nothing")
	assert.Equal(t, "closed", state(unread.Drill, mended.Drill))
}

// sumOf a file, as records have it.
func sumOf(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprintf("sha256:%x", sha256.Sum256(read(t, path)))
}
