package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However many read side by side, paths come in their order with their own digests, and an end ends it.
func TestWalkInOrder(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for i := range 200 {
		content := make([]byte, i*i*17)
		for j := range content {
			content[j] = byte(i)
		}
		require.NoError(t, os.WriteFile(filepath.Join(top, fmt.Sprintf("f%03d", i)), content, 0o600))
	}
	var got []string
	require.NoError(t, Walk(top, 3, func(e Entry) error {
		got = append(got, e.Path)
		if e.Type == File {
			content, err := os.ReadFile(filepath.Join(top, e.Path))
			sum := sha256.Sum256(content)
			assert.Equal(t, hex.EncodeToString(sum[:]), e.Digest, "%s %v", e.Path, err)
			assert.Equal(t, int64(len(content)), e.Size)
		}
		return nil
	}))
	assert.Len(t, got, 201)
	assert.True(t, slices.IsSorted(got))

	enough, calls := errors.New("enough"), 0
	assert.ErrorIs(t, Walk(top, 3, func(Entry) error { calls++; return enough }), enough)
	assert.Equal(t, 1, calls)
	assert.ErrorIs(t, Walk(filepath.Join(top, "gone"), 3, func(Entry) error { return nil }), os.ErrNotExist)
}
