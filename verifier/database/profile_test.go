package database

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const some = `{"version": 1, "kind": "postgres", "server": "15.3", "hash": "h 1", "roles": [{"kind": "role", "name": "clerk", "is": ""}],
	"databases": [{"database": "shop", "encoding": "UTF8", "things": [{"kind": "table", "name": "s.orders", "is": "table"},
	{"kind": "column", "name": "s.orders.id", "is": "integer"}, {"kind": "owner", "name": "table s.orders", "is": "clerk"},
	{"kind": "view", "name": "s.v", "is": "SELECT orders.id FROM s.orders WHERE ((orders.kind)::text = 'a'::text)"},
	{"kind": "extension version", "name": "hstore", "is": "1.8"}, {"kind": "sequence value", "name": "s.q", "is": "last 7 by 2"}],
	"tables": [{"name": "s.orders", "rows": 3, "hash": "9", "columns": [{"name": "id", "hash": "4", "nulls": 0, "least": "1", "most": "3"},
	{"name": "v", "hash": "5", "nulls": 1}]}]}]}`

func profileOf(t *testing.T, text string) (p Profile) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	return p
}

func TestCompareOfAProfile(t *testing.T) {
	type change func(p *Profile, d *ProfiledDatabase, orders *ProfiledTable)
	for name, test := range map[string]struct {
		change change
		want   []string
	}{
		"nothing": {func(*Profile, *ProfiledDatabase, *ProfiledTable) {}, nil},
		"more roles": {func(p *Profile, _ *ProfiledDatabase, _ *ProfiledTable) {
			p.Roles = append(p.Roles, Thing{Kind: "role", Name: "x"})
		}, nil},
		"no role": {func(p *Profile, _ *ProfiledDatabase, _ *ProfiledTable) { p.Roles = nil }, []string{"profile.missing role clerk"}},
		"an empty one": {func(p *Profile, _ *ProfiledDatabase, _ *ProfiledTable) {
			p.Databases = append(p.Databases, ProfiledDatabase{Database: "postgres"})
		}, nil},
		"another": {func(p *Profile, _ *ProfiledDatabase, _ *ProfiledTable) {
			p.Databases = append(p.Databases, ProfiledDatabase{Database: "x", Things: []Thing{{Kind: "table", Name: "t"}}})
		}, []string{"profile.added database x"}},
		"none": {func(p *Profile, _ *ProfiledDatabase, _ *ProfiledTable) { p.Databases = nil }, []string{"profile.missing database shop"}},
		"a table": {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) { d.Things, d.Tables = d.Things[3:], nil },
			[]string{"profile.missing shop: table s.orders"}},
		"an owner": {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) { d.Things[2].Is = "x" }, []string{"profile.changed shop: owner table s.orders"}},
		"a view": {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) {
			d.Things[3].Is = "SELECT id FROM s.orders WHERE ((kind)::text = 'a'::text)"
		}, []string{"profile.changed shop: view s.v"}},
		"a view of another server": {func(p *Profile, d *ProfiledDatabase, _ *ProfiledTable) {
			p.Server, d.Things[4].Is = "16.1", "1.9"
			d.Things[3].Is = "SELECT id FROM s.orders WHERE ((kind)::text = 'a'::text)"
		}, nil},
		"another view of another server": {func(p *Profile, d *ProfiledDatabase, _ *ProfiledTable) {
			p.Server, d.Things[3].Is = "16.1", "SELECT id FROM s.orders WHERE ((kind)::text = 'b'::text)"
		}, []string{"profile.changed shop: view s.v"}},
		"an extension":     {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) { d.Things[4].Is = "1.9" }, []string{"profile.changed shop: extension version hstore"}},
		"a sequence ahead": {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) { d.Things[5].Is = "last 9 by 2" }, []string{"profile.changed shop: sequence value s.q"}},
		"unread":           {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Unread = "forbidden" }, []string{"profile.unread shop: table s.orders"}},
		"no hash":          {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Hash = "" }, []string{"profile.unread shop: table s.orders"}},
		"a sample":         {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Sample = &Sample{Share: 0.5} }, []string{"profile.unread shop: table s.orders"}},
		"not listed":       {func(_ *Profile, d *ProfiledDatabase, _ *ProfiledTable) { d.Tables = nil }, []string{"profile.unread shop: table s.orders"}},
		"another function": {func(p *Profile, _ *ProfiledDatabase, o *ProfiledTable) { p.Hash, o.Hash = "h 2", "8" }, []string{"profile.unread profile"}},
		"rows": {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) {
			o.Rows, o.Hash, o.Columns[0].Most = 2, "8", "2"
		},
			[]string{"profile.rows shop: table s.orders", "profile.extreme shop: table s.orders, column id"}},
		"values":  {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Hash, o.Columns[1].Hash = "8", "7" }, []string{"profile.content shop: table s.orders"}},
		"nulls":   {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Columns[1].Nulls = 2 }, []string{"profile.content shop: table s.orders"}},
		"shifted": {func(_ *Profile, _ *ProfiledDatabase, o *ProfiledTable) { o.Hash = "8" }, []string{"profile.shifted shop: table s.orders"}},
		"another encoding": {func(_ *Profile, d *ProfiledDatabase, o *ProfiledTable) { d.Encoding, o.Hash = "LATIN1", "8" },
			[]string{"profile.unread shop: table s.orders"}},
	} {
		now := profileOf(t, some)
		test.change(&now, &now.Databases[0], &now.Databases[0].Tables[0])
		var got []string
		for _, d := range profileOf(t, some).Compare(now) {
			got = append(got, d.ID+" "+d.Where)
		}
		assert.Equal(t, test.want, got, name)
	}
}

