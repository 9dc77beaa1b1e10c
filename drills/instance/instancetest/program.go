package instancetest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BuildProgram builds the program of sandboxes as it is in the sources, for back-ends that need one.
func BuildProgram() (*io.SectionReader, error) {
	dir, err := os.MkdirTemp("", "lifeboat-sandbox-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "lifeboat-sandbox")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "lifeboat/cmd/lifeboat-sandbox")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program of sandboxes: %w\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	return Executable(b), err
}

// Executable is how a back-end gets a program of these bytes.
func Executable(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// Program is BuildProgram in a test.
func Program(t testing.TB) *io.SectionReader {
	t.Helper()
	b, err := BuildProgram()
	require.NoError(t, err)
	return b
}
