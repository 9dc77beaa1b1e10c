package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

func TestPattern(t *testing.T) {
	for text, want := range map[string][]string{
		"orders": {"^(orders)$"}, "Shop.Ord*": {"^(shop)$", "^(ord.*)$"}, `"Shop".o?d`: {"^(Shop)$", "^(o.d)$"}, `"a.b*"`: {`^(a\.b\*)$`},
		`"a""b"`: {`^(a"b)$`}, "a$b": {`^(a\$b)$`}, "a|[0-9]+": {"^(a|[0-9]+)$"}, "x[]": {`^(x\[\])$`}, "Ä表": {"^(Ä表)$"},
	} {
		assert.Equal(t, want, pattern(text), text)
	}
}

func TestDeparsed(t *testing.T) {
	for text, want := range map[string]string{
		"CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b('::character varying])::text[])))": "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b('::character varying)::text])))",
		"(ARRAY[f(a, b), (c)::int])::numeric(3,1)[]":                                                   "ARRAY[(f(a, b))::numeric(3,1), ((c)::int)::numeric(3,1)]",
		"= ANY (ARRAY[1, 2])":                      "= ANY (ARRAY[1, 2])",
		"(ARRAY[1, 2]) || x":                       "(ARRAY[1, 2]) || x",
		" SELECT a,\n    'x  y'\n   FROM b;":       "SELECT a, 'x  y' FROM b;",
		"((ARRAY[1, 2])::bigint)":                  "((ARRAY[1, 2])::bigint)",
		"(ARRAY[ARRAY[(ARRAY['a'::text])::name[]]": "(ARRAY[ARRAY[ARRAY[('a'::text)::name]]",
	} {
		assert.Equal(t, want, deparsed(text))
	}
}

// What all rights are differs from server to server, and what the owner has is not told where it is that.
func TestRightsBesideTheStandard(t *testing.T) {
	all := []string{"SELECT", "INSERT", "MAINTAIN"}
	standard := rights{"the owner": all}
	assert.Empty(t, rights{"the owner": all}.beside(standard, all))
	assert.Equal(t, "clerk: all", rights{"the owner": all, "clerk": all}.beside(standard, all))
	assert.Equal(t, "clerk: INSERT* SELECT; the owner: nothing", rights{"clerk": {"SELECT", "INSERT*"}}.beside(standard, all))
	assert.Equal(t, "public: nothing", rights{"the owner": {"EXECUTE"}}.beside(rights{"the owner": {"EXECUTE"}, "public": {"EXECUTE"}}, []string{"EXECUTE"}))
}

func TestRightsAreThoseOfTheServerThatWasDumped(t *testing.T) {
	r := &profiling{version: 18}
	assert.Equal(t, 18, r.source())
	r.o.Like = &database.Profile{Server: "13.23 (Debian 13.23-0+deb11u4)"}
	assert.Equal(t, 13, r.source())
	r.o.Like.Server = ""
	assert.Equal(t, 18, r.source())
}

func TestProfileOfAServer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	t.Run("snapshot", func(t *testing.T) { testSnapshot(t, c) })
	t.Run("encodings", func(t *testing.T) { testEncodings(t, c) })
	t.Run("samples", func(t *testing.T) { testSamples(t, c) })
}

// A copy in another encoding holds the same text in other bytes: what is not ASCII cannot be held against its hash.
func testEncodings(t *testing.T, c cluster) {
	for encoding, sql := range map[string]string{"LATIN1": `create table t (v text, j jsonb); insert into t values ('é', '{"a":"ü"}')`,
		"EUC_CN":    `create table t (v varchar(9) primary key, a text[]); insert into t values ('你好', array['世界'])`,
		"SQL_ASCII": `set client_encoding = sql_ascii; create table t (v text); insert into t values (E'\xff\xfe\x80'), ('a')`,
		"UTF8":      `create table t (v text); insert into t values ('é')`} {
		from, to, other := strings.ToLower(encoding), strings.ToLower(encoding)+"_copy", strings.ToLower(encoding)+"_other"
		for _, db := range []string{from, to} {
			c.do("postgres", "create database "+db+" template template0 encoding '"+encoding+"' lc_collate 'C' lc_ctype 'C'")
		}
		c.do(from, "set client_encoding = 'UTF8'; create function f() returns text language sql return 'x'; create schema s;"+sql)
		c.shell("pg_dump -d " + from + " | psql -qX -o /dev/null -v ON_ERROR_STOP=1 -d " + to)
		was := c.profile(from, database.ProfileOptions{})
		require.Empty(t, was.Compare(c.copied(to, was)), encoding)
		if encoding != "LATIN1" {
			continue
		}
		c.restored(from, other, "")
		was.Scope.NoDatabase = true
		differences := was.Compare(c.copied(other, was))
		var ids []string
		for _, d := range differences {
			if !strings.Contains(d.Where, "database") {
				ids = append(ids, d.ID+" "+d.Where)
			}
		}
		assert.Contains(t, ids, "profile.unread latin1: table public.t")
	}
	c.do("postgres", "create role reader login password 'sesame'; create database lean template template0")
	s := c.server("lean")
	s.User = "reader"
	p, err := Dialect{}.Profile(t.Context(), s, database.ProfileOptions{})
	require.NoError(t, err)
	require.Equal(t, []database.ProfiledTable{{Name: "large objects", Hash: "0"}}, p.Databases[0].Tables, "nobody must be a superuser to know that there are none")
}

