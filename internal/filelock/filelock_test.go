package filelock

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	a, err := os.Create(path)
	require.NoError(t, err)
	b, err := os.Open(path)
	require.NoError(t, err)
	defer b.Close() //nolint:errcheck // it was only read
	require.NoError(t, Exclusive(a, 0))

	began := time.Now()
	assert.ErrorIs(t, Exclusive(b, 100*time.Millisecond), ErrLocked)
	assert.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)

	time.AfterFunc(100*time.Millisecond, func() { assert.NoError(t, a.Close()) })
	assert.NoError(t, Exclusive(b, 5*time.Second), "it was given up meanwhile")
}
