package docker

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// What somebody else does to a machine's containers is told as such; what lifeboat or the machine itself does is not.
func TestForeignHands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(t *testing.T, d *Driver, m *Machine)
		want string // "" where it was left alone
	}{
		"left alone": {func(*testing.T, *Driver, *Machine) {}, ""},
		"stopped by lifeboat": {func(t *testing.T, _ *Driver, m *Machine) {
			require.NoError(t, m.Stop(t.Context()))
		}, ""},
		"ended by itself": {func(*testing.T, *Driver, *Machine) { time.Sleep(time.Second) }, ""},
		"removed": {func(t *testing.T, d *Driver, m *Machine) {
			_, err := d.engine.client.ContainerRemove(t.Context(), m.id, client.ContainerRemoveOptions{Force: true})
			require.NoError(t, err)
		}, "removed by somebody else"},
		"killed": {func(t *testing.T, d *Driver, m *Machine) {
			_, err := d.engine.client.ContainerKill(t.Context(), m.id, client.ContainerKillOptions{Signal: "KILL"})
			require.NoError(t, err)
		}, "killed by somebody else"},
		"paused": {func(t *testing.T, d *Driver, m *Machine) {
			_, err := d.engine.client.ContainerPause(t.Context(), m.id, client.ContainerPauseOptions{})
			require.NoError(t, err)
			t.Cleanup(func() { _, _ = d.engine.client.ContainerUnpause(t.Context(), m.id, client.ContainerUnpauseOptions{}) })
		}, "paused by somebody else"},
		"disconnected": {func(t *testing.T, d *Driver, m *Machine) {
			_, err := d.engine.client.NetworkDisconnect(t.Context(), d.net.id, client.NetworkDisconnectOptions{Container: m.sandbox.id, Force: true})
			require.NoError(t, err)
		}, "disconnected from its network by somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := newBench(t)
			r := serving("app")
			if name == "ended by itself" {
				r.Entrypoint = []string{"/guest", "sleep", "700ms"}
			}
			booted, err := d.Boot(t.Context(), r)
			require.NoError(t, err)
			m := booted.(*Machine)
			c.act(t, d, m)
			time.Sleep(200 * time.Millisecond) // the engine notices
			_, stateErr := m.State(t.Context())
			intact := d.Intact(t.Context())
			if c.want == "" {
				require.NoError(t, stateErr)
				require.NoError(t, intact)
				return
			}
			require.ErrorContains(t, intact, c.want)
			if name != "disconnected" {
				assert.ErrorContains(t, stateErr, c.want)
			}
		})
	}
}

// What the drill's containers cost is known, also of those that are gone.
func TestUsed(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	r := serving("app")
	r.Data = []string{"/data"}
	m, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, d.Reach(t.Context()))
	used, err := d.Used(t.Context())
	require.NoError(t, err)
	assert.Positive(t, used.CPU)
	assert.Positive(t, used.Memory)
	const size = 4 << 20
	for _, folder := range []string{"/data", "/"} { // a volume, and the container's own layer
		file := tarOf([]*tar.Header{{Name: "file", Mode: 0o600}}, map[string][]byte{"file": bytes.Repeat([]byte{1}, size)})
		require.NoError(t, instance.Put(t.Context(), m, folder, file))
	}
	d.takes.cost = 0 // it was looked for just now
	more, err := d.Used(t.Context())
	require.NoError(t, err)
	assert.InDelta(t, used.Disk+2*size, more.Disk, size/4)
	require.NoError(t, m.Destroy(t.Context()))
	d.takes.cost = 0
	after, err := d.Used(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, after.CPU, used.CPU)
	assert.Less(t, after.Memory, used.Memory, "of what is there")
	assert.Less(t, after.Disk, more.Disk, "of what is there")
}

// What files take is counted once, and nothing elsewhere.
func TestAllocated(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	base, err := allocated(t.Context(), dir)
	require.NoError(t, err)
	const size = 1 << 20
	for _, file := range []string{filepath.Join(dir, "file"), filepath.Join(elsewhere, "file")} {
		require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte{1}, size), 0o600))
	}
	require.NoError(t, os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "again")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "out")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hole"), nil, 0o600))
	require.NoError(t, os.Truncate(filepath.Join(dir, "hole"), 100<<20))
	got, err := allocated(t.Context(), dir)
	require.NoError(t, err)
	assert.InDelta(t, base+size, got, size/8)
	none, err := allocated(t.Context(), filepath.Join(dir, "gone"))
	require.NoError(t, err)
	assert.Zero(t, none)
}
