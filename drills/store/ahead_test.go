package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
)

// What is read ahead is what was there, in its order; its end, its digest and its errors come when they are due.
func TestAhead(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	open := func(ctx context.Context, r io.Reader) store.Stream {
		return store.Ahead(ctx, store.Verify(ctx, store.Opened{Body: io.NopCloser(r), Size: -1}))
	}
	s := open(t.Context(), iotest.HalfReader(bytes.NewReader(content)))
	first := make([]byte, 10)
	_, err := io.ReadFull(s, first)
	require.NoError(t, err)
	_, err = io.ReadFull(s, make([]byte, 1000))
	require.NoError(t, err)
	assert.EqualValues(t, 1010, s.Bytes(), "as many as were given")
	assert.Empty(t, s.Digest())
	rest, err := io.ReadAll(s)
	require.NoError(t, err)
	assert.Equal(t, content[1010:], rest)
	assert.NotEmpty(t, s.Digest())
	assert.NoError(t, s.Close())
	assert.NoError(t, s.Close(), "twice")

	broken := errors.New("it broke")
	s = open(t.Context(), io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)))
	got, err := io.ReadAll(s)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, content, got, "all before it")
	assert.Empty(t, s.Digest())
	assert.NoError(t, s.Close())

	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	s = store.Ahead(ctx, store.Verify(ctx, store.Opened{Body: r, Size: -1}))
	go func() { _, _ = w.Write(make([]byte, 2000)) }()
	_, err = io.ReadFull(s, make([]byte, 2000))
	require.NoError(t, err)
	cancel()
	_, err = s.Read(make([]byte, 1))
	assert.ErrorIs(t, err, context.Canceled, "one that hangs is not waited for")
	assert.NoError(t, s.Close())

	ctx, cancel = context.WithCancel(t.Context())
	inner := store.Verify(ctx, store.Opened{Body: io.NopCloser(bytes.NewReader(content[:2000])), Size: -1})
	s = store.Ahead(ctx, inner)
	for range 2 {
		_, err = io.ReadFull(s, first)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return inner.Digest() != "" }, time.Minute, time.Millisecond, "all of it is read ahead")
	cancel()
	_, err = s.Read(make([]byte, 10_000))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, s.Digest(), "of what nobody was given to its end")
	assert.NoError(t, s.Close())

	r, w = io.Pipe()
	s = store.Ahead(t.Context(), store.Verify(t.Context(), store.Opened{Body: r, Size: -1}))
	go func() { _, _ = w.Write(first) }()
	_, err = io.ReadFull(s, first)
	require.NoError(t, err)
	ended := make(chan error)
	go func() { _, err := s.Read(first); ended <- err }()
	assert.NoError(t, s.Close())
	assert.Error(t, <-ended, "who waits for more while it is closed")

	reads := 0
	s = open(t.Context(), readerFunc(func(p []byte) (int, error) { reads++; return len(p), nil }))
	_, err = s.Read(first)
	require.NoError(t, err)
	assert.NoError(t, s.Close())
	assert.Equal(t, 1, reads, "who looks at the beginning reads no more than that")
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
