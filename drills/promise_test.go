package drills

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// What was promised of a backup's bytes is recorded with its algorithm, who promised it, and that lifeboat verified it.
func TestPromiseIsRecorded(t *testing.T) {
	md5 := record.Digest{Algorithm: "md5", Value: "0cc175b9c0f1b6a831c399e269772661", PromisedBy: record.PromisedBySideFile, File: "a.md5"}
	other := record.Digest{Algorithm: record.SHA256, Value: "01"}
	for name, c := range map[string]struct {
		promised record.Digest
		by       record.Verifier
		says     string
	}{
		"sha256":                          {promised00, record.VerifiedByLifeboat, ""},
		"md5":                             {md5, record.VerifiedByLifeboat, "digest.weak"},
		"a sha256 that was not what came": {other, record.VerifiedByNobody, ""},
		"none":                            {record.Digest{}, "", "digest.unverified"},
	} {
		t.Run(name, func(t *testing.T) {
			res := drillShelf(t, "", nil, store.Point{ID: "a", Size: 10, Digest: c.promised})
			require.Len(t, res.Record.RestorePoints, 1)
			p := res.Record.RestorePoints[0].Promise
			assert.Equal(t, c.promised.Given(), p != nil)
			if p != nil {
				want := c.promised
				want.VerifiedBy = c.by
				assert.Equal(t, want, *p)
				assert.Equal(t, c.by != record.VerifiedByNobody, res.Record.Restores[0].Verified)
			}
			said := ""
			for _, o := range res.Verdict.Observations {
				if o.ID == "digest.weak" || o.ID == "digest.unverified" {
					said += o.ID
				}
			}
			assert.Equal(t, c.says, said)
		})
	}
}
