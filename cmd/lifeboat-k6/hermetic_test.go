package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// TestOnlyRecordsOnStdout: console, summary and k6's own text go to standard error. The reader fails on any other line.
func TestOnlyRecordsOnStdout(t *testing.T) {
	o := job{flow: "summary.js", args: []string{"--verbose", "--iterations=2"}}.run(t)
	assert.Len(t, o.kind(wire.KindIter), 2, "a line printed by the script is no record")
	assert.Contains(t, o.stderr, "SUMMARY TEXT")
	assert.NotContains(t, string(o.raw), "SUMMARY")
}

// TestDescriptor sends the same records to descriptor 3.
func TestDescriptor(t *testing.T) {
	sys := newSystem(t)
	o := job{wrapper: "business", flow: "get.js", out: "fd:3", fd3: true, env: []string{sys.env()}}.run(t)
	assert.Equal(t, 0, o.exit, "stderr: %s", o.stderr)
	assert.Len(t, o.kind(wire.KindIter), 1)
	o.end(t)

	o = job{wrapper: "business", flow: "get.js", out: "fd:3", env: []string{sys.env()}}.run(t)
	assert.NotEqual(t, 0, o.exit)
	assert.Empty(t, o.recs, "nothing is open there")
}

// TestReaderGone: a sidecar whose parent died must not go on knocking at the system.
func TestReaderGone(t *testing.T) {
	sys := newSystem(t)
	self, err := os.Executable()
	require.NoError(t, err)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	script := job{wrapper: "pulse", flow: "get.js", rate: 10, duration: time.Hour}.script(t)
	cmd := exec.Command(self, "run", "--quiet", "--out", "lifeboat=stdout", script)
	cmd.Env = []string{asSidecar + "=1", sys.env()}
	cmd.Stdout = w
	require.NoError(t, cmd.Start())
	require.NoError(t, w.Close())
	_, err = r.Read(make([]byte, 100))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	gone := time.Now()
	err = cmd.Wait()
	require.Error(t, err)
	assert.Less(t, time.Since(gone), 20*time.Second)
	t.Logf("left %v after its reader, with %d", time.Since(gone).Round(time.Millisecond), cmd.ProcessState.ExitCode())
}

// TestStoppedEarly: a signal is obeyed at any moment, also before k6 listens for it.
func TestStoppedEarly(t *testing.T) {
	sys := newSystem(t)
	for _, wait := range []time.Duration{50, 100, 150, 200, 250, 300, 400} {
		c := job{wrapper: "pulse", flow: "get.js", rate: 10, duration: time.Hour, env: []string{sys.env()}}.start(t)
		time.Sleep(wait * time.Millisecond)
		asked := time.Now()
		c.signal(t, syscall.SIGTERM)
		o := c.wait(t)
		assert.Less(t, time.Since(asked), 20*time.Second)
		assert.Contains(t, []int{105, -1}, o.exit, "after %v ms: %s", wait, o.stderr) // -1: before main began
	}
}

// TestStoppedLoading: a script that is still loading ends with k6's code for a stop, not by the signal itself, which a
// process 1 would never get.
func TestStoppedLoading(t *testing.T) {
	c := job{flow: "slowinit.js"}.start(t)
	time.Sleep(700 * time.Millisecond)
	asked := time.Now()
	c.signal(t, syscall.SIGTERM)
	o := c.wait(t)
	assert.Equal(t, 105, o.exit)
	assert.Less(t, time.Since(asked), 20*time.Second)
	assert.Empty(t, o.recs)
}

// TestFlowOptions: what a flow exports can neither blind the stream nor hold the process.
func TestFlowOptions(t *testing.T) {
	sys := newSystem(t)
	c := job{wrapper: "pulse", flow: "hangdown.js", rate: 10, duration: time.Hour, env: []string{sys.env()}}.start(t)
	for range 40 { // more than there are users
		c.until(t, "a good iteration", isIter(true))
	}
	asked := time.Now()
	c.signal(t, syscall.SIGTERM)
	o := c.wait(t)
	t.Logf("left %v after SIGTERM with %d", time.Since(asked).Round(time.Millisecond), o.exit)
	assert.Less(t, time.Since(asked), 20*time.Second)
	assert.Contains(t, string(o.raw), `"kind":"end"`)
	assert.NotContains(t, string(o.raw), `"kind":"drop"`)
}

