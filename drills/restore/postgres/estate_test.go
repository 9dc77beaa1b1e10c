package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/needs"
)

// estate are dumps of one cluster, as people make them, made once.
var estate = struct {
	sync.Once
	files map[string][]byte
	err   error
}{}

var estateDumps = map[string]string{
	"cluster":            "pg_dumpall",
	"cluster, clean":     "pg_dumpall --clean --if-exists",
	"cluster, many":      manyRoles + "pg_dumpall; " + noRoles,
	"globals":            "pg_dumpall --globals-only",
	"schema":             "pg_dump -n public estate",
	"schema, custom":     "pg_dump -Fc -n public estate",
	"schemas, custom":    "pg_dump -Fc -n public -n extra estate",
	"table":              "pg_dump -t extra.fast estate",
	"table, clean":       "pg_dump --clean -t extra.fast estate",
	"table, custom":      "pg_dump -Fc -t extra.fast estate",
	"clean":              "pg_dump --clean estate",
	"clean if exists":    "pg_dump --clean --if-exists estate",
	"clean create":       "pg_dump --clean --create estate",
	"create":             "pg_dump --create estate",
	"custom":             "pg_dump -Fc estate",
	"plain":              "pg_dump estate",
	"of postgres":        "pg_dump -C postgres",
	"data":               "pg_dump --data-only estate",
	"data, custom":       "pg_dump -Fc --data-only estate",
	"post-data":          "pg_dump --section=post-data estate",
	"schema only":        "pg_dump --schema-only estate",
	"schema only,custom": "pg_dump -Fc --schema-only estate",
	"no rows of one":     "pg_dump --exclude-table-data=extra.fast estate",
	"the same, custom":   "pg_dump -Fc --exclude-table-data=extra.fast estate",
	"no owner":           "pg_dump --no-owner --no-acl estate",
	"authorization":      "pg_dump --use-set-session-authorization estate",
}

const (
	manyRoles = `for i in $(seq 400); do echo "create role est_many_$i;"; done | psql -q; `
	noRoles   = `for i in $(seq 400); do echo "drop role est_many_$i;"; done | psql -q`
)

// noEstate makes the server as empty as a drill finds it, whatever tests before left there.
const noEstate = `set client_min_messages = error;
	select format('alter database %I is_template false', datname) from pg_database where datname = 'estate' \gexec
	select format('drop database %I', datname) from pg_database where datname <> 'postgres' and not datistemplate \gexec
	drop tablespace if exists est_fast;
	select format('drop role %I', rolname) from pg_roles where rolname like 'est\_%' or rolname = 'drop' \gexec
	drop table if exists public.in_postgres;
	\c template1
	drop table if exists public.est_t;`

// withoutSubscriptions must come first: they hold their databases.
const withoutSubscriptions = `select datname from pg_database d join pg_subscription s on s.subdbid = d.oid`

func clear(t *testing.T, m *machine) {
	t.Helper()
	out, err := restoretest.CLI(context.WithoutCancel(t.Context()), nil, "exec", "-u", "postgres", m.ID, "psql", "-qtAc",
		withoutSubscriptions)
	require.NoError(t, err, out)
	for _, db := range strings.Fields(out) {
		run(t, m, `\c `+db+"\nalter subscription sub disable; alter subscription sub set (slot_name = none); drop subscription sub;")
	}
	run(t, m, noEstate)
}

func dumped(t *testing.T, name string) []byte {
	t.Helper()
	m := postgres(t)
	estate.Do(func() {
		clear(t, m)
		estate.files = map[string][]byte{}
		schema, err := os.ReadFile("testdata/estate.sql")
		if err == nil {
			var out string
			if out, err = restoretest.CLI(t.Context(), bytes.NewReader(schema), "exec", "-i", "-u", "postgres", m.ID, "psql", "-q", "-v",
				"ON_ERROR_STOP=1"); err != nil {
				err = errors.New(out)
			}
		}
		for name, command := range estateDumps {
			if err == nil {
				estate.files[name], err = exec.CommandContext(t.Context(), "docker", "exec", "-u", "postgres", m.ID, "bash", "-c",
					command).Output()
			}
		}
		estate.err = err
		clear(t, m)
	})
	require.NoError(t, estate.err)
	require.NotEmpty(t, estate.files[name], name)
	return estate.files[name]
}

