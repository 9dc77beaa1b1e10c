package sidecars

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestIs(t *testing.T) {
	for name, want := range map[string]bool{
		"shop.dump": false, "SHA256SUMS": true, "a/SHA256SUMS": true, ".hidden": true, "a/.hidden": true, ".a/shop": false,
		"shop.dump.sha256": true, "shop.dump.sha256sum": true, "sha256sums.txt": true, "README": true, "shop.dump.manifest.yaml": true, "shop.dump.asc": true, "manifest.yaml": false,
		"shop.dump.md5": true, "shop.log": true, "shop.json": true, "a/lost+found": true, "MD5SUMS": true, "log": false,
		"shop.dump.sha256.txt": true, "shop.dump.MD5": true, "vzdump-qemu-100.vma.zst.notes": true, "vm.xml": true, "shop.dump.txt": false, "@eaDir": true,
		"shop.tar": false,
	} {
		assert.Equal(t, want, Is(name), name)
	}
}

func TestPartial(t *testing.T) {
	for name, want := range map[string]string{"x.dump.part": "x.dump", "a/x.tmp": "a/x", "x~": "x", "x.dump": "", ".part": "",
		"a/.part": "", "part": ""} {
		complete, is := Partial(name)
		assert.Equal(t, want, complete, name)
		assert.Equal(t, want != "", is, name)
	}
	assert.True(t, Match("*.dump", "x.dump.part"))
	assert.True(t, Match("*.dump", "x.dump"))
	assert.False(t, Match("*.dump", "x.sql.part"))
	assert.False(t, Match("*.dump", "x.sql"))
}

func TestConsistency(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]struct {
		to      time.Time
		by, err string
	}{
		"consistent_to: 2026-03-01T12:00:00Z": {to: noon, by: "manifest x.manifest.yaml"},
		"consistent_to: 2026-03-01T12:00:00Z\nconsistent_by: the dump's snapshot": {to: noon,
			by: "manifest x.manifest.yaml: the dump's snapshot"},
		"consistent_by: nobody": {},
		"consistent_to: noon":   {err: "x.manifest.yaml: "},
		"other: 1":              {err: "other"},
		"[":                     {err: "x.manifest.yaml: "},
	} {
		to, by, err := Consistency("x.manifest.yaml", text)
		assert.True(t, want.to.Equal(to), text)
		assert.Equal(t, want.by, by)
		if want.err == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want.err)
		}
	}
}
