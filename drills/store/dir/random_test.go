package dir

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

func TestRandom(t *testing.T) {
	storetest.RunRandom(t, storetest.Harness{Folders: true, New: folderStore})
}

func openAt(t *testing.T, dir, id string) (store.Random, error) {
	t.Helper()
	r, err := open(t, dir, "").(store.RandomStore).OpenAt(t.Context(), store.Point{ID: id}, "")
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

func TestOpenAtLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, dir, "deep/a.img", "inside", time.Time{})
	write(t, outside, "b.img", "outside", time.Time{})
	for name, target := range map[string]string{
		"latest.img": "deep/a.img", "away.img": filepath.Join(outside, "b.img"), "up.img": "../../../../../etc/passwd",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	r, err := openAt(t, dir, "latest.img")
	require.NoError(t, err)
	want, err := filepath.EvalSymlinks(filepath.Join(dir, "deep/a.img"))
	require.NoError(t, err)
	assert.Equal(t, want, r.Path(), "no link is left in it")
	for _, id := range []string{"away.img", "up.img", "../" + filepath.Base(outside) + "/b.img"} {
		_, err = openAt(t, dir, id)
		assert.ErrorContains(t, err, "path escapes", id)
	}
}

func TestOpenAtNoFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	_, err := openAt(t, dir, "pipe") // must not wait for a writer
	var problem *store.Problem
	require.ErrorAs(t, err, &problem)
}

func TestReadAtChanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"shorter": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 10)) },
		"written": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, storetest.Noise(1000), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.img", string(make([]byte, 1000)), time.Now().Add(-time.Hour))
			r, err := openAt(t, dir, "a.img")
			require.NoError(t, err)
			_, err = r.ReadAt(make([]byte, 10), 0)
			require.NoError(t, err)
			require.NoError(t, r.Same())
			change(t, filepath.Join(dir, "a.img"))
			require.ErrorContains(t, r.Same(), "was written to while it was read")
			_, err = r.ReadAt(make([]byte, 10), 0)
			var problem *store.Problem
			require.ErrorAs(t, err, &problem)
			assert.Contains(t, err.Error(), "was written to while it was read")
		})
	}
	t.Run("a new file of that name is another matter", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, "a.img", "old", time.Now().Add(-time.Hour))
		r, err := openAt(t, dir, "a.img")
		require.NoError(t, err)
		write(t, dir, "new", "new", time.Time{})
		require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a.img")))
		got := make([]byte, 3)
		_, err = r.ReadAt(got, 0)
		require.NoError(t, err)
		assert.Equal(t, "old", string(got))
		assert.ErrorContains(t, r.Same(), "was replaced after it was opened", "who opens its path gets the other")
	})
}

// A backup that was replaced since it was listed has another digest than the one that was promised: no fault of the backup.
func TestReplacedSinceListed(t *testing.T) {
	for name, early := range map[string]bool{"before it is opened": true, "while it is read": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put := func(text string, written time.Time) {
				write(t, dir, "a.dump", text, written)
				write(t, dir, "a.dump.sha256", storetest.Sum([]byte(text))[len("sha256:"):], written)
			}
			put("backup", time.Now().Add(-time.Hour))
			s := open(t, dir, "")
			points, err := s.List(t.Context())
			require.NoError(t, err)
			if early {
				put("nother", time.Now())
				_, err := s.(store.RandomStore).OpenAt(t.Context(), points[0], "")
				require.ErrorContains(t, err, "a.dump was replaced or written to since it was listed (keep backups under")
			}
			stream, err := s.Fetch(t.Context(), points[0])
			if err == nil {
				defer stream.Close()
				put("nother", time.Now())
				_, err = io.Copy(io.Discard, stream)
			}
			require.ErrorContains(t, err, "a.dump was replaced or written to since it was listed (keep backups under")
			var mismatch *store.Mismatch
			assert.NotErrorAs(t, err, &mismatch)
			var problem *store.Problem
			assert.ErrorAs(t, err, &problem)
		})
	}
}
