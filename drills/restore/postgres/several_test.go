package postgres

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/needs"
)

// One database of a dump never takes the place of another, and none is left behind in silence.
func TestLoadKeepsDatabasesApart(t *testing.T) {
	t.Parallel()
	m, outer := postgres(t), t // who holds the server
	another := func(t *testing.T, raw []byte) []byte {
		return slices.Concat(raw, bytes.ReplaceAll(raw, []byte("estate"), []byte("estate2")))
	}
	all := map[string]struct {
		dump     string
		damage   damage
		settings string
		want     string // in the error; "": it loads
	}{
		"connects nowhere": {dump: "create", damage: swap("\\connect estate\n", "\n", 0),
			want: "comes before it connects to any database"},
		"cluster: never connects to one": {dump: "cluster", damage: swap("\\connect -reuse-previous=on \"dbname='Second Estate'\"\n", "\n", 0),
			want: "makes the database \"Second Estate\" and never connects to it"},
		"a table dropped behind its data": {dump: "plain", damage: swap("-- Name: orders orders_pkey", "-- PostgreSQL database dump complete\n-- PostgreSQL database dump\n"+
			"DROP TABLE extra.fast;\n-- Name: orders orders_pkey", 1), want: "extra.fast"},
		"a lost piece, from one into the next": {dump: "cluster", damage: swap("\n-- PostgreSQL database dump complete\n", "\n", 2),
			want: "another dump begins before the closing line"},
		"two, of one name here": {dump: "create", damage: another, settings: "database: app",
			want: "estate2 would take the place of the one before it, as app"},
		"two, of their own names": {dump: "create", damage: another},
		"one twice":               {dump: "create", damage: twice, want: "it makes the database estate twice"},
	}
	for name, test := range needs.Sample(t, all, 3) {
		t.Run(name, func(t *testing.T) {
			raw := test.damage(t, bytes.Clone(dumped(outer, test.dump)))
			clear(t, m)
			defer clear(t, m)
			s := source(raw, restoretest.Digest(raw))
			s.Unused = true
			_, err := loader(t, both(settings, test.settings)).Load(t.Context(), s, m)
			if test.want != "" {
				assert.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			for _, database := range []string{"estate", "estate2"} {
				assert.Equal(t, "100", answer(t, m, database, "", "", "select count(*) from public.orders"), database)
			}
		})
	}
}
