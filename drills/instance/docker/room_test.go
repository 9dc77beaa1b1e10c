package docker

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
	"lifeboat/internal/needs"
)

// A tool whose output nobody takes any more is gone at once, however much it would still write. Engines handle the end of no container before whoever
// is attached to it took all or let go, and answer no question about it meanwhile.
func TestAToolThatNobodyHears(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	defer d.Close()
	if _, err := d.engine.client.ImageInspect(t.Context(), postgresImage); err != nil {
		needs.Skip(t, err)
	}
	x, err := OpenRoom(t.Context(), d.site, store.RoomRequest{Image: postgresImage})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	ran := make(chan error, 1)
	go func() { ran <- x.Run(ctx, store.Tool{Args: []string{"cat", "/dev/zero"}, Stdout: w}) }()
	_, err = io.ReadFull(r, make([]byte, 1<<20))
	require.NoError(t, err)
	mine := client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", ledger.LabelDrill+"="+d.site.Scope.Drill)}
	all, err := d.engine.client.ContainerList(t.Context(), mine)
	require.NoError(t, err)
	assert.Len(t, all.Items, 2, "the tool, and what holds its namespace")
	for _, c := range all.Items {
		is, err := d.engine.client.ContainerInspect(t.Context(), c.ID, client.ContainerInspectOptions{})
		require.NoError(t, err)
		assert.Equal(t, "none", is.Container.HostConfig.LogConfig.Type, "nothing that a backup holds is kept by the engine")
	}
	time.Sleep(2 * time.Second) // until everything between the tool and its reader is full
	begun := time.Now()
	cancel()
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-ran, context.Canceled)
	assert.Less(t, time.Since(begun), killLimit/2)
	require.NoError(t, x.Close())
	all, err = d.engine.client.ContainerList(t.Context(), mine)
	require.NoError(t, err)
	assert.Empty(t, all.Items)
}
