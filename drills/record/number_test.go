package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	var mu sync.Mutex
	var got []int
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			n, err := takeNumber(home, "shop/checkout ../x")
			assert.NoError(t, err)
			mu.Lock()
			got = append(got, n)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, n := range got {
		assert.Equal(t, i+1, n)
	}
	n, err := takeNumber(home, "other")
	require.NoError(t, err)
	assert.Equal(t, 1, n, "every series counts for itself")
	files, err := os.ReadDir(filepath.Join(home, "series"))
	require.NoError(t, err)
	assert.Len(t, files, 2, "a series' name is never a path")
}

func TestNumberIsGivenBack(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	full := errors.New("no space left on device")
	assert.ErrorIs(t, WithNumber(home, "", "", func(int) error { return full }), full)

	// A process that dies between taking a number and beginning its journal.
	journal := filepath.Join(home, "journal.ndjson")
	assert.Panics(t, func() { _ = WithNumber(home, "", journal, func(int) error { panic("killed") }) })
	n, err := takeNumber(home, "")
	require.NoError(t, err)
	assert.Equal(t, 1, n)

	// One that dies after its journal was begun keeps its number.
	assert.Panics(t, func() {
		_ = WithNumber(home, "", journal, func(int) error {
			require.NoError(t, os.WriteFile(journal, []byte("{}\n"), 0o600))
			panic("killed")
		})
	})
	n, err = takeNumber(home, "")
	require.NoError(t, err)
	assert.Equal(t, 3, n)
}

func TestNumberOfABrokenCounter(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	_, err := takeNumber(home, "s")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "series", "s.json"), []byte("rubbish"), 0o600))
	_, err = takeNumber(home, "s")
	assert.ErrorContains(t, err, "restore the file", "never begins again at 1")
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	a, b := NewID(at), NewID(at.Add(time.Millisecond))
	assert.Less(t, a, b)
	assert.Regexp(t, `^20260301-110000000-[a-z0-9]{6}$`, a)
	assert.NotEqual(t, a, NewID(at))
}

// takeNumber takes a number that no drill keeps.
func takeNumber(home, series string) (int, error) {
	var number int
	err := WithNumber(home, series, "", func(n int) error {
		number = n
		return nil
	})
	return number, err
}
