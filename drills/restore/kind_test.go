package restore

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPiece(t *testing.T) {
	for name, want := range map[string]bool{"shop.sql.aa": true, "a/xab": true, "shop.7z.002": true, "shop.part03.rar": true, "shop.z01": true, "shop.00": true, "shop.sql": false,
		"shop.sql.gz": false, "shop.tar": false, "shop.2026": false, "shop.1": false, "shop-aa": false, "data": false} {
		assert.Equal(t, want, Piece(name), name)
	}
}
