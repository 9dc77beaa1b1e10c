package docker

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The images of earlier builds go once nobody has used them for long; what a container holds stays.
func TestForgetTools(t *testing.T) {
	d, _ := newBench(t)
	e := d.engine
	repository := "lifeboat-test/" + strings.ToLower(t.Name())
	guest, err := os.ReadFile(built.guest)
	require.NoError(t, err)
	var refs []string
	for build := range 3 {
		ref, err := e.tool(t.Context(), repository, "/tool", bytes.NewReader(append(guest, byte(build))))
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = e.client.ImageRemove(context.Background(), ref, client.ImageRemoveOptions{Force: true}) })
		refs = append(refs, ref)
	}
	held, latest := refs[1], refs[2]
	c, err := e.client.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: held}})
	require.NoError(t, err)
	drop := func() {
		_, _ = e.client.ContainerRemove(context.Background(), c.ID, client.ContainerRemoveOptions{Force: true})
	}
	t.Cleanup(drop)
	there := func() (have []string) {
		for _, ref := range refs {
			if _, err := e.client.ImageInspect(t.Context(), ref); err == nil {
				have = append(have, ref)
			}
		}
		return have
	}
	require.NoError(t, e.forgetTools(t.Context(), repository, time.Now().Add(-time.Hour)))
	require.Equal(t, refs, there(), "used within the hour")

	after := time.Now()
	require.NoError(t, e.used(t.Context(), latest))
	require.NoError(t, e.forgetTools(t.Context(), repository, after))
	assert.Equal(t, []string{held, latest}, there())
	drop()
	require.NoError(t, e.forgetTools(t.Context(), repository, after))
	assert.Equal(t, []string{latest}, there())
}
