package dir

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/internal/tree"
)

// A folder that is a tree is given with all that is in it, and is the same bytes each time.
func TestTrees(t *testing.T) {
	at := t.TempDir()
	write(t, at, "day-1/a", "one", time.Unix(1700000000, 5))
	write(t, at, "day-1/sub/b", "two", time.Unix(1700000001, 0))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(at, "day-1/out")))
	require.NoError(t, os.Link(filepath.Join(at, "day-1/a"), filepath.Join(at, "day-1/sub/same")))
	require.NoError(t, os.Chmod(filepath.Join(at, "day-1/a"), 0o4711))
	require.NoError(t, os.Mkdir(filepath.Join(at, "day-1/empty"), 0o700))
	require.NoError(t, os.Symlink("day-1", filepath.Join(at, "latest")))
	require.NoError(t, os.Symlink("/usr", filepath.Join(at, "elsewhere")))
	require.NoError(t, os.MkdirAll(filepath.Join(at, "hollow/x"), 0o755))
	write(t, at, "file.tar", "x", time.Time{})
	require.NoError(t, os.WriteFile(filepath.Join(at, "SHA256SUMS"), fmt.Appendf(nil, "%s  day-1/a\n%s  day-1/sub/b\n", sumOf("one"), sumOf("two")), 0o600))
	s := open(t, at, "trees: true")
	points, err := s.List(t.Context())
	require.NoError(t, err)
	is := map[string]store.Point{}
	for _, p := range points {
		is[p.ID] = p
	}
	assert.Equal(t, store.Hollow, is["hollow"].Unusable)
	assert.Equal(t, store.Dangling, is["elsewhere"].Unusable)
	p := is["day-1"]
	assert.Empty(t, p.Unusable)
	assert.False(t, p.Dir, "it is given as a tar is")
	assert.Equal(t, int64(9), p.Size)
	assert.Equal(t, time.Unix(1700000001, 0), p.Taken)
	read := func(p store.Point) ([]tree.Entry, string, error) {
		stream, err := s.Fetch(t.Context(), p)
		require.NoError(t, err)
		defer stream.Close()
		r := tree.NewTar(stream, true)
		for err = nil; err == nil; {
			_, err = r.Next()
		}
		if err == io.EOF {
			_, err = io.Copy(io.Discard, stream)
		}
		return r.Entries(), stream.Digest(), err
	}
	all, sum, err := read(p)
	require.NoError(t, err)
	var want []tree.Entry
	require.NoError(t, tree.Walk(filepath.Join(at, "day-1"), 1, func(e tree.Entry) error { want = append(want, e); return nil }))
	c := tree.Compare(want, all, tree.Options{Most: 3})
	assert.Empty(t, c.First)
	assert.Equal(t, int64(len(want)), c.Looked)
	_, same, err := read(is["latest"])
	require.NoError(t, err)
	assert.Equal(t, sum, same)
	require.NoError(t, os.WriteFile(filepath.Join(at, "day-1/sub/b"), []byte("TWO"), 0o600))
	_, _, err = read(p)
	var mismatch *store.Mismatch
	require.ErrorAs(t, err, &mismatch)
	assert.Equal(t, "day-1/sub/b", mismatch.Point)
	require.NoError(t, os.Remove(filepath.Join(at, "day-1/sub/b")))
	_, _, err = read(p)
	require.ErrorAs(t, err, &mismatch)
	assert.Equal(t, "missing", mismatch.Got)
	t.Run("it can be left early", func(t *testing.T) {
		write(t, at, "day-1/large", strings.Repeat("x", 4<<20), time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := s.Fetch(ctx, p)
		require.NoError(t, err)
		cancel()
		_, err = io.Copy(io.Discard, stream)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, stream.Close())
	})
	_, err = s.Fetch(t.Context(), store.Point{ID: "elsewhere"})
	require.Error(t, err)
}
