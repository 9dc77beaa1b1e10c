package drills

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// A drill that ended clean is not judged again by sweeps, until one of its files is another.
func TestMarkedClean(t *testing.T) {
	w := newWorld(t)
	res := w.run(simple)
	require.Empty(t, res.Left)
	require.True(t, isMarked(res.Dir), "marked at its end")

	journal, ledgerFile := filepath.Join(res.Dir, journalName), filepath.Join(res.Dir, "ledger.ndjson")
	whole, err := os.ReadFile(journal)
	require.NoError(t, err)
	entries, err := os.ReadFile(ledgerFile)
	require.NoError(t, err)
	sweep := func() {
		t.Helper()
		swept, err := SweepAll(t.Context(), SweepRequest{Home: w.home, Kit: Kit{}, All: true})
		require.NoError(t, err)
		assert.Empty(t, swept)
	}
	for name, tamper := range map[string]func(){
		"the journal grew": func() { require.NoError(t, os.WriteFile(journal, append(whole, '\n'), 0o600)) },
		"a byte of it is another": func() {
			b := append([]byte(nil), whole...)
			b[len(b)/2] ^= 1
			require.NoError(t, os.WriteFile(journal, b, 0o600))
		},
		"the ledger is another":          func() { require.NoError(t, os.WriteFile(ledgerFile, append(entries, "{}\n"...), 0o600)) },
		"the mark is gone":               func() { require.NoError(t, os.Remove(filepath.Join(res.Dir, cleanMark))) },
		"the mark cannot be read":        func() { require.NoError(t, os.WriteFile(filepath.Join(res.Dir, cleanMark), []byte("{"), 0o600)) },
		"the journal lost its last line": func() { require.NoError(t, os.WriteFile(journal, whole[:len(whole)-10], 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			tamper()
			assert.False(t, isMarked(res.Dir), "it is looked at again")
			require.NoError(t, os.WriteFile(journal, whole, 0o600))
			require.NoError(t, os.WriteFile(ledgerFile, entries, 0o600))
			sweep()
			assert.True(t, isMarked(res.Dir), "and marked again, once it was found clean")
		})
	}
	// That no marked drill is judged: this one's journal cannot be read any more, which nobody notices.
	require.NoError(t, os.Remove(filepath.Join(res.Dir, cleanMark)))
	require.NoError(t, os.WriteFile(journal, []byte("nonsense\n"), 0o600))
	sweep()
	assert.False(t, isMarked(res.Dir), "what cannot be judged is not marked")
	require.NoError(t, markClean(res.Dir))
	rest, err := unfinished(res.Dir)
	require.NoError(t, err)
	assert.False(t, rest)
}

// What is left for looking has no mark.
func TestKeptIsNotMarked(t *testing.T) {
	w := newWorld(t)
	w.keep = true
	w.answer = func(string) record.CheckStatus { return record.CheckFailed }
	res := w.run(simple)
	require.Nil(t, res.Record.Cleanup.T8)
	assert.NoFileExists(t, filepath.Join(res.Dir, cleanMark))
}

// A reaper that left nothing marks its drill, too.
func TestReapedIsMarked(t *testing.T) {
	d := newDead(t, false)
	left, err := Reap(t.Context(), d.request())
	require.NoError(t, err)
	require.Empty(t, left)
	assert.True(t, isMarked(d.dir))
}
