package docker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
)

// keptEngine runs an engine of its own whose containers outlive it (live-restore), in a network namespace that outlives
// it, too. restart ends it in an orderly way and returns when the next one answers.
func keptEngine(t *testing.T) (restart func()) {
	t.Helper()
	if _, err := exec.LookPath("dockerd"); err != nil || os.Getuid() != 0 {
		needs.Skipf(t, "an engine of its own needs root and dockerd")
	}
	dir, err := os.MkdirTemp("", "lifeboat-engine-")
	require.NoError(t, err)
	config := fmt.Sprintf(`{"data-root": %q, "exec-root": %q, "live-restore": true}`, filepath.Join(dir, "data"),
		filepath.Join(dir, "exec"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(config), 0o600))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	keeper := exec.Command("unshare", "-n", "sh", "-c", `ip link set lo up; while [ ! -e "$0/over" ]; do dockerd `+
		`--config-file "$0/daemon.json" -H "unix://$0/sock" --pidfile "$0/pid" --bridge=none; done`, dir)
	keeper.Stdout, keeper.Stderr = log, log
	require.NoError(t, keeper.Start())
	pid := func() int {
		b, err := os.ReadFile(filepath.Join(dir, "pid"))
		n, aerr := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || aerr != nil {
			return 0
		}
		return n
	}
	answers := func(other int) {
		require.Eventually(t, func() bool {
			return pid() != 0 && pid() != other &&
				exec.Command("docker", "-H", "unix://"+filepath.Join(dir, "sock"), "version").Run() == nil
		}, 2*time.Minute, 200*time.Millisecond)
	}
	t.Cleanup(func() {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, "over"), nil, 0o600))
		if p := pid(); p != 0 {
			_ = syscall.Kill(p, syscall.SIGTERM)
		}
		_ = keeper.Wait()
		out, err := exec.Command("sh", "-c", `grep -o "$0[^ ]*" /proc/mounts | sort -r | xargs -r umount; rm -rf "$0"`, dir).
			CombinedOutput()
		assert.NoError(t, err, string(out))
	})
	answers(0)
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "sock"))
	return func() {
		old := pid()
		require.NoError(t, syscall.Kill(old, syscall.SIGTERM))
		answers(old)
	}
}

// An engine that is started anew takes every tunnel along, and no machine: what was on its way could not be asked, and
// the next question finds the machine as it was.
func TestEngineStartedAnew(t *testing.T) {
	needs.Long(t)
	restart := keptEngine(t)
	d, _ := newBench(t)
	defer d.Close()
	guest, err := os.Open(built.guest)
	require.NoError(t, err)
	defer guest.Close()
	r := serving("db")
	r.Image, err = d.engine.tool(t.Context(), "lifeboat-test/guest", "/guest", guest)
	require.NoError(t, err)
	m, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	c := dialled(t, m)
	restart()
	_, err = io.ReadAll(c)
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
	dialled(t, m)
	got, err := m.Exec(t.Context(), instance.Command{Args: []string{"/guest", "echo", "still here"}})
	require.NoError(t, err)
	assert.Equal(t, "still here\n", got.Stdout)
	i, err := d.engine.client.ContainerInspect(t.Context(), m.(*Machine).Handle(), client.ContainerInspectOptions{})
	require.NoError(t, err)
	assert.Zero(t, i.Container.RestartCount)
}
