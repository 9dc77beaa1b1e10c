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
func TestShortSecrets(t *testing.T) {
	t.Setenv("LIFEBOAT_TEST_SHORT", "abc")
	t.Setenv("LIFEBOAT_TEST_EMPTY", "")
	t.Setenv("LIFEBOAT_TEST_LONG", "abcd")
	_, problems := load("s.yaml", t.TempDir(), []byte(`scenario: x
instances:
  db: {kind: docker, image: x, env: {A: {env: LIFEBOAT_TEST_SHORT}, B: {env: LIFEBOAT_TEST_EMPTY}, C: {env: LIFEBOAT_TEST_LONG},
    D: {env: LIFEBOAT_TEST_ABSENT}, E: abc}}
`), "")
	found := 0
	for _, p := range problems {
		if strings.Contains(p.Message, "too short to be hidden") {
			found++
			assert.Equal(t, "instances.db.env.A: the value of LIFEBOAT_TEST_SHORT is shorter than 4 characters, "+
				"too short to be hidden in reports", p.Message)
		}
	}
	assert.Equal(t, 1, found)
	_, err := Secret{env: "LIFEBOAT_TEST_SHORT"}.Reveal()
	assert.ErrorIs(t, err, ErrShortSecret)
}
