package chunks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store/remote"
)

const chunk = 1 << 10

// far is a source in memory that can be told to fail.
type far struct {
	content []byte
	fail    func(off int64) error

	mu    sync.Mutex
	asked []int64
}

func (f *far) First(ctx context.Context, buf []byte) (int, int64, error) {
	size := min(int64(len(buf)), int64(len(f.content)))
	n, err := f.Fetch(ctx, buf[:size], 0)
	return n, int64(len(f.content)), err
}

func (f *far) Fetch(_ context.Context, buf []byte, off int64) (int, error) {
	f.mu.Lock()
	f.asked = append(f.asked, off)
	f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(off); err != nil {
			return 0, err
		}
	}
	return copy(buf, f.content[off:]), nil
}

func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

func open(t *testing.T, f *far) *Cache {
	t.Helper()
	c, err := Open(t.Context(), f, Options{Scratch: t.TempDir(), Chunk: chunk, AtOnce: 4})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEachChunkIsFetchedOnce(t *testing.T) {
	f := &far{content: content(40*chunk + 7)}
	c := open(t, f)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
			assert.NoError(t, err)
			assert.True(t, bytes.Equal(f.content, got))
		})
	}
	wg.Wait()
	assert.Len(t, f.asked, 41)
	assert.Equal(t, int64(len(f.content)), c.Fetched())
	assert.Empty(t, c.Path())
}

func TestEmpty(t *testing.T) {
	c := open(t, &far{})
	assert.Zero(t, c.Size())
	_, err := c.ReadAt(make([]byte, 1), 0)
	assert.ErrorIs(t, err, io.EOF)
}

func TestErrors(t *testing.T) {
	cold := errors.New("cold")
	for name, test := range map[string]struct {
		err   error
		asks  int
		want  string
		other bool
	}{
		"for good":          {cold, 1, "cold", false},
		"may pass":          {remote.Passing(cold), 3, "cold (tried 3 times)", false},
		"another file":      {Another(cold), 1, "cold", true},
		"another, may pass": {remote.Passing(Another(cold)), 3, "cold (tried 3 times)", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &far{content: content(4 * chunk)}
			c := open(t, f)
			f.fail = func(int64) error { return test.err }
			_, err := c.ReadAt(make([]byte, 1), 2*chunk)
			require.ErrorIs(t, err, cold)
			assert.EqualError(t, err, test.want)
			assert.Len(t, f.asked, 1+test.asks)
			f.fail = nil
			_, err = c.ReadAt(make([]byte, 1), 2*chunk)
			require.NoError(t, err, "it is asked for again")
			if test.other {
				assert.ErrorIs(t, c.Same(), cold, "and that stays so")
			} else {
				assert.NoError(t, c.Same())
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	scratch := t.TempDir()
	_, err := Open(t.Context(), &far{content: content(1), fail: func(int64) error { return errors.New("cold") }},
		Options{Scratch: scratch, Chunk: chunk, AtOnce: 1})
	require.EqualError(t, err, "cold")
	left, err := os.ReadDir(scratch)
	require.NoError(t, err)
	assert.Empty(t, left)
	_, err = Open(t.Context(), &far{}, Options{Scratch: scratch + "/missing", Chunk: chunk, AtOnce: 1})
	assert.ErrorContains(t, err, "keep what is fetched")
}

func TestCloseEndsWhatIsTriedAgain(t *testing.T) {
	f := &far{content: content(4 * chunk)}
	c := open(t, f)
	f.fail = func(int64) error { return remote.Passing(errors.New("cold")) }
	result := make(chan error, 1)
	go func() { _, err := c.ReadAt(make([]byte, 1), chunk); result <- err }()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, c.Close())
	assert.ErrorIs(t, <-result, fs.ErrClosed)
	assert.ErrorIs(t, c.Close(), fs.ErrClosed)
}