// sidecar runs the test binary as lifeboat-k6 with these arguments.
func sidecar(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	cmd.Env = []string{asSidecar + "=1", "HOME=/"}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// TestExtensions: an extension written for another k6 would build and be missing in silence.
func TestExtensions(t *testing.T) {
	out, exit := sidecar(t, ".", "version")
	assert.Equal(t, 0, exit)
	for _, want := range []string{"k6/x/lifeboat ", "k6/x/lifeboat/sql", "lifeboat "} {
		assert.Contains(t, strings.ReplaceAll(out, "\n", " "), want)
	}
}

// TestRefused: what would talk to somebody else ends before it starts.
func TestRefused(t *testing.T) {
	script := filepath.Join("testdata", "flows", "throws.js")
	for _, args := range [][]string{
		{}, {"cloud", "login"}, {"cloud", "run", script}, {"x", "explore"}, {"new"}, {"login"},
		{"run", "--out", "cloud", script}, {"run", "--out=influxdb=http://127.0.0.1:1", script},
		{"run", "-o", "cloud", script},
		{"run", "-qocloud", script}, {"run", "--out", "lifeboat=stdout", "--out", "json=x", script},
		{"run", "--traces-output=otel", script}, {"run", "--config", "x.json", script}, {"run", "--address=:6565", script},
		{"run", "--log-output=loki=http://127.0.0.1:1", script}, {"run", "--system-tags=url", script},
	} {
		out, exit := sidecar(t, ".", args...)
		assert.Equal(t, exitUsage, exit, "%v: %s", args, out)
		assert.Contains(t, out, "refused by lifeboat-k6", "%v", args)
	}
	for _, arg := range []string{"stdout,fd:3", "", "fd:1", "fd:x", "timeout=1s", "stdout,timeout=-1s", "stdout,all"} {
		out, exit := sidecar(t, ".", "run", "--out", "lifeboat="+arg, script)
		assert.NotEqual(t, 0, exit, "%q: %s", arg, out)
		assert.Contains(t, out, "read lifeboat output", "%q", arg)
	}
}

// TestRemote: nothing is fetched, neither a script nor an import, and not at archiving either.
func TestRemote(t *testing.T) {
	remote := filepath.Join("testdata", "flows", "remote.js")
	for _, args := range [][]string{
		{"run", "--out", "lifeboat=stdout", remote}, {"run", "--out", "lifeboat=stdout", "https://127.0.0.1:1/x.js"},
		{"archive", "-O", filepath.Join(t.TempDir(), "a.tar"), remote}, {"inspect", remote},
	} {
		out, exit := sidecar(t, ".", args...)
		assert.NotEqual(t, 0, exit, "%v", args)
		assert.Contains(t, out, "refused by lifeboat-k6", "%v", args)
	}
}

// TestArchive packs a wrapper with all that it imports and opens, and runs it elsewhere.
func TestArchive(t *testing.T) {
	sys := newSystem(t)
	script := job{wrapper: "business", flow: "shop.js", iters: 2}.script(t)
	tar := filepath.Join(t.TempDir(), "shop.tar")
	out, exit := sidecar(t, filepath.Dir(script), "archive", "-O", tar, filepath.Base(script))
	require.Equal(t, 0, exit, out)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "run", "--quiet", "--out", "lifeboat=stdout", tar)
	cmd.Env, cmd.Dir = []string{asSidecar + "=1", sys.env()}, t.TempDir()
	raw, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(raw), `"kind":"iter"`))
	assert.Equal(t, 4, strings.Count(string(raw), `"kind":"check"`))
	assert.NotContains(t, string(raw), `"ok":false`)
}
