package postgres

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
)

// One database of a script of pg_dumpall is restored with the roles and settings that it needs, and nothing of the others is there.
func TestLoadOnlyDatabases(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	const there = `select string_agg(datname, ',' order by datname collate "C") from pg_database where not datistemplate`
	for name, c := range map[string]struct {
		dump, only, databases string
		part                  *record.Part
		asks                  []question
	}{
		"the first": {dump: "cluster", only: "[Second Estate]", databases: "Second Estate,postgres", part: &record.Part{Only: "Second Estate", Left: "estate, postgres"},
			asks: []question{{database: "Second Estate", query: "select count(*) from second", want: "2"},
				{database: "postgres", query: "select count(*) from pg_class where relname = 'in_postgres'", want: "0"}}},
		"one behind": {dump: "cluster", only: "[estate]", databases: "estate,postgres", part: &record.Part{Only: "estate", Left: "Second Estate, postgres"},
			asks: []question{{database: "estate", query: "select count(*) from public.orders", want: "100"},
				{database: "estate", as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"},
				{database: "estate", query: "select pg_get_userbyid(datdba) from pg_database where datname = 'estate'", want: "est_owner"},
				{database: "estate", query: "select array_to_string(setconfig, '') from pg_db_role_setting s join pg_database d on d.oid = setdatabase",
					want: "search_path=public, extra"}}},
		"two": {dump: "cluster, clean", only: "[estate, postgres]", databases: "estate,postgres", part: &record.Part{Only: "estate, postgres", Left: "Second Estate"},
			asks: []question{{database: "estate", query: "select count(*) from public.orders", want: "100"},
				{database: "postgres", query: "select count(*) from in_postgres", want: "3"}}},
		"all that it has":     {dump: "cluster", only: "[estate, postgres, Second Estate]", databases: "Second Estate,estate,postgres"},
		"the one of --create": {dump: "create", only: "[estate]", databases: "estate,postgres"},
	} {
		raw := dumped(t, c.dump)
		clear(t, m)
		l := loader(t, both(settings, "only: "+c.only))
		out, err := l.Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
		require.NoError(t, err, name)
		assert.Equal(t, c.part, out.Part, name)
		assert.Equal(t, c.databases, answer(t, m, "postgres", "", "", there), name)
		for _, q := range c.asks {
			assert.Equal(t, q.want, answer(t, m, q.database, q.as, q.password, q.query), "%s: %s", name, q.query)
		}
		if c.part != nil {
			assert.Contains(t, strings.Join(out.Notes, "\n"), "only database "+c.part.Only+" of the dump was restored, with the roles of its server: "+
				"nothing is known of "+c.part.Left, name)
		}
		_, err = l.Read(t.Context(), source(raw, restoretest.Digest(raw)))
		require.NoError(t, err, name)
	}
	clear(t, m)
}

// What is wrong with a script is found, whichever of its databases is asked for; what it does not hold is named.
func TestOnlyDatabasesBad(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	for name, c := range map[string]struct {
		dump, only string
		damage     damage
		want       string
		lack       bool
	}{
		"not held":          {dump: "cluster", only: "[estat]", want: "it does not hold database estat, which restore.only names (did you mean estate?)", lack: true},
		"a table of it":     {dump: "cluster", only: "[public.orders]", want: "it does not hold database public.orders", lack: true},
		"an empty database": {dump: "cluster", only: "[template1]", want: "it does not hold database template1", lack: true},
		"one database":      {dump: "plain", only: "[public.orders]", want: "it is a plain dump of one database", lack: true},
		"roles and one database": {dump: "plain", only: "[estate]", damage: func(t *testing.T, raw []byte) []byte { return append(bytes.Clone(dumped(t, "globals")), raw...) },
			want: "it is a plain dump of one database", lack: true},
		"cut in what is left out": {dump: "cluster", only: "[Second Estate]", damage: func(_ *testing.T, raw []byte) []byte { return raw[:len(raw)-30] }, want: "it is incomplete"},
		"what is left out is never reached": {dump: "cluster", only: "[estate]", damage: swap("\\connect -reuse-previous=on \"dbname='Second Estate'\"\n", "\n", 0),
			want: "makes the database \"Second Estate\" and never connects to it"},
		"a program in what is left out": {dump: "cluster", only: "[estate]", damage: swap("CREATE TABLE public.second", "\\! id\nCREATE TABLE public.second", 1), want: "hostile"},
	} {
		raw := bytes.Clone(dumped(t, c.dump))
		if c.damage != nil {
			raw = c.damage(t, raw)
		}
		clear(t, m)
		l := loader(t, both(settings, "only: "+c.only))
		_, loaded := l.Load(t.Context(), source(raw, ""), m)
		_, read := l.Read(t.Context(), source(raw, ""))
		for how, err := range map[string]error{"loaded": loaded, "read": read} {
			if how == "read" && strings.Contains(c.want, "never connects") {
				continue // a reading does not hold what is made against what is entered
			}
			require.ErrorContains(t, err, c.want, "%s, %s", name, how)
			var bad *restore.BackupError
			var lack *restore.LackError
			if c.lack {
				require.ErrorAs(t, err, &lack, "%s, %s", name, how)
				assert.Equal(t, record.LackPart, lack.Lack)
			} else {
				require.ErrorAs(t, err, &bad, "%s, %s", name, how)
			}
		}
	}
	clear(t, m)
}
