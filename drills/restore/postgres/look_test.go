package postgres

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

const headerOf = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version "

// A dump of a newer server, or for a newer client, than the image has is named before anything boots.
func TestLookNamesAnOlderServer(t *testing.T) {
	t.Parallel()
	custom, err := os.ReadFile("pgdump/testdata/custom.dump") // of PostgreSQL 15, in format 1.14
	require.NoError(t, err)
	newest := append(bytes.Clone(custom[:12]), custom[16:]...) // a byte for the compression where older ones have a number
	newest[6] = 16
	for name, test := range map[string]struct {
		raw      []byte
		env      map[string]string
		settings string
		what     string // "": it is looked at no further
		has      string
	}{
		"the same":            {raw: custom, env: map[string]string{"PG_MAJOR": "15"}},
		"older than here":     {raw: custom, env: map[string]string{"PG_MAJOR": "17"}},
		"newer than here":     {raw: custom, env: map[string]string{"PG_MAJOR": "14"}, what: restore.MisfitServer, has: "PostgreSQL 15"},
		"by the path":         {raw: custom, env: map[string]string{"PATH": "/usr/lib/postgresql/14/bin:/bin"}, what: restore.MisfitServer, has: "PostgreSQL 15"},
		"an image of another": {raw: custom, env: map[string]string{"PATH": "/bin"}},
		"plain":               {raw: []byte(headerOf + "16.2 (Debian 16.2-1)\n"), env: map[string]string{"PG_MAJOR": "15"}, what: restore.MisfitServer, has: "PostgreSQL 16.2"},
		"plain, compressed":   {raw: []byte(gzipped(headerOf + "16.2\n")), env: map[string]string{"PG_MAJOR": "15"}, what: restore.MisfitServer, has: "PostgreSQL 16.2"},
		"plain, of the same":  {raw: []byte(headerOf + "15.9\n"), env: map[string]string{"PG_MAJOR": "15"}},
		"in text of the dump": {raw: []byte(headerOf + "15.9\n\n--\n-- Name: a; Type: TABLE; Schema: public; Owner: o\n--\n\n" +
			"-- Dumped from database version 18\n"), env: map[string]string{"PG_MAJOR": "15"}},
		"a newer format": {raw: newest, env: map[string]string{"PG_MAJOR": "15"}, what: restore.MisfitArchive, has: "PostgreSQL 17"},
		"with a client":  {raw: newest, env: map[string]string{"PG_MAJOR": "15"}, settings: "programs: /opt/17/bin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := source(test.raw, "")
			s.Env = func(context.Context) (map[string]string, error) { return test.env, nil }
			err := loader(t, both(settings, test.settings)).Look(t.Context(), s)
			if test.what == "" {
				assert.NoError(t, err)
				return
			}
			var misfit *restore.MisfitError
			require.ErrorAs(t, err, &misfit)
			assert.Equal(t, test.what, misfit.What)
			assert.Contains(t, misfit.Has, test.has)
			assert.Contains(t, misfit.Reason(), "take an image of that version or later")
		})
	}
}

// When a dump was made is known, is not said, or cannot be told from its beginning.
func TestMade(t *testing.T) {
	t.Parallel()
	custom, err := os.ReadFile("pgdump/testdata/custom.dump")
	require.NoError(t, err)
	const cluster = "--\n-- PostgreSQL database cluster dump\n--\n\n"
	for name, test := range map[string]struct {
		raw, made string
		unknown   bool
	}{
		"custom":             {raw: string(custom), made: "20"},
		"plain":              {raw: headerOf + "15.9\n"},
		"plain, verbose":     {raw: headerOf + "15.9\n\n-- Started on 2026-01-31 02:00:00 CST\n", made: "2026-01-31 02:00:00 CST"},
		"a cluster":          {raw: cluster, unknown: true},
		"a cluster, verbose": {raw: cluster + "-- Started on 2026-01-31 02:00:00 CST\n", made: "2026-01-31 02:00:00 CST"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := loader(t, settings).Made(t.Context(), source([]byte(test.raw), ""))
			assert.Equal(t, test.unknown, err != nil, err)
			if test.made == "" {
				assert.Empty(t, made)
			}
			assert.Contains(t, made, test.made)
		})
	}
}
