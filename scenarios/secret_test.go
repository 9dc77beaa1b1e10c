package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/userfile"
)

// A secret's file that never ends, or that waits for somebody to write, is refused at once.
func TestSecretsOfFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), []byte(strings.Repeat("x", LargestSecret+1)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), []byte("two\nlines\r\n"), 0o600))
	for file, want := range map[string]error{"pipe": userfile.ErrNotFile, "/dev/zero": userfile.ErrNotFile,
		".": userfile.ErrNotFile, "large": userfile.ErrTooLarge, "absent": os.ErrNotExist} {
		_, err := Secret{file: file}.within(dir).Reveal()
		assert.ErrorIs(t, err, want, file)
	}
	got, err := Secret{file: "key"}.within(dir).Reveal()
	require.NoError(t, err)
	assert.Equal(t, "two\nlines", got)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "s.yaml"), 0o600))
	_, err = Load(filepath.Join(dir, "s.yaml"))
	assert.ErrorContains(t, err, "cannot be read: it is a pipe, not a file")
}

// A secret that would take half of every word with it is refused where its value can be read.
func TestShortSecret(t *testing.T) {
	t.Setenv("LIFEBOAT_TEST_SHORT", "abc")
	_, err := Secret{env: "LIFEBOAT_TEST_SHORT"}.Reveal()
	assert.ErrorIs(t, err, ErrShortSecret)
}
