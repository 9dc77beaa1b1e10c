package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

func TestParseDump(t *testing.T) {
	for line, want := range map[string]Dump{
		"pg_dump -Fc -f shop.dump shop":                                {Where: Where{Dial: "shop"}, File: "shop.dump"},
		"/usr/lib/postgresql/15/bin/pg_dump":                           {Scope: database.Scope{NoDatabase: true}},
		"pg_dump -C shop -h db -p5433 -U me":                           {Where: Where{Dial: "shop", Host: "db", Port: "5433", User: "me"}},
		"pg_dump --dbname=host=x --format d --file=out/ -j4 --verbose": {Where: Where{Dial: "host=x"}, File: "out/"},
		"pg_dump -xOFt -n public -n a* --exclude-schema=b -T t1 -t t2 --exclude-table-data log*": {Scope: database.Scope{NoGrants: true, NoOwner: true,
			Schemas: []string{"public", "a*"}, NoSchemas: []string{"b"}, NoTables: []string{"t1"}, Tables: []string{"t2"}, NoRowsOf: []string{"log*"}}},
		"pg_dump -Fc -s -B --no-comments --no-policies": {Scope: database.Scope{SchemaOnly: true, NoBlobs: true, NoComments: true, Other: []string{"--no-policies"}}},
		"pg_dump -Fc --data-o --no-acl":                 {Scope: database.Scope{DataOnly: true, NoGrants: true}},
		"pg_dump -Fc -Z 9 -E UTF8 --inserts -- -odd":    {Where: Where{Dial: "-odd"}},
	} {
		got, problems := ParseDump(strings.Fields(line))
		assert.Empty(t, problems, line)
		assert.Equal(t, want, got, line)
	}
	for line, want := range map[string][]string{
		"":                           {"after -- stands the command line of pg_dump"},
		"psql shop":                  {"after -- stands the command line of pg_dump"},
		"pg_dumpall -f all.sql":      {"pg_dumpall has no --snapshot, so that it cannot share one"},
		"pg_dump --snapshot=1 -W":    {"pg_dump --snapshot: lifeboat gives its own: delete it", "pg_dump --password: nobody can be asked twice"},
		"pg_dump --section pre-data": {"pg_dump --section: a profile is of all of what is dumped"},
		"pg_dump --no-such-thing":    {"nobody here knows what pg_dump --no-such-thing leaves out"},
		"pg_dump -q":                 {"nobody here knows what pg_dump -q leaves out"},
		"pg_dump --no-t":             {"pg_dump --no-t may be several options"},
		"pg_dump --no-owner=yes":     {"pg_dump --no-owner takes no value"},
		"pg_dump -f":                 {"pg_dump -f wants a value"},
		"pg_dump a b":                {`pg_dump takes one database, and "b" is another`},
	} {
		_, problems := ParseDump(strings.Fields(line))
		require.Len(t, problems, len(want), "%s: %v", line, problems)
		for i := range want {
			assert.Contains(t, problems[i], want[i], line)
		}
	}
}

// libpq's environment counts where nothing else is said, and no error shows what may be secret.
func TestOf(t *testing.T) {
	for _, name := range []string{"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE"} {
		t.Setenv(name, "")
	}
	t.Setenv("PGHOST", "env-host")
	t.Setenv("PGUSER", "env-user")
	t.Setenv("PGPASSWORD", "env-secret")
	for name, c := range map[string]struct {
		where                Where
		says, password, host string
	}{
		"the environment":  {Where{}, "database env-user on env-host as env-user", "env-secret", "env-host"},
		"flags":            {Where{Host: "h", User: "u", Dial: "my db", Password: `p'\ x`}, "database my db on h as u", `p'\ x`, "h"},
		"conninfo":         {Where{Host: "h", Dial: "host=other user=v password=w dbname=d"}, "database d on other as v", "w", "other"},
		"an address":       {Where{Dial: "postgresql://v:w@other/d"}, "database d on other as v", "w", "other"},
		"and its password": {Where{Dial: "postgresql://v@other/d", Password: "x"}, "database d on other as v", "x", "other"},
	} {
		s, err := Of(c.where)
		require.NoError(t, err, name)
		assert.Equal(t, c.says, s.Name(), name)
		assert.Equal(t, c.password, s.Server("", 0).Password, name)
	}
	_, err := Of(Where{Dial: "postgresql://v:w@other/d", Host: "h"})
	require.ErrorContains(t, err, "give it all in the address")
	_, err = Of(Where{Dial: "host=x port=nonsense password=hunter2"})
	require.ErrorContains(t, err, "try them with psql")
	assert.NotContains(t, err.Error(), "hunter2")
}
