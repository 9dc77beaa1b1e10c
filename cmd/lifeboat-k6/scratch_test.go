package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestScratch runs the real binary as process 1 of an empty, read-only image: no /tmp, no home, no certificates, no
// user. The script comes on standard input as an archive.
func TestScratch(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary and needs Docker")
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		t.Skipf("Docker is not available: %s", bytes.TrimSpace(out))
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "lifeboat-k6")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	script := job{wrapper: "business", flow: "throws.js", iters: 3}.script(t)
	tar := filepath.Join(dir, "flow.tar")
	outText, exit := sidecar(t, filepath.Dir(script), "archive", "-O", tar, filepath.Base(script))
	require.Equal(t, 0, exit, outText)

	image := "lifeboat-k6-test:" + strings.ToLower(filepath.Base(dir)) + "x" + filepath.Base(filepath.Dir(dir))
	pack := exec.Command("sh", "-c", `tar -C "$0" -c lifeboat-k6 | docker import - "$1"`, dir, image)
	out, err = pack.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })

	archive, err := os.Open(tar)
	require.NoError(t, err)
	defer func() { _ = archive.Close() }()
	cmd := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--read-only", "--cap-drop", "ALL",
		"--user", "65534:65534", "--log-driver", "none", image,
		"/lifeboat-k6", "run", "--quiet", "--out", "lifeboat=stdout", "-")
	cmd.Stdin = archive
	raw, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(raw), `"kind":"iter"`), "%s", raw)
	assert.Contains(t, string(raw), `"iterations_failed":1`)
	assert.Contains(t, string(raw), `"kind":"end"`)
}