// answer of a database of the restored cluster; as: who asks, "" is the superuser.
func answer(t *testing.T, m *machine, database, as, password, query string) string {
	t.Helper()
	if as == "" {
		as, password = "postgres", "sesame"
	}
	// In the simple protocol every value comes as text.
	conn, err := pgconn.Connect(t.Context(), fmt.Sprintf("host=%s user=%s password=%s dbname='%s'", m.Address, as, password,
		database))
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close(t.Context()) }()
	results, err := conn.Exec(t.Context(), query).ReadAll()
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, row := range results[0].Rows {
		all = append(all, string(row[0]))
	}
	return strings.Join(all, "\n")
}

// What people have loads whole, and says what is different here.
func TestLoadWhatPeopleHave(t *testing.T) {
	t.Parallel()
	orders := question{query: "select count(*) from public.orders", want: "100"}
	all := map[string]wholeCase{
		"pg_dumpall": {dump: "cluster", again: true, database: "estate", asks: []question{orders,
			{database: "Second Estate", query: "select count(*) from second", want: "2"},
			{database: "postgres", query: "select count(*) from in_postgres", want: "3"},
			{as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"},
			{as: "est_app", password: "sesame-app", query: "show work_mem", want: "8MB"},
			{query: "select pg_get_userbyid(datdba) from pg_database where datname = 'estate'", want: "est_owner"},
			{query: "select array_to_string(setconfig, '') from pg_db_role_setting s join pg_database d on d.oid = setdatabase",
				want: "search_path=public, extra"},
			{query: "select shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'est_app'", want: "it's the app"},
			{query: "select name from here", want: "estate"},
		}, notes: []string{"role postgres is lifeboat's own here", "tablespace est_fast"}},
		"pg_dumpall --clean, gzipped": {dump: "cluster, clean", again: true, pack: "gzip", database: "estate", asks: []question{orders,
			{as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"},
			{database: "template1", query: "select datistemplate from pg_database where datname = 'template1'", want: "t"},
			{database: "postgres", query: "select count(*) from in_postgres", want: "3"},
		}, notes: []string{"what --clean takes away was left out"}},
		"pg_dumpall, many roles": {dump: "cluster, many", database: "estate", asks: []question{orders,
			{query: "select count(*) from pg_roles where rolname like 'est\\_many\\_%'", want: "400"}}},
		"pg_dump -n": {dump: "schema", again: true, settings: "extensions: [citext]", database: "app", asks: []question{orders},
			notes: []string{"it makes the schema public", "extension citext was made before the load"}},
		"pg_dump -n, custom": {dump: "schema, custom", settings: "extensions: [citext]", database: "estate", asks: []question{orders,
			{query: "select has_schema_privilege('est_owner', 'public', 'usage')", want: "t"}},
			notes: []string{"it makes the schema public"}},
		"pg_dump -n -n, custom": {dump: "schemas, custom", settings: "extensions: [citext]", database: "estate", asks: []question{orders}},
		"pg_dump -t": {dump: "table", database: "app", asks: []question{{query: "select id from extra.fast", want: "7"}},
			notes: []string{"schema extra was made", "tablespace est_fast"}},
		"pg_dump -t, custom": {dump: "table, custom", database: "estate", asks: []question{{query: "select id from extra.fast", want: "7"}},
			notes: []string{"schema extra was made", "tablespace est_fast"}},
		"--clean": {dump: "clean", database: "app", asks: []question{orders, {query: "select count(*) from open_orders", want: "100"}},
			notes: []string{"what --clean takes away was left out", "tablespace est_fast"}},
		"--clean --if-exists": {dump: "clean if exists", database: "app", asks: []question{orders},
			notes: []string{"what --clean takes away was left out"}},
		"--clean --create": {dump: "clean create", database: "estate", asks: []question{orders}},
		"--create": {dump: "create", again: true, database: "estate", asks: []question{orders,
			{query: "select pg_get_userbyid(datdba) from pg_database where datname = 'estate'", want: "est_owner"}}},
		"--create under another name": {dump: "create", settings: "database: restored", database: "restored", asks: []question{orders,
			{query: "select pg_get_userbyid(datdba) from pg_database where datname = 'restored'", want: "est_owner"}},
			notes: []string{"settings and grants of the database itself were not restored"}},
		"of the database postgres": {dump: "of postgres", again: true, database: "app", asks: []question{
			{query: "select count(*) from in_postgres", want: "3"}}, notes: []string{"it is loaded as app"}},
		"what only superusers own": {dump: "custom", again: true, database: "estate", asks: []question{orders,
			{query: "select evtowner::regrole from pg_event_trigger", want: "est_super"},
			{query: "select fdwowner::regrole from pg_foreign_data_wrapper", want: "est_super"},
			{query: "select subowner::regrole || ' ' || subenabled from pg_subscription", want: "est_super false"},
			{query: "select rolsuper from pg_roles where rolname = 'est_super'", want: "f"},
			{query: "select name from here", want: "estate"}, // from the second load on, under another name
			{query: "select lo_get(70002)", want: `\x6c61726765`},
		}, notes: []string{"role est_super was a superuser while the load ran", "tablespace est_fast"}},
		"what only superusers own, plain": {dump: "plain", database: "app", asks: []question{orders,
			{query: "select evtowner::regrole from pg_event_trigger", want: "est_super"},
			{query: "select rolsuper from pg_roles where rolname = 'est_super'", want: "f"},
		}, notes: []string{"role est_super was a superuser while the load ran"}},
		"memberships": {dump: "custom", settings: "roles: {est_app: {password: other-sesame, member_of: [est_readers]}}",
			database: "estate", asks: []question{
				{as: "est_app", password: "other-sesame", query: "select id from extra.fast", want: "7"}}},
		"globals beside it": {dump: "custom", again: true, settings: "roles_from: globals", database: "estate", asks: []question{
			{as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"},
			{query: "select count(*) from orders", want: "100"}},
			notes: []string{"its roles, their passwords and memberships are those of globals"}},
		"globals beside it, and a password": {dump: "custom", settings: "{roles_from: globals, roles: {est_app: {password: 'mine'}}}",
			database: "estate", asks: []question{{as: "est_app", password: "mine", query: "select id from extra.fast", want: "7"}}},
		"roles of a whole cluster": {dump: "custom", settings: "roles_from: cluster", database: "estate", asks: []question{
			{as: "est_app", password: "sesame-app", query: "select id from extra.fast", want: "7"}}},
		"what only a provider has, left out": {dump: "plain", damage: swap("CREATE VIEW", "CREATE EXTENSION IF NOT EXISTS aws_rds;\n"+
			"COMMENT ON EXTENSION aws_rds IS 'x';\nSECURITY LABEL FOR anon ON SCHEMA public IS 'x';\nCREATE VIEW", 1),
			settings: "leave_out: {extensions: [aws_rds], labels: [anon], tables: [extra.fast]}", database: "app",
			asks: []question{orders, {query: "select count(*) from extra.fast", want: "0"}},
			notes: []string{"extension aws_rds was left out", "security labels of anon were left out",
				"the data of extra.fast were left out"}},
		"a newer pg_dump": {dump: "plain", damage: swap("SET lock_timeout", "SET transaction_timeout = 0;\nSET lock_timeout", 1),
			database: "app", asks: []question{orders}, notes: []string{"its setting transaction_timeout was left out"}},
		"a table left out of an archive": {dump: "custom", settings: "leave_out: {tables: [extra.fast]}", database: "estate",
			asks:  []question{orders, {query: "select count(*) from extra.fast", want: "0"}},
			notes: []string{"the data of extra.fast were left out"}},
		"a dump behind another, as cron appends them": {dump: "table, clean", damage: twice, database: "app",
			asks: []question{{query: "select id from extra.fast", want: "7"}}},
		"--schema-only": {dump: "schema only", database: "app", asks: []question{
			{query: "select count(*) from orders", want: "0"}}, notes: []string{"it holds no row of any table"}},
		"--schema-only, custom": {dump: "schema only,custom", database: "estate", asks: []question{
			{query: "select count(*) from orders", want: "0"}}, notes: []string{"it holds no row of any table"}},
		"--exclude-table-data": {dump: "no rows of one", database: "app", asks: []question{orders},
			notes: []string{"the rows of 1 of its tables were not dumped", "extra.fast"}},
		"--exclude-table-data, custom": {dump: "the same, custom", database: "estate", asks: []question{orders},
			notes: []string{"the rows of 1 of its tables were not dumped", "extra.fast"}},
		"--no-owner": {dump: "no owner", database: "app", asks: []question{orders}},
		"--use-set-session-authorization": {dump: "authorization", again: true, database: "app", asks: []question{orders},
			notes: []string{"role est_owner was a superuser while the load ran"}},
	}
	for name, test := range needs.Sample(t, all, 12) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// both joins the keys of two settings.
func both(a, b string) string {
	if strings.HasPrefix(b, "{") {
		return "{" + a + ", " + strings.TrimPrefix(b, "{")
	}
	return a + "\n" + b
}

// What cannot be restored here is no word on the backup, and says what to do.
func TestLoadWhatNeedsAnotherWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dump, settings string
		damage         damage
		lack           string // of the scenario; "": of the image
		want           []string
	}{
		"--data-only":                      {dump: "data", lack: record.LackTables, want: []string{"--data-only"}},
		"--data-only, custom":              {dump: "data, custom", lack: record.LackTables, want: []string{"--data-only"}},
		"--section=post-data":              {dump: "post-data", lack: record.LackTables, want: []string{"--section"}},
		"a cluster without the database":   {dump: "cluster", settings: "database: shop", lack: record.LackDatabase, want: []string{"estate", "not shop"}},
		"globals alone":                    {dump: "globals", lack: record.LackDatabase, want: []string{"roles and no database"}},
		"-n without its extension":         {dump: "schema", lack: record.LackWhole, want: []string{"citext", "pg_dump -n"}},
		"-n without its extension, custom": {dump: "schema, custom", lack: record.LackWhole, want: []string{"citext", "pg_dump -n"}},
		"roles from a dump without any":    {dump: "custom", settings: "roles_from: plain", lack: record.LackRoles, want: []string{"it holds no roles"}},
		"a newer server": {dump: "plain", damage: all(swap("database version 15", "database version 16", 1),
			swap("CREATE VIEW public.open_orders AS\n", "CREATE VIEW public.newer AS SELECT '1' IS JSON;\nCREATE VIEW public.open_orders AS\n", 1)),
			want: []string{"dumped from PostgreSQL 16", "this server is 15", "take an image of PostgreSQL 16 or later", "JSON"}},
		"a newer privilege": {dump: "plain", damage: all(swap("database version 15", "database version 17", 1),
			swap("GRANT SELECT ON TABLE extra.fast", "GRANT SELECT,MAINTAIN ON TABLE extra.fast", 1)),
			want: []string{"dumped from PostgreSQL 17", "take an image of PostgreSQL 17 or later", "maintain"}},
		"a label": {dump: "plain", damage: swap("CREATE VIEW", "SECURITY LABEL FOR anon ON SCHEMA public IS 'x';\nCREATE VIEW", 1),
			want: []string{"security label provider \"anon\" is not loaded", "leave_out"}},
		"an extension": {dump: "plain", damage: swap("citext", "aws_rds", 0),
			want: []string{"extension aws_rds is not available", "leave_out: {extensions: [aws_rds]}"}},
		"what stands on an extension that was left out": {dump: "plain", settings: "leave_out: {extensions: [citext]}",
			lack: record.LackLeftOut, want: []string{"citext", "left out"}},
		"a collation": {dump: "plain", damage: swap("locale = 'C.utf8'", "locale = 'de_DE.utf8'", 1),
			want: []string{"de_DE.utf8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := bytes.Clone(dumped(t, test.dump))
			if test.damage != nil {
				raw = test.damage(t, raw)
			}
			clear(t, m)
			defer clear(t, m)
			l := loader(t, both(settings, test.settings))
			s := source(raw, restoretest.Digest(raw))
			s.Beside = func(name string) (restore.Source, error) { return source(dumped(t, name), ""), nil }
			_, err := l.Load(t.Context(), s, m)
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			var lack *restore.LackError
			if test.lack == "" {
				var image *restore.ImageError
				assert.ErrorAs(t, err, &image)
				return
			}
			require.ErrorAs(t, err, &lack)
			assert.Equal(t, test.lack, lack.Lack)
		})
	}
}

// all makes several accidents of one.
func all(list ...damage) damage {
	return func(t *testing.T, raw []byte) []byte {
		for _, a := range list {
			raw = a(t, raw)
		}
		return raw
	}
}
