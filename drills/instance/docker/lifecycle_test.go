package docker

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// settingsVariable is set for a process of this test in another home, where Go's cache is empty.
const settingsVariable = "LIFEBOAT_TEST_SETTINGS"

// What a user set for the containers of their own tests changes nothing of a drill: not the names of images, not the reaper.
// The settings are read once in a process, so this test looks from a process of its own.
func TestSettingsOfOthers(t *testing.T) {
	t.Parallel()
	if os.Getenv(settingsVariable) == "" {
		home := t.TempDir()
		file := []byte("hub.image.name.prefix=mirror.example/\nryuk.disabled=false\ndocker.host=tcp://192.0.2.1:2375\n")
		require.NoError(t, os.WriteFile(filepath.Join(home, ".testcontainers.properties"), file, 0o600))
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestSettingsOfOthers$")
		c.Env = append(os.Environ(), settingsVariable+"=1", "HOME="+home, "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX=other.example/",
			"TESTCONTAINERS_RYUK_DISABLED=false")
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	e, err := openHost(defaultHost(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	home := os.Getenv("HOME")
	p, err := e.lifecycle()
	require.NoError(t, err)
	assert.True(t, p.Config().Config.RyukDisabled)
	assert.Empty(t, p.Config().Config.HubImageNamePrefix)
	assert.Empty(t, p.Config().Host)
	assert.Equal(t, home, os.Getenv("HOME"), "the rest of the process keeps its home")
}