// A dump reads its sequences when it comes to them: they may have gone on since its snapshot, and never back.
func TestSequencesOfASharedSnapshot(t *testing.T) {
	for _, test := range []struct {
		was, now string
		ok       bool
	}{{"last 7 by 2", "last 7 by 2", true}, {"last 7 by 2", "last 9 by 2", true}, {"last 7 by 2", "last 8 by 2", false}, {"last 7 by 2", "last 5 by 2", false},
		{"next 1 by 1", "last 1 by 1", true}, {"last 1 by 1", "next 1 by 1", false}, {"last -3 by -1", "last -4 by -1", true}, {"last -3 by -1", "last -2 by -1", false},
		{"last 1 by 1", "last 1 by 2", false}} {
		was, now := profileOf(t, some), profileOf(t, some)
		was.Shared = true
		was.Databases[0].Things[5].Is, now.Databases[0].Things[5].Is = test.was, test.now
		assert.Equal(t, test.ok, len(was.Compare(now)) == 0, test)
	}
}

// What a server of a later version says otherwise, or brings by itself, is no difference; between servers of one version it is one.
func TestServersOfTwoVersionsSayThingsOtherwise(t *testing.T) {
	for name, test := range map[string]struct {
		kind, was, now string
		ok             bool
	}{
		"a procedure's arguments lead in":  {"procedure", "(t text, n integer), returns , plpgsql", "(IN t text, IN n integer), returns , plpgsql", true},
		"a procedure's arguments lead out": {"procedure", "(t text, n integer), returns , plpgsql", "(IN t text, OUT n integer), returns , plpgsql", false},
		"a range has a multirange":         {"range", "of double precision float8_ops - float8mi", "of double precision float8_ops - float8mi s.spans", true},
		"a range is of something else":     {"range", "of double precision float8_ops - float8mi", "of integer int4_ops - int4mi s.spans", false},
		"a domain has a word more":         {"domain", "numeric(12,2)", "numeric(12,2) x", false},
		"an extension has a later version": {"extension version", "1.5", "1.6", true},
		"a view names its table no more":   {"view", "SELECT a.id FROM s.a WHERE (a.x = 1)", "SELECT id FROM s.a WHERE (x = 1)", true},
		"a view looks for something else":  {"view", "SELECT a.id FROM s.a WHERE (a.x = 1)", "SELECT id FROM s.a WHERE (x = 2)", false},
		"a column may be empty":            {"column", "bigint, not null", "bigint", false},
	} {
		was, now := profileOf(t, some), profileOf(t, some)
		now.Server = "99.1"
		was.Databases[0].Things = append(was.Databases[0].Things, Thing{Kind: test.kind, Name: "x", Is: test.was})
		now.Databases[0].Things = append(now.Databases[0].Things, Thing{Kind: test.kind, Name: "x", Is: test.now})
		assert.Equal(t, test.ok, len(was.Compare(now)) == 0, name)
		now.Server = was.Server
		assert.NotEmpty(t, was.Compare(now), name)
	}
}

func TestNeutral(t *testing.T) {
	for _, same := range [][2]string{
		{"SELECT a.id FROM s.a WHERE (a.x = 1)", "SELECT id FROM s.a WHERE x = 1"},
		{"CHECK (((kind)::text = ANY (ARRAY['a'::character varying])))", "CHECK ((kind)::text = ANY (ARRAY['a'::text]))"},
		{"(a)::timestamp without time zone < b", "a < b"},
	} {
		assert.Equal(t, neutral(same[0]), neutral(same[1]))
	}
	for _, other := range [][2]string{{"x = 'a b'", "x = 'ab'"}, {"x = 1", "x = 2"}, {"a and b", "a or b"}, {`"A b"`, `"Ab"`}, {"x = '(1)'", "x = '1'"}} {
		assert.NotEqual(t, neutral(other[0]), neutral(other[1]))
	}
}

func TestExtremesThatAreAlikeAreWrittenAlike(t *testing.T) {
	for _, v := range [][2]string{{"1.500", "1.5"}, {"2.00", "2"}, {"100", "100"}, {"-0", "0"}, {"1e-10", "1e-10"}, {"2024-01-01 10:00:00.500+00", "2024-01-01 10:00:00.500+00"},
		{"NaN", "NaN"}, {"0.00", "0"}} {
		assert.Equal(t, v[1], Extreme([]byte(v[0])))
	}
}
