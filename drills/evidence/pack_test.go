package evidence

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parted makes a home of so many nights, whose journals are noise of that size, and the parts of an archive of it.
func parted(t *testing.T, nights, size int) (home string, parts []part) {
	t.Helper()
	home = t.TempDir()
	noise := rand.NewChaCha8([32]byte{7})
	for i := range nights {
		l := Leaf{Kind: KindNight, ID: fmt.Sprintf("night-%03d", i)}
		require.NoError(t, os.MkdirAll(l.folder(home), 0o700))
		content := make([]byte, size)
		_, _ = noise.Read(content)
		require.NoError(t, os.WriteFile(filepath.Join(l.folder(home), nightName), content, 0o600))
		parts = append(parts, part{name: l.in(), of: &l})
	}
	return home, append(parts, part{name: bundleName, content: []byte("{}")})
}

// The bytes are the same however many processors there are; GNU tar and gzip read them, and find every file in its place. What is compressed
// before its turn and what is too much to wait for it in memory come to the same.
func TestArchiveByAnyProcessors(t *testing.T) {
	for name, c := range map[string]struct{ nights, size int }{
		"one":                         {0, 0},
		"a batch to the last":         {batch - 1, 100},
		"a batch and one":             {batch, 100},
		"many small":                  {7*batch + 3, 3000},
		"more than waits for a turn":  {3 * batch, mostEarly/batch + 1000},
		"files that are a block long": {3 * batch, 512},
	} {
		t.Run(name, func(t *testing.T) {
			home, parts := parted(t, c.nights, c.size)
			var all [2]bytes.Buffer
			for i, processors := range []int{1, 6} {
				before := runtime.GOMAXPROCS(processors)
				err := archive(&all[i], home, append([]part(nil), parts...))
				runtime.GOMAXPROCS(before)
				require.NoError(t, err)
			}
			require.True(t, bytes.Equal(all[0].Bytes(), all[1].Bytes()), "the same bytes")
			to := t.TempDir()
			untar := exec.Command("tar", "-xzf", "-", "-C", to)
			untar.Stdin = bytes.NewReader(all[0].Bytes())
			out, err := untar.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, p := range parts {
				if p.of == nil {
					continue
				}
				want, err := os.ReadFile(filepath.Join(p.of.folder(home), nightName))
				require.NoError(t, err)
				got, err := os.ReadFile(filepath.Join(to, p.name, nightName))
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, got), p.name)
			}
			assert.Equal(t, len(parts), files(t, &all[0]))
		})
	}
}

// files counts those of an archive up to its end, behind which nothing stands.
func files(t *testing.T, b *bytes.Buffer) (n int) {
	t.Helper()
	z, err := gzip.NewReader(b)
	require.NoError(t, err)
	for r := tar.NewReader(z); ; n++ {
		if _, err := r.Next(); err == io.EOF {
			rest, err := io.ReadAll(z)
			require.NoError(t, err)
			assert.Empty(t, rest)
			return n
		}
		require.NoError(t, err)
	}
}

// full is a disk that takes so many bytes.
type full struct{ left int }

var errFull = errors.New("the disk is full")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// A disk that is full, and a file that cannot be read, end it: nobody waits for a turn that never comes.
func TestArchiveThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	home, parts := parted(t, 4*batch, mostEarly/batch+1000)
	for _, left := range []int{0, 1000, mostEarly + 1, 3 * mostEarly} {
		assert.ErrorIs(t, archive(&full{left}, home, parts), errFull, "%d", left)
	}
	bad := parts[3*batch].of.folder(home)
	require.NoError(t, os.RemoveAll(bad))
	require.NoError(t, os.WriteFile(bad, nil, 0o600))
	assert.ErrorContains(t, archive(io.Discard, home, parts), filepath.Base(bad))
}
