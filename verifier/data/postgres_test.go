package data

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

const setup = `
create table orders (id int primary key, at timestamptz, local timestamp, note text);
insert into orders
select g, now() - g * interval '1 minute', timestamp '2010-01-01' + g * interval '1 day', 'n' || g from generate_series(1, 2500) g;
create table "Odd ""name""" (v int); insert into "Odd ""name""" values (1);
create table empty (at timestamptz);
create schema shop; create table shop.items (v int); insert into shop.items values (1), (2);
create role reader login password 'reader-secret'; grant select on orders to reader;
create function meddle() returns int language sql as 'delete from orders returning 1';
`

func TestAgainstPostgres(t *testing.T) {
	t.Parallel()
	target := verifiertest.Postgres(t, setup+odd)
	t.Run("odd", func(t *testing.T) { againstOdd(t, target) })
	const db = "on: db, user: postgres, password: sesame"
	for name, c := range map[string]struct {
		kind, keys string
		status     record.CheckStatus
		says       string
	}{
		"rows":                {"rows", "table: orders, at_least: 2500", "passed", "table orders has 2500 rows"},
		"rows missing":        {"rows", "table: orders, at_least: 2501", "failed", "fewer than 2501"},
		"rows empty":          {"rows", "table: empty, at_most: 10", "failed", "table empty on db is empty"},
		"rows of a schema":    {"rows", "table: shop.items, equals: 2", "passed", "2 rows"},
		"rows of an odd name": {"rows", `table: 'Odd "name"', equals: 1`, "passed", "1 rows"},
		"rows of no table":    {"rows", "table: nothing, at_least: 1", "failed", "there is no table nothing in database postgres"},
		"rows, injection":     {"rows", `table: 'orders"; drop table orders; --', at_least: 1`, "failed", "there is no table orders"},
		"no such database": {"rows", "table: orders, at_least: 1, database: nothing", "failed",
			`database "nothing" does not exist`},
		"nobody listens": {"rows", "table: orders, at_least: 1, port: 5999", "failed", "connection refused"},
		"sql": {"sql", `query: "select count(*), sum(id) from orders;", expect: "2500|3126250"`,
			"passed", ""},
		"sql, several rows": {"sql", `query: select v from shop.items order by v, expect: "1\n2"`, "passed", ""},
		"sql, null":         {"sql", `query: select max(at) from empty, expect: "NULL"`, "passed", ""},
		"sql, no row":       {"sql", `query: select 1 where false, expect: "1"`, "failed", "nothing came back"},
		"sql, too much":     {"sql", `query: "select id from orders", same: true`, "failed", "larger than"},
		"sql, in UTC": {"sql",
			`query: "select timestamptz '2026-03-01 12:00+02'", expect: "2026-03-01 10:00:00+00"`, "passed", ""},
		"sql that hangs": {"sql", `query: select pg_sleep(20), expect: "1", timeout: 1s`, "failed",
			"statement timeout"},
		"checksum":            {"checksum", "table: orders", "passed", "recorded: 2500 rows, sha256:"},
		"checksum of nothing": {"checksum", "table: empty", "failed", "no row came back"},
		"fresh":               {"freshness", "table: orders, column: at, max_age: 10m, against: now", "passed", ""},
		"fresh by query": {"freshness", "query: 'select at from orders where id > 5;', max_age: 10m, against: now",
			"passed", ""},
		"stale": {"freshness", "query: select at from orders where id > 20, max_age: 10m, against: now",
			"failed", "more than 10m"},
		"local time": {"freshness",
			"table: orders, column: local, timezone: Asia/Shanghai, max_age: 10m, against: '2016-11-05T00:10:00+08:00'",
			"passed", "2016-11-04T16:00:00Z"},
		"old in any zone": {"freshness", "table: orders, column: local, max_age: 1h, against: now", "failed", "in no time zone"},
		"which zone": {"freshness", "table: orders, column: local, max_age: 1h, against: '2016-11-05T00:10:00+08:00'",
			"crashed", "in which zone?"},
		"fresh nothing": {"freshness", "table: empty, column: at, max_age: 10m, against: now", "failed",
			"there is no row"},
		"fresh, no such column": {"freshness", "table: empty, column: nothing, max_age: 10m, against: now", "failed",
			"does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, New, c.kind, "{"+db+", "+c.keys+"}")
			facts, err := check.Observe(t.Context(), target)
			require.NoError(t, err)
			a := verifier.Judge(check, "before", nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.says)
			assert.NotContains(t, string(facts)+a.Message, "sesame")
		})
	}
	for name, c := range map[string]struct{ kind, keys, says string }{
		"a wrong question": {"sql", `query: selekt 1, expect: "1"`, "the query is wrong: ERROR: syntax error"},
		"two questions":    {"sql", `query: select 1; select 2, expect: "1"`, "cannot insert multiple commands"},
		"a write":          {"sql", `query: "delete from orders", expect: "1"`, "read-only transaction"},
		"a hidden write":   {"sql", `query: "select meddle()", expect: "1"`, "read-only transaction"},
		"a way out":        {"sql", `query: "commit; delete from orders", expect: "1"`, "cannot insert multiple commands"},
		"secret is not there": {"sql", `query: select 1, expect: "1", user: other, password: {env: LIFEBOAT_TEST_UNSET}`,
			"LIFEBOAT_TEST_UNSET is not set"},
		"no such zone": {"freshness",
			"table: orders, column: local, max_age: 1h, against: now, timezone: Moon/Crater", "Moon/Crater"},
		"no time":             {"freshness", "query: select id from orders, max_age: 1h, against: now", "cannot cast"},
		"the drill was ended": {"rows", "table: orders, at_least: 1", "canceled"},
	} {
		t.Run("not asked: "+name, func(t *testing.T) {
			prefix := db
			if name == "secret is not there" {
				prefix = "on: db"
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if name == "the drill was ended" {
				cancel()
			}
			facts, err := verifiertest.Make(t, New, c.kind, "{"+prefix+", "+c.keys+"}").Observe(ctx, target)
			require.Error(t, err, string(facts))
			assert.Contains(t, err.Error(), c.says)
		})
	}
	t.Run("what the drill wrote is not the backup's", func(t *testing.T) {
		began := time.Now().Add(-5*time.Minute - 30*time.Second)
		for _, c := range []struct{ zone, keys, says string }{
			{"", "table: orders, column: at, max_age: 8m, against: now", `Z, [56]m.* before the time of the check$`},
			{"", "query: select at from orders where id < 4, max_age: 8m, against: now", "there is none from before it"},
			{"Asia/Shanghai", "table: orders, column: local, max_age: 10m, against: '2016-11-05T00:10:00+08:00'",
				`2016-11-04T16:00:00Z \(Asia/Shanghai\), 10m0s before`},
		} {
			check := verifiertest.Make(t, New, "freshness", "{"+db+", "+c.keys+"}")
			facts, err := check.Observe(t.Context(), timed{target, began, c.zone})
			require.NoError(t, err)
			assert.Regexp(t, c.says, verifier.Judge(check, "before", nil, facts).Message)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		check := verifiertest.Make(t, New, "rows", "{on: db, password: open-barley, table: orders, at_least: 1}")
		facts, err := check.Observe(t.Context(), target)
		require.NoError(t, err)
		a := check.Judge(nil, facts)
		assert.Equal(t, record.CheckFailed, a.Status)
		assert.Contains(t, a.Message, "password authentication failed")
		assert.NotContains(t, string(facts), "open-barley")
	})
	t.Run("a secret in an answer", func(t *testing.T) {
		check := verifiertest.Make(t, New, "sql",
			"{on: db, password: sesame, query: \"select 'open sesame'\", matches: open}")
		facts, err := check.Observe(t.Context(), target)
		require.NoError(t, err)
		assert.Contains(t, string(facts), "open ***")
	})
	t.Run("content changed and back", func(t *testing.T) {
		check := verifiertest.Make(t, New, "checksum", "{on: db, password: sesame, query: \"select id, note from orders\"}")
		look := func() verifier.Facts {
			facts, err := check.Observe(t.Context(), target)
			require.NoError(t, err)
			return facts
		}
		change := func(query string) {
			o, err := target.Exec(t.Context(), "db", []string{"su", "postgres", "-c", `psql -qc "` + query + `"`})
			require.NoError(t, err)
			require.Zero(t, o.Exit, o.Stderr)
		}
		before := look()
		change("update orders set note = 'x' where id = 7")
		assert.Equal(t, record.CheckFailed, check.Judge(before, look()).Status)
		change("update orders set note = 'n7' where id = 7") // the row now lies elsewhere
		assert.Equal(t, record.CheckPassed, check.Judge(before, look()).Status)
		change("update orders set at = at - interval '1 hour'")
		assert.Equal(t, record.CheckPassed, check.Judge(before, look()).Status, "a column that was not asked for")
	})
	t.Run("a server in trouble", func(t *testing.T) {
		check := verifiertest.Make(t, New, "rows", "{"+db+", table: orders, at_least: 1}")
		_, err := target.Exec(t.Context(), "db", []string{"su", "postgres", "-c", "pg_ctl stop -m immediate -D $PGDATA"})
		_ = err // the container ends with its server, so the command is cut off
		facts, err := check.Observe(t.Context(), target)
		if err == nil {
			assert.Equal(t, record.CheckFailed, check.Judge(nil, facts).Status)
		}
	})
}

// timed is a target of a drill that began at a time.
type timed struct {
	*verifiertest.Container
	began time.Time
	zone  string
}

func (t timed) Began() time.Time   { return t.began }
func (t timed) Zone(string) string { return t.zone }
