package drills

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/drills/ledger"
)

// What ended without being logged is logged by the next one who looks, once, and what is under way is left alone.
func TestLogAll(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	begin := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	dead, alive, kept := replay.NewDrill("aborted", "s", 1, begin), replay.NewDrill("check-run", "s", 2, begin.AddDate(0, 0, 1)),
		replay.NewDrill("everything-held", "s", 3, begin.AddDate(0, 0, 2))
	for _, d := range []replay.Drill{dead, alive, kept} {
		require.NoError(t, d.Write("../ci/vectors", home))
		require.NoError(t, beginsUnlogged(home, d.ID))
		require.NoError(t, os.Remove(filepath.Join(home, "drills", d.ID, ledger.FileName)))
	}
	own := func(id string, by ledger.Owner) {
		l, err := ledger.Open(filepath.Join(home, "drills", id), ledger.Scope{Drill: id, Owner: by, Deadline: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
	gone := ledger.Self()
	gone.PID, gone.StartTime = 1<<22-1, 1
	own(dead.ID, gone)
	own(alive.ID, ledger.Self())
	require.NoError(t, beginsUnlogged(home, "20260101-000000000-never")) // it never came to a folder

	size := func() int64 {
		l, err := evidence.OpenLog(home)
		require.NoError(t, err)
		return l.Size()
	}
	s := evidence.Sealing{Tool: "0.1.0"}
	require.NoError(t, beginsUnproved(home, dead.ID))
	_, err := LogAll(home, false, s)
	require.NoError(t, err)
	assert.EqualValues(t, 1, size(), "a clean-up that is not proved belongs to the evidence")
	require.NoError(t, proved(filepath.Join(home, "drills", dead.ID)))
	open, err := LogAll(home, false, s)
	require.NoError(t, err)
	assert.Equal(t, []evidence.Open{{Drill: alive.ID, Series: "s", Number: 2}}, open)
	assert.EqualValues(t, 2, size(), "the dead one, and the one that no ledger speaks of")
	entries, err := os.ReadDir(filepath.Join(home, unloggedDir))
	require.NoError(t, err)
	assert.Len(t, entries, 2, "the one that is alive, and the one that may be about to begin")
	for _, all := range []bool{false, true, true} {
		_, err = LogAll(home, all, s)
		require.NoError(t, err)
		assert.EqualValues(t, 2, size())
	}
	require.NoError(t, os.RemoveAll(filepath.Join(home, unloggedDir)))
	require.NoError(t, os.Remove(filepath.Join(home, "drills", alive.ID, ledger.FileName)))
	_, err = LogAll(home, true, s)
	require.NoError(t, err)
	assert.EqualValues(t, 3, size(), "who looks at all finds it without the list")
}
