package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// What a build does not say is not known, and is no commit without changes.
func TestPrograms(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	digest, err := fileDigest(self)
	require.NoError(t, err)
	assert.Equal(t, digest, thisProgram().Digest)
	assert.Empty(t, thisProgram().Commit, "a test's binary is built of no commit")
	assert.Equal(t, record.Program{Digest: digest}, k6Of(self), "no k6 is in it")
	assert.Equal(t, record.Program{}, k6Of(filepath.Join(t.TempDir(), "nowhere")))

	said := func(pairs ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	commit, modified := commitOf(said("vcs.revision", "16de93ad", "vcs.modified", "true"))
	assert.Equal(t, "16de93ad", commit)
	assert.True(t, modified)
	_, modified = commitOf(said("vcs.revision", "16de93ad", "vcs.modified", "false"))
	assert.False(t, modified)
}

func TestSlot(t *testing.T) {
	at, err := slot("")
	require.NoError(t, err)
	assert.Nil(t, at)
	t.Setenv(slotVariable, "2026-11-20T02:00+08:00")
	at, err = slot("")
	require.NoError(t, err)
	assert.True(t, at.Equal(time.Date(2026, 11, 19, 18, 0, 0, 0, time.UTC)))
	at, err = slot("2026-11-20T02:00:30Z") // what is said at the moment counts
	require.NoError(t, err)
	assert.Equal(t, 30, at.Second())
	_, err = slot("2026-11-20 02:00")
	assert.Error(t, err)
}
