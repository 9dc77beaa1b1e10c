package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
)

// A reaper that dies is noticed, another one takes its place, and the drill knows for how long there was none.
func TestReaperIsStartedAgain(t *testing.T) {
	a := &app{stderr: io.Discard, logs: &redirect{to: io.Discard}, home: t.TempDir()}
	dir := filepath.Join(a.home, "drills", "one")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	scope := ledger.Scope{Drill: "one", Owner: ledger.Self(), Deadline: time.Now().Add(time.Hour), Home: dir}
	l, err := ledger.Open(dir, scope)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	started, err := a.startReaper(t.Context(), scope)
	require.NoError(t, err)
	k := started.(*supervisor)
	require.NoError(t, k.Hide([]string{"horse-battery"}))
	assert.Empty(t, k.Gaps())
	first := k.current()
	require.NoError(t, syscall.Kill(first.pid, syscall.SIGKILL))
	<-first.ended
	var second *reaperProcess
	require.Eventually(t, func() bool { second = k.current(); return second != nil && second != first }, time.Minute,
		5*time.Millisecond)
	require.Len(t, k.Gaps(), 1)
	assert.Less(t, k.Gaps()[0], time.Minute) // a bound for a busy host; a few tens of milliseconds
	require.NoError(t, k.Release())
	<-second.ended
	assert.NoError(t, second.err, "it was released, and found nothing to do")
	assert.Len(t, k.Gaps(), 1, "its end was wanted")
}
