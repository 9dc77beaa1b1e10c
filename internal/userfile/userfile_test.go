package userfile_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/userfile"
)

// Nothing of this waits: the test would.
func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600))
	require.NoError(t, os.Symlink("pipe", at("link-to-pipe")))
	require.NoError(t, os.Mkdir(at("folder"), 0o700))
	require.NoError(t, os.Symlink("/dev/zero", at("zero")))
	l, err := net.Listen("unix", at("socket"))
	require.NoError(t, err)
	defer l.Close()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	for name, what := range map[string]string{"pipe": "a pipe", "link-to-pipe": "a pipe", "folder": "a folder",
		"zero": "a device", "socket": "a socket"} {
		_, err := userfile.Read(at(name), 10)
		require.ErrorIs(t, err, userfile.ErrNotFile, name)
		assert.ErrorContains(t, err, "it is "+what+", not a file")
		if name != "zero" { // which leaves the folder
			_, err = userfile.ReadIn(root, name, 10)
			assert.ErrorIs(t, err, userfile.ErrNotFile, name)
		}
	}
	_, err = userfile.Open(at("absent"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = userfile.OpenIn(root, "absent")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = userfile.ReadIn(root, "zero", 10)
	assert.Error(t, err)
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	b, err := userfile.Read(path, 10)
	require.NoError(t, err)
	assert.Equal(t, "0123456789", string(b))
	_, err = userfile.Read(path, 9)
	assert.ErrorIs(t, err, userfile.ErrTooLarge)
}
