package drills

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// opened counts how many files of folders were opened, as the kernel tells it.
func opened(t *testing.T, dirs []string, during func()) int {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	require.NoError(t, err)
	defer syscall.Close(fd) //nolint:errcheck // it was only read
	for _, dir := range dirs {
		_, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN)
		require.NoError(t, err)
	}
	during()
	count, b := 0, make([]byte, 64<<10)
	for {
		n, err := syscall.Read(fd, b)
		if err != nil {
			return count
		}
		for at := 0; at < n; at += syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[at+12:])) {
			count++
		}
	}
}

// A start opens nothing of the drills of a home that ended clean, however many there are.
func TestAStartLooksAtNoDrillThatEndedClean(t *testing.T) {
	w := newWorld(t)
	first := w.run(simple)
	require.NoFileExists(t, filepath.Join(w.home, unprovedDir, first.Drill))
	var before []string
	for n := range 50 {
		dir := filepath.Join(w.home, "drills", fmt.Sprintf("20250101-000000%03d-aaaaaa", n))
		require.NoError(t, os.CopyFS(dir, os.DirFS(first.Dir)))
		before = append(before, dir)
	}
	start := func() {
		swept, err := SweepAll(t.Context(), SweepRequest{Home: w.home})
		require.NoError(t, err)
		assert.Empty(t, swept)
		require.Empty(t, w.run(simple).Left)
	}
	assert.GreaterOrEqual(t, opened(t, before, start), len(before), "a home that nobody has looked at is looked at whole")
	assert.Zero(t, opened(t, before, start))
	require.NoError(t, os.RemoveAll(filepath.Join(w.home, unprovedDir)))
	assert.GreaterOrEqual(t, opened(t, before, start), len(before), "and so is one whose index was thrown away")
	assert.Zero(t, opened(t, before, start))
	assert.GreaterOrEqual(t, opened(t, before, func() {
		_, err := SweepAll(t.Context(), SweepRequest{Home: w.home, All: true})
		require.NoError(t, err)
	}), len(before), "lifeboat sweep takes nobody's word for it")
}

// What is not proved clean is looked at by every start until it is, also where the index was thrown away.
func TestAStartLooksAtWhatIsNotProved(t *testing.T) {
	w := newWorld(t)
	w.keep = true
	w.answer = func(string) record.CheckStatus { return record.CheckFailed }
	kept := w.run(simple)
	require.FileExists(t, filepath.Join(w.home, unprovedDir, kept.Drill))
	find := func() []string {
		t.Helper()
		_, err := SweepAll(t.Context(), SweepRequest{Home: w.home})
		require.NoError(t, err)
		dirs, _, err := unprovedDrills(w.home, false)
		require.NoError(t, err)
		return dirs
	}
	assert.Equal(t, []string{kept.Dir}, find())
	require.NoError(t, os.RemoveAll(filepath.Join(w.home, unprovedDir)))
	assert.Equal(t, []string{kept.Dir}, find())
	require.FileExists(t, filepath.Join(w.home, unprovedDir, kept.Drill))
	require.NoError(t, markClean(kept.Dir))
	assert.Empty(t, find())
}
