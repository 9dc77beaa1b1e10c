package postgres

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/internal/needs"
)

// What goes with a table, a view, a partition or a schema, of an archive that pg_dump wrote.
func TestChoosesAPart(t *testing.T) {
	f, err := os.Open("pgdump/testdata/custom.dump")
	require.NoError(t, err)
	defer f.Close()
	a, err := pgdump.ReadArchive(pgdump.NewReader(f))
	require.NoError(t, err)
	for only, want := range map[string]string{
		"public.orders": "DOMAIN money_ok,TYPE status,FUNCTION bump(),TABLE orders,COMMENT TABLE orders,ACL TABLE orders,ACL COLUMN orders.note,SEQUENCE orders_id_seq," +
			"SEQUENCE OWNED BY orders_id_seq,DEFAULT orders id,TABLE DATA orders,SEQUENCE SET orders_id_seq,CONSTRAINT orders orders_pkey,INDEX orders_at," +
			"STATISTICS st,TRIGGER orders bump,POLICY orders mine,ROW SECURITY orders",
		"public.parts":   "TABLE parts,TABLE parts_1,TABLE ATTACH parts_1,TABLE DATA parts_1",
		"public.parts_1": "TABLE parts,TABLE parts_1,TABLE ATTACH parts_1,TABLE DATA parts_1",
		"public.totals": "DOMAIN money_ok,TYPE status,FUNCTION bump(),TABLE orders,COMMENT TABLE orders,ACL TABLE orders,ACL COLUMN orders.note,SEQUENCE orders_id_seq," +
			"SEQUENCE OWNED BY orders_id_seq,MATERIALIZED VIEW totals,DEFAULT orders id,TABLE DATA orders,SEQUENCE SET orders_id_seq,CONSTRAINT orders orders_pkey," +
			"INDEX orders_at,STATISTICS st,TRIGGER orders bump,POLICY orders mine,ROW SECURITY orders,MATERIALIZED VIEW DATA totals",
		"extra": "DOMAIN money_ok,TYPE status",
	} {
		l := &load{Loader: &Loader{set: Settings{Only: []string{only}}}}
		keep, err := l.chosen(a)
		require.NoError(t, err, only)
		var got []string
		for _, e := range a.Entries {
			if keep[e.ID] && e.Namespace != "" {
				got = append(got, e.Desc+" "+e.Tag)
			}
		}
		assert.Equal(t, want, strings.Join(got, ","), only)
		assert.Equal(t, only, l.part.Only)
	}
}

// What is drawn in late draws in what stands before it; nothing that is taken leads away.
func TestChoosesWhatStandsElsewhere(t *testing.T) {
	a := &pgdump.Archive{Entries: []pgdump.Entry{{ID: 1, Desc: "SCHEMA", Tag: "fn"}, {ID: 2, Desc: "SCHEMA", Tag: "app"}, {ID: 3, Desc: "SCHEMA", Tag: "bare"},
		{ID: 4, Desc: "ACL", Namespace: "fn", Tag: "FUNCTION bump()", Needs: []int{5}}, {ID: 5, Desc: "FUNCTION", Namespace: "fn", Tag: "bump()", Needs: []int{1}},
		{ID: 6, Desc: "TABLE", Namespace: "app", Tag: "parent", Needs: []int{2}}, {ID: 7, Desc: "TABLE", Namespace: "app", Tag: "kid", Needs: []int{6}},
		{ID: 8, Desc: "TABLE", Namespace: "app", Tag: "other", Needs: []int{2}}, {ID: 9, Desc: "RULE", Namespace: "app", Tag: "parent r", Needs: []int{6, 8}},
		{ID: 10, Desc: "TRIGGER", Namespace: "app", Tag: "parent t", Needs: []int{6, 5}}, {ID: 11, Desc: "POLICY", Namespace: "app", Tag: "parent p", Needs: []int{6, 8}},
		{ID: 12, Desc: "FK CONSTRAINT", Namespace: "app", Tag: "kid fk", Needs: []int{7, 8}}, {ID: 13, Desc: "EXTENSION", Tag: "citext"},
		{ID: 14, Desc: "TABLE", Namespace: "app", Tag: "last"}, {ID: 15, Desc: "FK CONSTRAINT", Namespace: "app", Tag: "last fk", Needs: []int{14, 8}}, {ID: 16, Desc: "BLOBS"}}}
	for only, want := range map[string]struct{ keeps, left, notes string }{
		"app.parent": {"1,2,4,5,6,7,10,13", "3: app.other, app.last, large objects", "foreign key app.kid fk was left out"},
		"bare":       {"3,13", "5: app.parent, app.kid, app.other, app.last, large objects", ""},
		"fn":         {"1,4,5,13", "5: app.parent, app.kid, app.other, app.last, large objects", ""},
		"app":        {"1,2,4,5,6,7,8,9,10,11,12,13,14,15", "1: large objects", ""},
	} {
		l := &load{Loader: &Loader{set: Settings{Only: []string{only}}}}
		keep, err := l.chosen(a)
		require.NoError(t, err, only)
		var got []string
		for _, e := range a.Entries {
			if keep[e.ID] {
				got = append(got, strconv.Itoa(e.ID))
			}
		}
		assert.Equal(t, want.keeps, strings.Join(got, ","), only)
		assert.Equal(t, want.left, l.part.Left, only)
		notes := strings.Join(l.Notes, "\n")
		assert.Contains(t, notes, want.notes, only)
		assert.Equal(t, strings.Count(want.notes, "foreign key"), strings.Count(notes, "foreign key"), only)
	}
}

