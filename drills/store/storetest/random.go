package storetest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
)

// RunRandom runs the suite of stores that read a point where it lies.
func RunRandom(t *testing.T, h Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"reads are the stream's bytes":            sameBytes,
		"reads at the same time":                  atOnce,
		"a read past the end":                     pastEnd,
		"an empty point":                          nothing,
		"a read after Close":                      closed,
		"a context that ended stops the reads":    ended,
		"nothing is left behind":                  leftovers,
		"a point that is not there cannot open":   goneAt,
		"a folder cannot be opened":               folderAt,
		"what was fetched is counted, no more":    fetched,
		"a path is that of the very file, if any": pathOf,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

// Noise is n bytes of which no two stretches are alike, the same in every run.
func Noise(n int) []byte {
	var seed [32]byte
	out := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(out) // never fails
	return out
}

const noise = 5<<20 + 17 // several chunks of every store, the last of them not whole

// openAt opens one point of that content.
func openAt(ctx context.Context, t *testing.T, h Harness, content []byte) (store.Store, store.Point, store.Random) {
	t.Helper()
	s, p := one(t, h, Backup{ID: "disk.img", Content: content})
	r, err := s.(store.RandomStore).OpenAt(ctx, p, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return s, p, r
}

func sameBytes(t *testing.T, h Harness) {
	s, p, r := openAt(t.Context(), t, h, Noise(noise))
	want, _ := read(t, s, p)
	require.Equal(t, int64(len(want)), r.Size())
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off := random.IntN(len(want))
		got := make([]byte, 1+random.IntN(min(len(want)-off, 2<<20)))
		n, err := r.ReadAt(got, int64(off))
		require.Equal(t, len(got), n)
		if err != nil { // io.ReaderAt leaves it open at the very end
			require.ErrorIs(t, err, io.EOF)
			require.Equal(t, len(want), off+n)
		}
		require.Equal(t, Sum(want[off:off+n]), Sum(got), "at %d", off)
	}
	all, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)
	assert.Equal(t, Sum(want), Sum(all))
}

func atOnce(t *testing.T, h Harness) {
	want := Noise(noise)
	_, _, r := openAt(t.Context(), t, h, want)
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i%4))) // each four read the same places
			for range 40 {
				off := random.IntN(len(want) - 300_000)
				got := make([]byte, random.IntN(300_000))
				if _, err := r.ReadAt(got, int64(off)); err != nil {
					errs[i] = err
				} else if Sum(got) != Sum(want[off:off+len(got)]) {
					errs[i] = errors.New("other bytes")
				}
			}
		})
	}
	wg.Wait()
	assert.NoError(t, errors.Join(errs...))
}

func pastEnd(t *testing.T, h Harness) {
	want := Noise(noise)
	_, _, r := openAt(t.Context(), t, h, want)
	got := make([]byte, 100)
	n, err := r.ReadAt(got, int64(len(want)-40))
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 40, n)
	assert.Equal(t, want[len(want)-40:], got[:n])
	for _, off := range []int64{int64(len(want)), int64(len(want)) + 1, 1 << 50} {
		n, err = r.ReadAt(got, off)
		assert.ErrorIs(t, err, io.EOF)
		assert.Zero(t, n)
	}
	_, err = r.ReadAt(got, -1)
	require.Error(t, err)
	assert.NotErrorIs(t, err, io.EOF)
}

func nothing(t *testing.T, h Harness) {
	_, _, r := openAt(t.Context(), t, h, nil)
	assert.Zero(t, r.Size())
	_, err := r.ReadAt(make([]byte, 1), 0)
	assert.ErrorIs(t, err, io.EOF)
}

func closed(t *testing.T, h Harness) {
	_, _, r := openAt(t.Context(), t, h, Noise(noise))
	_, err := r.ReadAt(make([]byte, 10), 0)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = r.ReadAt(make([]byte, 10), 0)
	assert.ErrorIs(t, err, fs.ErrClosed)
	_, err = r.ReadAt(make([]byte, 10), noise/2)
	assert.ErrorIs(t, err, fs.ErrClosed)
}

func ended(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	_, _, r := openAt(ctx, t, h, Noise(noise))
	cancel()
	_, err := r.ReadAt(make([]byte, 10), noise/2)
	assert.ErrorIs(t, err, context.Canceled)
}

func leftovers(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "disk.img", Content: Noise(noise)})
	scratch := t.TempDir()
	r, err := s.(store.RandomStore).OpenAt(t.Context(), p, scratch)
	require.NoError(t, err)
	_, err = r.ReadAt(make([]byte, noise), 0)
	require.NoError(t, err)
	names, err := os.ReadDir(scratch)
	require.NoError(t, err)
	assert.Empty(t, names, "a process that is killed now leaves nothing")
	require.NoError(t, r.Close())
}

func goneAt(t *testing.T, h Harness) {
	s, _ := one(t, h, Backup{ID: "disk.img", Content: content()})
	_, err := s.(store.RandomStore).OpenAt(t.Context(), store.Point{ID: "other.img"}, t.TempDir())
	assert.ErrorIs(t, err, store.ErrNoPoint)
}

func folderAt(t *testing.T, h Harness) {
	if !h.Folders {
		t.Skip("this store holds no folders")
	}
	s, p := one(t, h, Backup{ID: "x", Files: map[string][]byte{"toc.dat": []byte("toc")}})
	_, err := s.(store.RandomStore).OpenAt(t.Context(), p, t.TempDir())
	assert.ErrorContains(t, err, "folder")
}

func fetched(t *testing.T, h Harness) {
	_, _, r := openAt(t.Context(), t, h, Noise(noise))
	_, err := r.ReadAt(make([]byte, 1000), noise/2)
	require.NoError(t, err)
	some := r.Fetched()
	assert.GreaterOrEqual(t, some, int64(1000))
	assert.Less(t, some, int64(noise), "not all of it")
	_, err = r.ReadAt(make([]byte, noise), 0)
	require.NoError(t, err)
	assert.Greater(t, r.Fetched(), some)
}

func pathOf(t *testing.T, h Harness) {
	want := Noise(noise)
	_, _, r := openAt(t.Context(), t, h, want)
	if r.Path() == "" {
		return
	}
	assert.True(t, filepath.IsAbs(r.Path()))
	got, err := os.ReadFile(r.Path())
	require.NoError(t, err)
	assert.Equal(t, Sum(want), Sum(got))
}
