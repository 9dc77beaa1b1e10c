package qemu

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A command whose caller went away is killed, and not what has its number in a guest that booted meanwhile.
func TestKillChild(t *testing.T) {
	t.Parallel()
	kill := func(pid int) {
		out, err := exec.Command("/bin/sh", "-c", killChild, strconv.Itoa(pid)).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	own := exec.Command("sleep", "60") // its parent is the one that runs the script, as the agent is
	require.NoError(t, own.Start())
	kill(own.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- own.Wait() }()
	select {
	case err := <-ended:
		require.ErrorContains(t, err, "killed")
	case <-time.After(time.Minute):
		_ = own.Process.Kill()
		t.Fatal("it goes on")
	}

	other := exec.Command("/bin/sh", "-c", "sleep 60 & echo $!; wait")
	printed, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	line, err := bufio.NewReader(printed).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	defer func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_ = other.Wait()
	}()
	kill(pid)
	assert.NoError(t, syscall.Kill(pid, 0), "somebody else's process")
	time.Sleep(50 * time.Millisecond)
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	require.NoError(t, err, "it is gone")
	assert.NotContains(t, string(state), "Z")
}