// A sample is chosen by the rows themselves, so that a copy in which they lie elsewhere gives the same.
func testSamples(t *testing.T, c cluster) {
	c.do("postgres", "create database big template template0")
	c.do("big", `create table keyed (id int primary key, v text, n numeric); insert into keyed select g, repeat(md5(g::text), 10), g / 7.0 from generate_series(1, 20000) g;
		create table bare (a int, b text); insert into bare select g % 50, repeat('x', 300) || g % 900 from generate_series(1, 20000) g; create table small (id int);
		create table wide (`+wideColumns()+`); insert into wide (c1, c700) values (1, 2), (3, 4);`)
	c.restored("big", "copy", "-Fc")
	c.do("copy", "create table k as select * from keyed order by v; truncate keyed; insert into keyed select * from k; drop table k")
	o := database.ProfileOptions{Whole: 1 << 20, Seed: 7}
	was := c.profile("big", o)
	require.Empty(t, was.Compare(c.copied("copy", was)))
	tables := map[string]database.ProfiledTable{}
	for _, table := range was.Databases[0].Tables {
		tables[table.Name] = table
	}
	keyed := tables["public.keyed"]
	require.NotNil(t, keyed.Sample)
	assert.Equal(t, []string{"id"}, keyed.Sample.By)
	assert.InEpsilon(t, keyed.Sample.Share*20000, float64(keyed.Sample.Rows), 0.2)
	assert.EqualValues(t, 20000, keyed.Rows)
	assert.Equal(t, []string{"a", "b"}, tables["public.bare"].Sample.By)
	assert.Nil(t, tables["public.small"].Sample)
	assert.Equal(t, "0", tables["public.small"].Hash)
	require.Len(t, tables["public.wide"].Columns, 800)
	assert.NotEqual(t, "0", tables["public.wide"].Hash)

	c.do("copy", "delete from keyed where id = 1; insert into keyed values (20001, 'other', 3)")
	assert.NotEmpty(t, was.Compare(c.copied("copy", was)), "the extreme of a column shows it, whatever was chosen")
	c.do("copy", "update wide set c1 = c1 + 2, c700 = c700 - 2 where c1 = 1; update wide set c1 = c1 - 2 where c700 = 4")
	now := c.copied("copy", was)
	for i := range now.Databases[0].Tables {
		if now.Databases[0].Tables[i].Name == "public.wide" {
			assert.NotEqual(t, tables["public.wide"].Hash, now.Databases[0].Tables[i].Hash)
		}
	}
	c.do("copy", "create function pg_catalog.num_nulls(int) returns int language sql return 0")
	_, err := Dialect{}.Profile(t.Context(), c.server("copy"), database.ProfileOptions{})
	var doubt *database.DoubtError
	assert.ErrorAs(t, err, &doubt, "a function of the database stands in for PostgreSQL's own")
}

func wideColumns() string {
	text := "c1 int"
	for i := 2; i <= 800; i++ {
		text += ", c" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + " int"
	}
	return text
}

// A profile in another session's snapshot is of that moment.
func testSnapshot(t *testing.T, c cluster) {
	c.do("postgres", "create database live template template0")
	c.do("live", "create table t (id serial); insert into t select from generate_series(1, 5)")
	s := server{c.server("live")}
	conn, err := s.connect(t.Context())
	require.NoError(t, err)
	defer goodbye(t.Context(), conn)
	result, err := conn.Exec(t.Context(), "begin isolation level repeatable read; select pg_export_snapshot()").ReadAll()
	require.NoError(t, err)
	snapshot := string(result[1].Rows[0][0])
	c.do("live", "insert into t select from generate_series(1, 5); create table later ()")
	p := c.profile("live", database.ProfileOptions{Snapshot: snapshot})
	assert.True(t, p.Shared)
	require.Len(t, p.Databases[0].Tables, 2, "the table t, and the large objects")
	assert.EqualValues(t, 5, p.Databases[0].Tables[1].Rows)
	_, err = Dialect{}.Profile(t.Context(), c.server(""), database.ProfileOptions{Snapshot: snapshot})
	assert.ErrorContains(t, err, "a snapshot is of one database")

	whole := c.profile("", database.ProfileOptions{})
	require.GreaterOrEqual(t, len(whole.Databases), 2)
	assert.Contains(t, whole.Roles, database.Thing{Kind: "role", Name: "postgres", Is: "superuser, login, create roles, create databases, replication, bypass row security"})
}
