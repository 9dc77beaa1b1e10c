package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
)

// A night whose journal cannot be read again is nobody's mistake in using it, and no proof.
func TestNightThatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	v := &verifying{app: &app{home: t.TempDir()}}
	err := v.deliver(t.Context(), "gone", "", errors.New("append to the log: no space left on device"))
	assert.Equal(t, exitInconclusive, exitCode(err))
	assert.ErrorContains(t, err, "no space left")
}

// What of a night cannot be written hides neither its table nor that a backup failed, and nothing of it looks good.
func TestNightThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for status, want := range map[record.Status]int{record.StatusPassed: exitInconclusive, record.StatusFailed: exitFailed} {
		home := t.TempDir()
		p := night.Planned{Backup: "shop"}
		j, n, err := night.Create(home, night.Header{Catalogue: "nightly", Started: time.Now(), Planned: []night.Planned{p}})
		require.NoError(t, err)
		require.NoError(t, j.Add(night.Proof{Planned: p, Status: status, Drill: "d", Started: time.Now()}))
		require.NoError(t, j.Seal())
		require.NoError(t, os.Mkdir(filepath.Join(night.Dir(home), n.Night, "junit.xml"), 0o700))
		var out bytes.Buffer
		v := &verifying{app: &app{home: home, stdout: &out, stderr: io.Discard, logs: &redirect{to: io.Discard}}, lang: "en"}
		var exit *exitError
		require.ErrorAs(t, v.deliver(t.Context(), n.Night, ""), &exit)
		assert.Equal(t, want, exit.code)
		assert.Contains(t, out.String(), "shop")
		require.ErrorAs(t, v.deliver(t.Context(), n.Night, "", errors.New("append to the log: no space left on device")), &exit)
		assert.Equal(t, want, exit.code)
		assert.FileExists(t, filepath.Join(night.Dir(home), n.Night, "lifeboat.prom"), "the others are written")
	}
}
