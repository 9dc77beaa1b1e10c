package qemu

import (
	"bytes"
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
	var last string
	for i := range 3000 {
		last = fmt.Sprintf("[%8d] the guest has something to say, over and over\n", i)
		_, err := f.WriteString(last)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		all, err = os.ReadFile(log)
		return err == nil && len(all) <= kept && bytes.HasSuffix(all, []byte(last))
	}, time.Minute, 50*time.Millisecond)
	_, err = f.WriteString("Kernel panic\n")
	require.NoError(t, err)
	all, err = os.ReadFile(log)
	require.NoError(t, err)
	assert.True(t, bytes.HasSuffix(all, []byte(last+"Kernel panic\n")))
}
