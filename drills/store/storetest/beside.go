package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
)

// beside holds stores that implement store.Beside to it.
func beside(t *testing.T, h Harness) {
	const suffix = ".profile.json"
	said := []byte(`{"version": 1}`)
	about := func(id, digest string) Backup {
		return Backup{ID: id + suffix, Written: day.Add(time.Hour), Content: said, Digest: digest}
	}
	s := h.New(t, Backup{ID: "x.dump", Written: day, Content: []byte("x")}, Backup{ID: "y.dump", Written: day, Content: []byte("y")},
		Backup{ID: "z.dump", Written: day, Content: []byte("z")}, about("x.dump", Sum(said)), about("y.dump", Sum([]byte("other"))))
	with, ok := s.(store.Beside)
	if !ok {
		t.Skip("this store gives nothing that lies beside")
	}
	points, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 3, "a profile is no restore point")
	raw, err := with.Beside(t.Context(), points[0], suffix)
	require.NoError(t, err)
	assert.Equal(t, said, raw)
	_, err = with.Beside(t.Context(), points[1], suffix)
	var mismatch *store.Mismatch
	require.ErrorAs(t, err, &mismatch, "what is promised of it holds for it")
	_, err = with.Beside(t.Context(), points[2], suffix)
	assert.ErrorIs(t, err, store.ErrNoPoint)
	alone, point := one(t, h, Backup{ID: "x.dump", Content: []byte("x")})
	_, err = alone.(store.Beside).Beside(t.Context(), point, suffix)
	assert.ErrorIs(t, err, store.ErrNoPoint)
}
