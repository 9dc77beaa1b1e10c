package oci

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

// TestRead: an archive is read to its end, and nothing is handed to an engine.
func TestRead(t *testing.T) {
	t.Parallel()
	s := newSample(t, runtime.GOARCH)
	good := pack(t, s.saved(t, "shop/app:1")...)
	out, err := imager(t, "{}").Read(t.Context(), source("", good))
	require.NoError(t, err)
	assert.Equal(t, sum(good), out.Digest)
	var bad *restore.BackupError
	for name, members := range map[string][]member{
		"a layer is missing": without(s.saved(t, "shop/app:1"), "1/layer.tar"),
		"a layer is bent":    change(s.saved(t, "shop/app:1"), "1/layer.tar", flip),
	} {
		_, err := imager(t, "{}").Read(t.Context(), source("", pack(t, members...)))
		assert.ErrorAs(t, err, &bad, name)
	}
	_, err = imager(t, "{}").Read(t.Context(), source("", cut(good)))
	assert.ErrorAs(t, err, &bad)
}
