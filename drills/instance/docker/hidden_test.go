package docker

import (
	"archive/tar"
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
)

// withFiles imports an image of the guest with files beside it, and with a volume of its own.
func withFiles(t *testing.T, e *Engine, tag string, files map[string]string) {
	t.Helper()
	guest, err := os.ReadFile(built.guest)
	require.NoError(t, err)
	contents := map[string][]byte{"guest": guest}
	var heads []*tar.Header
	for name, text := range files {
		contents[name] = []byte(text)
	}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		for _, h := range append(folderHeaders(path.Dir(name)), &tar.Header{Name: name, Mode: 0o755}) {
			if !slices.ContainsFunc(heads, func(o *tar.Header) bool { return o.Name == h.Name }) {
				heads = append(heads, h)
			}
		}
	}
	r, err := e.client.ImageImport(t.Context(), client.ImageImportSource{Source: tarOf(heads, contents), SourceName: "-"}, tag,
		client.ImageImportOptions{Changes: []string{"VOLUME /declared"}})
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	t.Cleanup(func() {
		_, err := e.client.ImageRemove(context.Background(), tag, client.ImageRemoveOptions{})
		assert.NoError(t, err)
	})
}

// Data that were kept lie over what another image has in their folder. What that one has alike, what the image itself began
// the data with, and a folder without files are nothing to tell.
func TestHidden(t *testing.T) {
	t.Parallel()
	e, err := Open(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	if err := e.ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	const one, two = "lifeboat-test/hidden:1", "lifeboat-test/hidden:2"
	withFiles(t, e, one, map[string]string{"srv/app": "one", "srv/lib/same": "same", "declared/theme": "one", "plain/x": "one"})
	withFiles(t, e, two, map[string]string{"srv/app": "two", "srv/lib/same": "same", "srv/lib/new": "two", "declared/theme": "two",
		"plain/x": "two"})
	d, _ := newBench(t) // its containers go before their images
	boot := func(generation int, image string, drop ...string) instance.Machine {
		m, err := d.Boot(t.Context(), instance.Request{Name: "app", Generation: generation, Image: image, KeepData: generation > 1,
			DropData: drop, Data: []string{"/srv", "/data"}, Entrypoint: []string{"/guest"}, Command: []string{"sleep", "1h"}})
		require.NoError(t, err)
		return m
	}
	read := func(m instance.Machine, name string) string {
		raw, err := m.Get(t.Context(), name)
		require.NoError(t, err)
		return string(raw)
	}
	hidden := func() []instance.Hidden {
		all, err := d.Hidden(t.Context())
		require.NoError(t, err)
		return all
	}
	boot(1, one)
	assert.Empty(t, hidden())
	m := boot(2, two)
	assert.Equal(t, "one", read(m, "/srv/app"), "this is what it is about")
	assert.Equal(t, "two", read(m, "/plain/x"))
	want := []instance.Hidden{
		{Instance: "app", Generation: 2, Folder: "/declared", Files: []string{"theme"}},
		{Instance: "app", Generation: 2, Folder: "/srv", Files: []string{"app", "lib/new"}},
	}
	assert.Equal(t, want, hidden())
	boot(3, two)
	boot(4, one)
	assert.Equal(t, want, hidden(), "once, and nothing of the image that the data began with")
	m = boot(5, two, "/srv", "/declared")
	assert.Equal(t, "two", read(m, "/srv/app"))
	m = boot(6, one)
	assert.Equal(t, "two", read(m, "/srv/app"))
	assert.Equal(t, append([]instance.Hidden{want[0], want[1]},
		instance.Hidden{Instance: "app", Generation: 6, Folder: "/declared", Files: []string{"theme"}},
		instance.Hidden{Instance: "app", Generation: 6, Folder: "/srv", Files: []string{"app"}}), hidden(), "the other way round")
}
