package qemu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Of a console without end its end stays, and what is printed afterwards.
func TestConsoleIsBounded(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "console.log")
	const most, kept = 100_000, 10_000
	watch := exec.Command("sh", "-c", boundConsole(log, most, kept, 50*time.Millisecond)+"exec sleep 60")
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, watch.Start())
	defer func() { // in a container what is in the background ends with the first process
		require.NoError(t, syscall.Kill(-watch.Process.Pid, syscall.SIGKILL))
		_ = watch.Wait()
	}()
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString("Linux version 6.1\n")
	require.NoError(t, err)
	time.Sleep(200 * time.Millisecond)
	all, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, "Linux version 6.1\n", string(all), "what is short stays whole")
	written := len(all)
	for i := range 3000 {
		n, err := fmt.Fprintf(f, "[%8d] the guest has something to say, over and over\n", i)
		require.NoError(t, err)
		written += n
	}
	require.Eventually(t, func() bool { // it may have been cut while that was written: what came after is there as well
		_, unfinished := os.Stat(log + ".end")
		all, err = os.ReadFile(log)
		return err == nil && os.IsNotExist(unfinished) && kept <= len(all) && len(all) <= most
	}, time.Minute, 50*time.Millisecond)
	assert.Less(t, len(all), written)
	before := all
	_, err = f.WriteString("Kernel panic\n")
	require.NoError(t, err)
	all, err = os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, string(before)+"Kernel panic\n", string(all))
}
