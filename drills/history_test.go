package drills

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The list opens no journal that the same judge has judged, and is the same as without its file.
func TestHistoryRemembers(t *testing.T) {
	w := newWorld(t)
	first, second := w.run(simple), w.run(simple)
	if first.Drill > second.Drill { // they began at one moment of virtual time
		first, second = second, first
	}
	list := func(judge string) (past []Past, looks int) {
		t.Helper()
		looks = opened(t, []string{first.Dir, second.Dir}, func() {
			var err error
			past, err = History(w.home, judge)
			require.NoError(t, err)
		})
		return past, looks
	}
	want, looks := list("")
	require.Positive(t, looks)
	require.NoFileExists(t, filepath.Join(w.home, historyFile))
	require.Len(t, want, 2)
	assert.Equal(t, first.Verdict.Status, want[0].Verdict)
	assert.Equal(t, 3, want[0].Number+want[1].Number)

	index, journal := filepath.Join(w.home, historyFile), filepath.Join(second.Dir, journalName)
	whole, err := os.ReadFile(journal)
	require.NoError(t, err)
	again := func(t *testing.T, judge, why string) {
		t.Helper()
		got, looks := list(judge)
		assert.Equal(t, want, got, why)
		assert.Positive(t, looks, why)
		got, looks = list(judge)
		assert.Equal(t, want, got, why)
		assert.Zero(t, looks, "remembered: "+why)
	}
	again(t, "a", "nothing is known")
	again(t, "b", "another judge may judge otherwise")
	require.NoError(t, os.WriteFile(index, []byte("\"b\"\n{\"drill\":"), 0o600))
	again(t, "b", "the file is damaged")
	require.NoError(t, os.Remove(index))
	again(t, "b", "the file is gone")

	info, err := os.Stat(journal)
	require.NoError(t, err)
	forged := append([]byte(nil), whole...)
	forged[len(forged)/2] ^= 1
	require.NoError(t, os.WriteFile(journal, forged, 0o600))
	require.NoError(t, os.Chtimes(journal, time.Time{}, info.ModTime()))
	for range 2 { // what is damaged is looked at each time
		got, looks := list("b")
		assert.NotEmpty(t, got[1].Error, "one of the same size and time is another all the same")
		assert.Positive(t, looks)
	}
	require.NoError(t, os.WriteFile(journal, whole, 0o600))
	again(t, "b", "it is what it was")
	require.NoError(t, os.RemoveAll(second.Dir))
	got, err := History(w.home, "b")
	require.NoError(t, err)
	assert.Equal(t, want[:1], got)
}
