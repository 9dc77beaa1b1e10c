package ci

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// engine is a Docker engine of the test's own, in a network namespace of its
// own: it can be stopped without harm to the machine's.
type engine struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	host string
}

// privateEngine starts one, or skips where that needs more than this host allows.
func privateEngine(t *testing.T) *engine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a second Docker engine needs root")
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		t.Skip("no dockerd on this host:", err)
	}
	dir, err := os.MkdirTemp("", "lifeboat-engine-")
	require.NoError(t, err)
	e := &engine{t: t, dir: dir, host: "unix://" + filepath.Join(dir, "sock")}
	t.Cleanup(func() {
		e.stop()
		out, err := exec.Command("sh", "-c", `grep -o "`+dir+`[^ ]*" /proc/mounts | sort -r | xargs -r umount; rm -rf `+dir).
			CombinedOutput()
		assert.NoError(t, err, string(out))
	})
	config := fmt.Sprintf(`{"data-root": %q, "exec-root": %q}`, filepath.Join(dir, "data"), filepath.Join(dir, "exec"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(config), 0o600))
	e.start()
	return e
}

func (e *engine) start() {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(e.t, err)
	defer log.Close()
	e.cmd = exec.Command("unshare", "-n", "sh", "-c", `ip link set lo up; exec dockerd --config-file "$0/daemon.json" `+
		`-H "unix://$0/sock" --pidfile "$0/pid" --bridge=none`, e.dir)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	require.NoError(e.t, e.cmd.Start())
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := e.docker("version").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			require.NoError(e.t, err, string(out))
		}
	}
}

// stop ends the engine by its own pid, and its containers with it.
func (e *engine) stop() {
	if e.cmd == nil {
		return
	}
	assert.NoError(e.t, e.cmd.Process.Signal(syscall.SIGTERM))
	_ = e.cmd.Wait() // how it ends says nothing
	e.cmd = nil
}

func (e *engine) docker(args ...string) *exec.Cmd {
	return exec.Command("docker", append([]string{"-H", e.host}, args...)...)
}

// load copies an image from the machine's engine.
func (e *engine) load(image string) {
	e.t.Helper()
	out, err := exec.Command("sh", "-ec", `docker save "$1" | docker -H "$0" load`, e.host, image).CombinedOutput()
	require.NoError(e.t, err, string(out))
}

// leftovers of a drill on this engine.
func (e *engine) leftovers(drill string) string {
	e.t.Helper()
	var all strings.Builder
	for _, args := range [][]string{{"ps", "-a", "--format", "{{.Names}}"}, {"network", "ls", "--format", "{{.Name}}"},
		{"volume", "ls", "-q"}, {"images", "--format", "{{.Repository}}"}} {
		out, err := e.docker(args...).Output()
		require.NoError(e.t, err)
		for name := range strings.FieldsSeq(string(out)) {
			if strings.Contains(name, drill) {
				fmt.Fprintln(&all, name)
			}
		}
	}
	return all.String()
}

// The engine stops in the middle of a drill, and the harness dies: its reaper
// tries until the engine is back.
func TestStoppedEngineReaper(t *testing.T) {
	t.Parallel()
	b, home := onKillBench(t), t.TempDir()
	e := privateEngine(t)
	e.load("lifeboat/postgres:15")
	b.env = append(b.env, "DOCKER_HOST="+e.host)
	h := b.start(home, b.small())
	drill := h.await(begun, 5*time.Minute)
	e.stop()
	require.NoError(t, h.cmd.Process.Kill())
	h.end()
	time.Sleep(25 * time.Second) // longer than one clean-up tries
	e.start()
	for end := time.Now().Add(2 * time.Minute); len(processes(t, drill)) > 0; time.Sleep(200 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "the reaper cleans up and leaves; still there: %s", e.leftovers(drill))
	}
	assert.Empty(t, e.leftovers(drill))
	b.proved(home, drill, 1)
}

// The engine stops in the middle of a drill: what cannot be removed is named,
// each with its command, exit 4; once the engine is back, a sweep removes it.
func TestStoppedEngine(t *testing.T) {
	t.Parallel()
	b, home := onKillBench(t), t.TempDir()
	e := privateEngine(t)
	e.load("lifeboat/postgres:15")
	b.env = append(b.env, "DOCKER_HOST="+e.host)
	h := b.start(home, b.small())
	drill := h.await(`"kind":"restore.done"`, 5*time.Minute)
	e.stop()
	assert.Equal(t, 4, h.end(), "%s%s", h.out, h.errs)
	report, err := os.ReadFile(filepath.Join(home, "drills", drill, "reports", "report.md"))
	require.NoError(t, err)
	for _, fix := range []string{"docker rm -fv lifeboat-" + drill + "-db-1", "docker network rm lifeboat-" + drill,
		"docker volume rm lifeboat-" + drill + "-db-1-0"} {
		assert.Contains(t, h.out.String(), fix)
		assert.Contains(t, string(report), fix)
	}
	code, said := b.lifeboat(home, "sweep", "--json")
	assert.Equal(t, 4, code, "the engine is not back; %s", said)
	e.start()
	assert.NotEmpty(t, e.leftovers(drill))
	code, said = b.lifeboat(home, "sweep", "--json")
	assert.Zero(t, code, said)
	assert.Empty(t, e.leftovers(drill))
	b.proved(home, drill, 1)
	for end := time.Now().Add(10 * time.Second); len(processes(t, drill)) > 0; time.Sleep(100 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "the reaper has nothing to do any more")
	}
}
