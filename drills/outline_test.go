package drills

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is promised of a restore point and cannot be used is not told as if nothing were: the drill will not pass.
func TestOutlineSaysWhyADigestIsOfNoUse(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]OutlineBackup{
		"a from p, 1 bytes, no digest promised":                                     {},
		"a from p, 1 bytes, sha256:00":                                              {Digest: "sha256:00"},
		"a from p, 1 bytes, a digest that is of no use: it is promised two digests": {Doubt: "it is promised two digests"},
	} {
		b.Backup, b.Point, b.Size = "a", "p", 1
		assert.Contains(t, (&Outline{Restore: []OutlineBackup{b}}).String(), want+"\n")
	}
}
