package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// runIn runs a script of the container below a folder of this host, where qemu-img is a stand-in that counts its calls.
func runIn(t *testing.T, dir, script string) *exec.Cmd {
	t.Helper()
	stub := "#!/bin/sh\necho \"$1\" >>" + dir + "/calls\necho '{}'\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "qemu-img"), []byte(stub), 0o700))
	c := exec.Command("/bin/sh", "-c", strings.ReplaceAll(script, diskDir, dir))
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	return c
}

// A machine that is stopped and started, or reverted, does not wait for all metadata of its disk to be read again.
func TestImageIsLookedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script, err := inspection([]*drive{{image: instance.DiskImage{Format: "qcow2"}, here: true}})
	require.NoError(t, err)
	for range 2 {
		out, err := runIn(t, dir, script).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	require.NoError(t, err)
	assert.Equal(t, "info\ncheck\nconvert\n", string(calls))
}

// The script to go on with is not begun before all of it is there.
func TestWaitForGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	goes := filepath.Join(dir, filepath.Base(goScript))
	require.NoError(t, os.WriteFile(goes, nil, 0o600)) // as it is for a moment while it is being written
	c := runIn(t, dir, waitForGo)
	require.NoError(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("it went on: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, os.WriteFile(goes, []byte("exit 42\n"+whole+"\n"), 0o600))
	select {
	case <-ended:
		assert.Equal(t, 42, c.ProcessState.ExitCode())
	case <-time.After(time.Minute):
		_ = c.Process.Kill()
		t.Fatal("it waits")
	}
}

func TestJudgeLook(t *testing.T) {
	t.Parallel()
	const fine = `{"format": "qcow2", "virtual-size": 1048576}`
	for name, tc := range map[string]struct {
		text        [5]string
		words, fail string
	}{
		"sound":         {[5]string{"0", "", fine, "0", ""}, "", ""},
		"lost clusters": {[5]string{"0", "", fine, "3", "1 leaked clusters"}, "", ""},
		"damaged":       {[5]string{"0", "", fine, "2", "7 errors were found on the image."}, "is damaged: 7 errors", ""},
		"no image":      {[5]string{"1", "qemu-img: Image is not in qcow2 format", "", "1", ""}, "cannot be opened", ""},
		"a header": {[5]string{"1", "qemu-img: Could not open 'json:{}': Could not open 'x': Invalid VDI image", "", "1", ""},
			"cannot be opened", ""},
		"no right to read": {[5]string{"1", "qemu-img: Could not open 'x': Permission denied", "", "1", ""}, "",
			"Permission denied"},
		"a newer QEMU's": {[5]string{"1", "qemu-img: Could not open 'x': Unsupported qcow2 version 4", "", "1", ""}, "",
			"Unsupported qcow2 version 4"},
		"a log": {[5]string{"1", "qemu-img: Could not open 'json:{}': VHDX image file '/backup/image' opened read-only, but contains a " +
			"log that needs to be replayed\nTo replay the log, run:\nqemu-img check -r all '/backup/image'", "", "1", ""},
			"its log must be replayed first", ""},
		"no room to check":     {[5]string{"0", "", fine, "1", "qemu-img: Cannot allocate memory"}, "", "could not check it"},
		"killed as it opened":  {[5]string{"137", "", "", "137", ""}, "", `exit code "137"`},
		"killed as it checked": {[5]string{"0", "", fine, "137", ""}, "", `exit code "137"`},
		"not run":              {[5]string{"127", "qemu-img: not found", "", "127", ""}, "", `exit code "127"`},
		"nothing":              {[5]string{}, "", `exit code ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			virtual, words, err := judgeLook("qcow2", backupPath, tc.text)
			if tc.fail != "" {
				require.ErrorContains(t, err, tc.fail)
				return
			}
			require.NoError(t, err)
			if tc.words == "" {
				assert.Empty(t, words.words)
				assert.EqualValues(t, 1<<20, virtual)
			}
			assert.Contains(t, words.words, tc.words)
		})
	}
}
