package postgres

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/needs"
)

// and puts another dump of the estate behind the first one.
func and(name string) damage {
	return func(t *testing.T, raw []byte) []byte { return append(raw, dumped(t, name)...) }
}

const anon = "SECURITY LABEL FOR anon ON "

// Files as backup scripts put them together, and servers as providers leave them.
func TestLoadWhatScriptsMake(t *testing.T) {
	t.Parallel()
	asApp := question{as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"}
	orders := question{query: "select count(*) from public.orders", want: "100"}
	const newRole = "CREATE ROLE est_super;"
	all := map[string]wholeCase{
		"roles, and a dump": {dump: "globals", damage: and("plain"), again: true, database: "app", asks: []question{orders, asApp}},
		"roles, and a dump that makes its database": {dump: "globals", damage: and("create"), again: true, database: "estate",
			asks: []question{orders, asApp}},
		"roles, and a dump under another name": {dump: "globals", damage: and("plain"), settings: "database: restored",
			database: "restored", asks: []question{orders, asApp}},
		"a dump, and roles": {dump: "plain", damage: and("globals"), again: true, database: "app", asks: []question{orders, asApp}},
		"a dump, and one that makes its database": {dump: "table", damage: and("create"), database: "estate", asks: []question{orders,
			{database: "app", query: "select id from extra.fast", want: "7"}}},
		"tables, and their data": {dump: "schema only", damage: and("data"), database: "app", asks: []question{orders}},
		"labels of roles, left out": {dump: "cluster", damage: swap(newRole, newRole+"\n"+anon+"ROLE est_super IS 'MASKED';", 1),
			settings: "leave_out: {labels: [anon]}", database: "estate", asks: []question{orders},
			notes: []string{"security labels of anon were left out"}},
		"labels of databases, left out": {dump: "create", damage: swap("CREATE VIEW", anon+"DATABASE estate IS 'x';\nCREATE VIEW", 1),
			settings: "leave_out: {labels: [anon]}", database: "estate", asks: []question{orders},
			notes: []string{"security labels of anon were left out"}},
		"a role called drop": {dump: "cluster", damage: swap(newRole, newRole+
			"\nCREATE ROLE drop;\nALTER ROLE drop WITH SUPERUSER LOGIN PASSWORD 'sesame-drop';", 1), database: "estate",
			asks: []question{{as: "drop", password: "sesame-drop", query: "select count(*) from orders", want: "100"}}},
		"members of what a newer server has": {dump: "cluster", damage: swap(newRole, newRole+
			"\nGRANT pg_use_reserved_connections TO est_super WITH INHERIT TRUE GRANTED BY postgres;", 1), database: "estate",
			asks: []question{orders}, notes: []string{"role est_super is no member of pg_use_reserved_connections here: PostgreSQL 15"}},
		"a database that is a template": {dump: "create", damage: swap("ALTER DATABASE estate SET search_path",
			"ALTER DATABASE estate IS_TEMPLATE = true;\nALTER DATABASE estate SET search_path", 1), again: true, database: "estate",
			asks: []question{orders, {query: "select datistemplate from pg_database where datname = 'estate'", want: "t"}}},
		"something in template1": {dump: "cluster", damage: swap(`\connect template1`, `\connect template1`+"\n\n"+
			"--\n-- PostgreSQL database dump\n--\n\n--\n-- Name: est_t; Type: TABLE; Schema: public; Owner: postgres\n--\n\n"+
			"CREATE TABLE public.est_t (id int);\n\n--\n-- PostgreSQL database dump complete\n--\n", 1), again: true,
			database: "template1", asks: []question{{query: "select count(*) from est_t", want: "0"},
				{query: "select datistemplate from pg_database where datname = 'template1'", want: "t"}}},
	}
	for name, test := range needs.Sample(t, all, 5) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// A file of several dumps that would take each other's place says so, and is no bad backup.
func TestLoadWhatIsAppended(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dump, settings string
		damage         damage
		want           string
	}{
		"one dump twice":                {"plain", "", twice, "a later one makes what is there"},
		"one database made twice":       {"create", "", twice, "it makes the database estate twice"},
		"a cluster twice":               {"cluster", "", twice, "twice"},
		"two databases under one name":  {"create", "database: x", and("of postgres"), "the database postgres would take the place"},
		"another database of that name": {"table", "database: estate", and("create"), "the database estate would take the place"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := test.damage(t, bytes.Clone(dumped(t, test.dump)))
			clear(t, m)
			defer clear(t, m)
			_, err := loader(t, both(settings, test.settings)).Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
			var lack *restore.LackError
			require.ErrorAs(t, err, &lack)
			assert.Equal(t, record.LackSeveral, lack.Lack)
			assert.Contains(t, lack.What, test.want)
		})
	}
}

// What a dump sets may be a secret: it is in no message.
func TestLoadKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	const setting = "ALTER DATABASE estate SET search_path TO 'public', 'extra';"
	raw := swap(setting, "ALTER DATABASE estate SET shop_key TO 'hush-hush';", 1)(t, bytes.Clone(dumped(t, "create")))
	clear(t, m)
	defer clear(t, m)
	_, err := loader(t, settings).Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
	require.ErrorContains(t, err, "ALTER DATABASE estate SET shop_key")
	assert.NotContains(t, fmt.Sprint(err), "hush-hush")
}

// wholeCase is a dump that loads whole, what it then holds, and what is said of it.
type wholeCase struct {
	dump     string
	pack     string
	damage   damage
	settings string
	database string // that the questions go to
	again    bool   // a second time, as in a rollback
	asks     []question
	notes    []string
}

type question struct{ database, as, password, query, want string }

func (test wholeCase) run(t *testing.T) {
	m := postgres(t)
	raw := dumped(t, test.dump)
	if test.damage != nil {
		raw = test.damage(t, bytes.Clone(raw))
	}
	if test.pack != "" {
		raw = compress(t, test.pack, raw)
	}
	clear(t, m)
	defer clear(t, m)
	for round := range 2 {
		if round > 0 && !test.again {
			break
		}
		l := loader(t, both(settings, test.settings))
		s := source(raw, restoretest.Digest(raw))
		s.Unused = round == 0
		s.Beside = func(name string) (restore.Source, error) { return source(dumped(t, name), ""), nil }
		out, err := l.Load(t.Context(), s, m)
		require.NoError(t, err, "round %d", round)
		for _, q := range test.asks {
			database := test.database
			if q.database != "" {
				database = q.database
			}
			assert.Equal(t, q.want, answer(t, m, database, q.as, q.password, q.query), "round %d: %s", round, q.query)
		}
		for _, want := range test.notes {
			assert.Contains(t, strings.Join(out.Notes, "\n"), want, "round %d", round)
		}
		left := answer(t, m, "postgres", "", "", "select string_agg(datname, ' ') from pg_database where datname ~ 'being_restored'")
		assert.Empty(t, left)
	}
}
