package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// A table is dropped by mistake, and the archive of WAL has that, too: what ends just before it passes, what ends too early loses orders, and what
// goes to the latest brings no table back.
func TestDeletedByMistake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, limit, verdict string
		exit                         int
		says                         []string
	}{
		{"just before it", "{time: BEFORE}", "5m", "passed", 0, []string{"of 260 rows of table orders 0 are lost"}},
		{"too early", "{time: EARLY}", "100ms", "failed", 1, []string{"of 260 rows of table orders 20 are lost, more than 0", "Data at risk"}},
		{"the latest", "{}", "5m", "failed", 1, []string{"still in force after the rollback"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := onBench(t, "small")
			raw, err := os.ReadFile(filepath.Join(b.demo, "backups", "shop-wal.times"))
			require.NoError(t, err, "make small-files writes it")
			var at map[string]string
			require.NoError(t, yaml.Unmarshal(raw, &at))
			target := strings.NewReplacer("BEFORE", at["before"], "EARLY", at["early"]).Replace(tc.target)
			exit, d := b.drill(b.variant("deleted-by-mistake", "2026-01-31T10:42:01Z", at["dropped"], `"812"`, `"`+at["xid"]+`"`,
				"{time: 2026-01-31T10:42:00Z}", target, "data_loss: 5m", "data_loss: "+tc.limit, "baseline: {stable_for: 5s}",
				"baseline: {stable_for: 1s}", fast, "stable_for: 5s", "iterations: 10", "iterations: 2", "within: 2m", "within: 20s",
				"pulse: 10/s, timeout: 1s", "pulse: 5/s, timeout: 5s")) // it is about rows, and not about how busy this host is
			if tc.verdict == "passed" && d.excused() {
				t.Log(d.Why)
				return
			}
			assert.Equal(t, tc.verdict, d.Verdict, d.raw)
			assert.Equal(t, tc.exit, exit)
			for _, says := range tc.says {
				assert.Contains(t, d.raw, says)
			}
		})
	}
}
