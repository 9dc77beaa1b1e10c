package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// The chart shows what the drill counted: a session that was made anew is no answer, and a flow that says no by an exception
// alone has none but that.
func TestSamplesAreWhatTheDrillCounted(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "raw"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "raw", "pulse.ndjson"), []byte(`{"kind":"hello","version":1,"boot":1000}
{"kind":"iter","start":1,"end":2,"ok":true}
{"kind":"iter","start":2,"end":3,"ok":true,"setup":true}
{"kind":"iter","start":3,"end":4,"ok":false,"setup":true}
{"kind":"iter","start":4,"end":5,"ok":true,"checks_passed":1}
`), 0o600))
	for unproven, want := range map[int][]bool{0: {true, false, true}, 1: {false, false, true}} {
		r := &record.Record{Pulse: &record.Pulse{Totals: record.PulseTotals{Unproven: unproven}}}
		samples, err := pulseSamples(dir, r)
		require.NoError(t, err)
		var good []bool
		for _, s := range samples {
			good = append(good, s.Good)
		}
		assert.Equal(t, want, good, "%d without a check", unproven)
	}
}

// The stream of a long pulse is large: all reports of a drill are made of one reading.
func TestThePulseIsReadOnceForAllReports(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"raw", "reports"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "raw", "pulse.ndjson"), nil, 0o600))
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	require.NoError(t, err)
	defer syscall.Close(fd) //nolint:errcheck // it was only read
	_, err = syscall.InotifyAddWatch(fd, filepath.Join(dir, "raw"), syscall.IN_OPEN)
	require.NoError(t, err)
	r := &record.Record{Status: record.RunAborted}
	a := &app{stdout: io.Discard, stderr: io.Discard}
	_, err = a.report(&drills.Result{Dir: dir, Record: r, Verdict: objective.Judge(r)}, "en")
	require.NoError(t, err)
	seen := make([]byte, 4096)
	n, err := syscall.Read(fd, seen)
	require.NoError(t, err)
	assert.Equal(t, 1, bytes.Count(seen[:n], []byte("pulse.ndjson")))
}
