package restore

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

func TestPiece(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"shop.sql.aa": true, "a/xab": true, "shop.7z.002": true, "shop.part03.rar": true, "shop.z01": true, "shop.00": true, "shop.sql": false,
		"shop.sql.gz": false, "shop.tar": false, "shop.2026": false, "shop.1": false, "shop-aa": false, "data": false,
		"shop.2026.11.08": false, "shop-2026-11.08": false, "disk1.002": true} {
		assert.Equal(t, want, Piece(store.Point{ID: name}, "its end is missing"), name)
	}
	assert.False(t, Piece(store.Point{ID: "shop.01", Dir: true}, "its end is missing"), "split makes no folders")
	p := store.Point{ID: "shop.01", Digest: record.Digest{Algorithm: record.SHA256, Value: "ab"}}
	assert.True(t, Piece(p, "its end is missing"))
	broken := &store.Mismatch{Point: p.ID, Want: p.Digest.String(), Got: "sha256:cd"}
	assert.False(t, Piece(p, broken.Error()+"; its end is missing"), "a piece that is not what was promised is bad")
}
