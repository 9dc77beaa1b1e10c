package docker

import (
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	m, err := d.Boot(t.Context(), serving("app"))
	require.NoError(t, err)
	require.NoError(t, d.Reach(t.Context()))
	used, err := d.Used(t.Context())
	require.NoError(t, err)
	assert.Positive(t, used.CPU)
	assert.Positive(t, used.Memory)
	require.NoError(t, m.Destroy(t.Context()))
	after, err := d.Used(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, after.CPU, used.CPU)
	assert.Less(t, after.Memory, used.Memory, "of what is there")
}