// Where all tables were taken and a function was not, it is a part, too.
func TestLeftWithoutTables(t *testing.T) {
	c := &choice{keep: map[int]bool{1: true, 2: true}, all: []pgdump.Entry{{ID: 1, Desc: "TABLE", Namespace: "app", Tag: "t"},
		{ID: 2, Desc: "TABLE DATA", Namespace: "app", Tag: "t"}, {ID: 3, Desc: "FUNCTION", Namespace: "fn", Tag: "f()"}}}
	assert.Equal(t, &record.Part{Only: "app", Left: "1: fn.f()"}, c.left([]string{"app"}))
	c.keep[3] = true
	assert.Nil(t, c.left([]string{"app"}))
	c.all = append(c.all, pgdump.Entry{ID: 4, Desc: "SEQUENCE", Namespace: "fn", Tag: "numbers"})
	assert.Equal(t, &record.Part{Only: "app", Left: "1: fn.numbers"}, c.left([]string{"app"}))
}

// A part of an archive is restored with what it stands on, and with nothing else; what was left out is said.
func TestLoadOnlyAPart(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	const there = `select string_agg(n.nspname || '.' || c.relname, ',' order by (n.nspname || '.' || c.relname) collate "C") from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname in ('public', 'extra') and c.relkind in ('r', 'p', 'v', 'm', 'S', 'i')`
	for _, c := range []struct {
		only, relations, query, want string
		notes                        []string
	}{
		{"[public.orders]", "public.orders,public.orders_at,public.orders_id_seq,public.orders_pkey",
			"select (select count(*) from orders) || '|' || (select count(*) from pg_trigger where tgname = 'bump') || '|' || (select last_value > 1 from orders_id_seq)",
			"5000|1|true", []string{"only public.orders of the dump was restored", "foreign key public.orders orders_customer_fkey was left out"}},
		{"[public.parts]", "public.parts,public.parts_1", "select count(*) from parts", "100", nil},
		{"[public.customers, public.orders]",
			"public.customers,public.customers_email_key,public.customers_id_seq,public.customers_pkey,public.orders,public.orders_at,public.orders_id_seq,public.orders_pkey",
			"select count(*) from pg_constraint where contype = 'f'", "1", nil},
		{"[public.open_orders]", "public.open_orders,public.orders,public.orders_at,public.orders_id_seq,public.orders_pkey", "select count(*) from open_orders", "5000", nil},
	} {
		for _, format := range []string{"custom", "directory", "tar"} {
			if format != "custom" && c.notes == nil && !needs.AllLong() {
				continue
			}
			raw := good(t, format)
			run(t, m, "drop database if exists partly;")
			out, err := loader(t, both(settings, "database: partly\nonly: "+c.only)).Load(t.Context(), source(raw, ""), m)
			if !assert.NoError(t, err, "%s %s", c.only, format) {
				continue
			}
			assert.Equal(t, c.relations, answer(t, m, "partly", "", "", there), "%s %s", c.only, format)
			assert.Equal(t, c.want, answer(t, m, "partly", "", "", c.query), "%s %s", c.only, format)
			for _, n := range c.notes {
				assert.Contains(t, strings.Join(out.Notes, "\n"), n)
			}
			require.NotNil(t, out.Part)
			assert.Equal(t, strings.Trim(c.only, "[]"), out.Part.Only)
			if c.only == "[public.orders]" {
				assert.Equal(t, "7: public.customers, public.open_orders, public.parts, public.parts_1, public.totals and 2 more", out.Part.Left)
			}
		}
	}
	run(t, m, "drop database if exists partly;")
	l := loader(t, both(settings, "database: partly\nonly: [public.order]"))
	for _, load := range []func() (restore.Outcome, error){
		func() (restore.Outcome, error) { return l.Load(t.Context(), source(good(t, "custom"), ""), m) },
		func() (restore.Outcome, error) { return l.Read(t.Context(), source(good(t, "custom"), "")) },
	} {
		_, err := load()
		var lack *restore.LackError
		require.ErrorAs(t, err, &lack)
		assert.Equal(t, record.LackPart, lack.Lack)
		assert.Contains(t, lack.What, "it does not hold public.order, which restore.only names (did you mean public.orders?)")
	}
	run(t, m, "drop database if exists partly;")
	_, err := loader(t, both(settings, "database: partly\nonly: [public.orders]")).Load(t.Context(), source(good(t, "plain"), ""), m)
	require.ErrorContains(t, err, "it is a plain dump of one database")
}
