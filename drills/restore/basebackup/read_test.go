package basebackup

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every form in which a good backup comes is read to its end and found good.
func TestGoodBackupsAreRead(t *testing.T) {
	t.Parallel()
	all := sample(t)
	tars := all.Below("tar")
	wal := all.Below("wal").Tarred()
	for name, c := range map[string]struct {
		folder bool
		raw    string
	}{
		"tar":           {true, tars.Tarred()},
		"packed":        {true, all.Below("packed").Tarred()},
		"a tar of tars": {false, tars.Tarred()},
		"below a base":  {false, tree{}.Under("backups/base/2026-11-29", tars).Tarred()},
		"cold":          {true, all.Below("cold").Tarred()},
		"cold in a tar": {false, tree{}.Under("var/lib/data", all.Below("cold")).Tarred()},
	} {
		_, err := loader(t, "{}").Read(t.Context(), source(c.folder, c.raw, ""))
		require.NoError(t, err, name)
		b := &backup{Loader: loader(t, "wal: archive"), source: source(c.folder, c.raw, wal)}
		out, err := b.read(t.Context(), nil)
		require.NoError(t, err, name)
		assert.NotEmpty(t, out.Beside["archive"].Digest, name)
		if !b.ground.clean { // the last segment of one that was shut down is its own
			assert.True(t, b.chain.archived, name)
			assert.Greater(t, b.chain.last.Number, b.chain.first.Number, name)
		}
	}
}
