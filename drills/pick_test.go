package drills

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/scenarios"
)

func TestPickRefusesTwoPromises(t *testing.T) {
	for name, tc := range map[string]struct{ digest, says string }{
		"none of its own": {},
		"the same":        {digest: "sha256:00"},
		"another":         {digest: "sha256:ff", says: "the scenario promises sha256:ff for p1, its store sha256:00"},
	} {
		t.Run(name, func(t *testing.T) {
			b := BackupPlan{Name: "db", Store: fakeStore{}, Spec: scenarios.Backup{Digest: tc.digest, Pick: "latest"}}
			err := b.pick(t.Context(), time.Now(), 0)
			if tc.says != "" {
				assert.ErrorContains(t, err, tc.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "sha256:00", b.Point.Digest.String())
		})
	}
}
