package docker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// saved is a docker-save archive of a new image with a production tag on it; the image is not on the engine.
func saved(t *testing.T, e *Engine, tag, label string) (archive []byte, id string) {
	t.Helper()
	ctx := t.Context()
	root := tarOf([]*tar.Header{{Name: "etc/app.conf", Mode: 0o644}}, map[string][]byte{"etc/app.conf": []byte(label)})
	r, err := e.client.ImageImport(ctx, client.ImageImportSource{Source: root, SourceName: "-"}, tag,
		client.ImageImportOptions{Changes: []string{"LABEL is=" + label}})
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.NoError(t, err)
	i, err := e.client.ImageInspect(ctx, tag)
	require.NoError(t, err)
	s, err := e.client.ImageSave(ctx, []string{tag})
	require.NoError(t, err)
	defer s.Close()
	archive, err = io.ReadAll(s)
	require.NoError(t, err)
	return archive, i.ID
}

func TestLoadImage(t *testing.T) {
	t.Parallel()
	d, notes := newBench(t)
	ctx := t.Context()
	tag := "lifeboat-test/" + d.site.Scope.Drill + ":production"
	archive, id := saved(t, d.engine, tag, "fresh")
	removed := func() { _, _ = d.engine.client.ImageRemove(ctx, tag, client.ImageRemoveOptions{}) }

	t.Run("an image that the engine has gets the drill's tag beside its own", func(t *testing.T) {
		ref, err := d.LoadImage(ctx, instance.ImageArchive{Archive: bytes.NewReader(archive), ID: id, Name: "held"})
		require.NoError(t, err)
		assert.Equal(t, imageRepository+"/"+d.site.Scope.Drill+"/held:"+id[7:19], ref)
		removed()
		_, err = d.engine.client.ImageInspect(ctx, ref)
		require.NoError(t, err, "its owner let go of it in mid-drill")
		_, err = d.engine.client.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: tag})
		require.NoError(t, err)
		notes.UndoAll(t, d.site.Scope, Undoers(d.log))
		i, err := d.engine.client.ImageInspect(ctx, tag)
		require.NoError(t, err, "its owner's stays")
		assert.Equal(t, []string{tag}, i.RepoTags)
	})
	removed()
	t.Run("a new one gets the drill's tag and no other", func(t *testing.T) {
		ref, err := d.LoadImage(ctx, instance.ImageArchive{Archive: bytes.NewReader(archive), ID: id, Name: "shop-app"})
		require.NoError(t, err)
		assert.Equal(t, imageRepository+"/"+d.site.Scope.Drill+"/shop-app:"+id[7:19], ref)
		i, err := d.engine.client.ImageInspect(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, []string{ref}, i.RepoTags, "production's tag does not come along")
		assert.Equal(t, whatImage, notes.Entries()[0].What, "written first")
		left, err := d.engine.Leftovers(ctx, d.site.Scope.Drill)
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, ref, left[0].Name)
		again, err := d.LoadImage(ctx, instance.ImageArchive{Archive: bytes.NewReader(archive), ID: id, Name: "shop-app"})
		require.NoError(t, err)
		assert.Equal(t, ref, again, "the rollback finds what the restore loaded")
	})
	notes.UndoAll(t, d.site.Scope, Undoers(d.log))
	_, err := d.engine.client.ImageInspect(ctx, id)
	assert.True(t, gone(err), "the image is gone with the drill")

	t.Run("bad archives", func(t *testing.T) {
		cut := bytes.NewReader(archive[:len(archive)/2])
		_, err := d.LoadImage(ctx, instance.ImageArchive{Archive: cut, ID: id, Name: "cut"})
		require.Error(t, err)
		_, err = d.LoadImage(ctx, instance.ImageArchive{Archive: bytes.NewReader(archive),
			ID: "sha256:" + strings.Repeat("0", 64), Name: "other"})
		require.ErrorContains(t, err, "does not name the image")
		_, err = d.LoadImage(ctx, instance.ImageArchive{Archive: tarOf(nil, nil), ID: id, Name: "empty"})
		require.ErrorContains(t, err, "no manifest.json")
		_, err = d.engine.client.ImageInspect(ctx, id)
		assert.True(t, gone(err))
	})
}

// Two drills side by side on one backup: the first to end leaves the image to the other.
func TestLoadImageShared(t *testing.T) {
	t.Parallel()
	first, notes := newBench(t)
	second, others := newBench(t)
	ctx := t.Context()
	tag := "lifeboat-test/" + first.site.Scope.Drill + ":production"
	archive, id := saved(t, first.engine, tag, first.site.Scope.Drill)
	_, err := first.engine.client.ImageRemove(ctx, tag, client.ImageRemoveOptions{})
	require.NoError(t, err)
	for _, d := range []*Driver{first, second} {
		ref, err := d.LoadImage(ctx, instance.ImageArchive{Archive: bytes.NewReader(archive), ID: id, Name: "shop-app"})
		require.NoError(t, err)
		assert.Contains(t, ref, d.site.Scope.Drill)
	}
	notes.UndoAll(t, first.site.Scope, Undoers(first.log))
	_, err = first.engine.client.ImageInspect(ctx, id)
	require.NoError(t, err, "the second drill still holds it")
	others.UndoAll(t, second.site.Scope, Undoers(second.log))
	_, err = first.engine.client.ImageInspect(ctx, id)
	assert.True(t, gone(err), "it is gone with the last drill")
}

func FuzzRetag(f *testing.F) {
	manifest, _ := json.Marshal([]manifestEntry{{Config: "abc.json", RepoTags: []string{"prod:1"},
		Layers: []string{"l.tar"}}})
	whole, _ := io.ReadAll(tarOf([]*tar.Header{{Name: "abc.json"}, {Name: "manifest.json"}, {Name: "repositories"}},
		map[string][]byte{"manifest.json": manifest, "repositories": []byte("{}")}))
	f.Add(whole)
	f.Add(whole[:700])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		if err := retag(&out, bytes.NewReader(b), "lifeboat-drill/x/y:z", "abc"); err != nil {
			return
		}
		assert.NotContains(t, out.String(), "prod:1", "an archive that is accepted carries only our tag")
	})
}
