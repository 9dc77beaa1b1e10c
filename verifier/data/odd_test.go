package data

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// odd is a database in which nothing is what it is called, by what may stand in a dump.
const odd = `
create database odd;
alter database odd set search_path = evil, shop, public;
alter database odd set statement_timeout = 1;
alter database odd set extra_float_digits = -15;
alter database odd set bytea_output = 'escape';
alter database odd set standard_conforming_strings = off;
alter database odd set default_transaction_isolation = 'serializable';
alter database odd set default_transaction_deferrable = on;
create database salvaged;
alter database salvaged set zero_damaged_pages = on;
\connect salvaged
create table things (id int); insert into things values (1);
grant select on things to reader;
\connect odd
set search_path = public;
create schema shop; create schema evil; create schema sesame; create table sesame.own (id int); insert into sesame.own values (1);
create table shop.orders (id int, at timestamptz);
insert into shop.orders select g, '2026-03-01' from generate_series(1, 3) g;
create view evil.orders as select g as id, now() as at from generate_series(1, 1000) g;
create view seen as select g as id, now() as at from generate_series(1, 1000) g;
create materialized view kept as select * from seen;
create table shop.only (id int); insert into shop.only values (1);
create table things (id int, note varchar); insert into things values (1, 'a'), (2, 'B');
create table nearly (v float8); insert into nearly values (0.1);
create table exactly (v float8); insert into exactly values (0.1 + 1e-17 * 3);
create table hidden (id int); insert into hidden select generate_series(1, 5);
alter table hidden enable row level security; create policy one on hidden using (id = 1);
grant select on hidden to reader;
create function lower(varchar) returns text language sql as $$ select 'a'::text $$;
create function alike(varchar, varchar) returns bool language sql as 'select true';
create operator = (leftarg = varchar, rightarg = varchar, function = alike);
create function count(int) returns bigint language sql as 'select 1000::bigint';
`

func againstOdd(t *testing.T, target *verifiertest.Container) {
	observe := func(t *testing.T, kind, keys string) (verifier.Check, verifier.Facts, error) {
		if !strings.Contains(keys, "database:") {
			keys += ", database: odd"
		}
		if !strings.Contains(keys, "password:") {
			keys += ", password: sesame"
		}
		check := verifiertest.Make(t, New, kind, "{on: db, "+keys+"}")
		facts, err := check.Observe(t.Context(), target)
		return check, facts, err
	}
	for name, c := range map[string]struct {
		kind, keys string
		status     record.CheckStatus
		says       string
	}{
		"with its schema": {"rows", "table: shop.orders, equals: 3", "passed", "3 rows"},
		"on the path":     {"rows", "table: orders, search_path: [shop], equals: 3", "passed", "3 rows"},
		"a schema that is called like the password": {"rows", "table: own, equals: 1", "passed", ""},
		"only one":              {"rows", "table: only, equals: 1", "passed", ""},
		"not on the given path": {"rows", "table: only, search_path: [public], equals: 1", "failed", "there is no table only"},
		"none":                  {"rows", "table: nothing, at_least: 1", "failed", "there is no table nothing"},
		"a table of public":     {"rows", "table: things, equals: 2", "passed", ""},
		"rows that the role may see": {"sql", "user: reader, password: reader-secret, query: select sum(id) from hidden, expect: '1'",
			"passed", ""},
		"a query":      {"sql", "query: select sum(id) from things, expect: '3'", "passed", ""},
		"a slow query": {"sql", "query: select pg_sleep(0.2) is not null, expect: t", "passed", ""},
		"a backslash":  {"sql", `query: "select 'a\\\\b'", expect: "a\\\\b"`, "passed", ""},
		"bytes":        {"sql", `query: "select convert_to('a', 'UTF8')", expect: "\\x61"`, "passed", ""},
		"fresh":        {"freshness", "table: shop.orders, column: at, max_age: 1h, against: now", "failed", "2026-03-01"},
	} {
		t.Run(name, func(t *testing.T) {
			check, facts, err := observe(t, c.kind, c.keys)
			require.NoError(t, err)
			a := verifier.Judge(check, "before", nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.says)
		})
	}
	for name, c := range map[string]struct{ kind, keys, says string }{
		"two of a name":       {"rows", "table: orders, at_least: 1", "has evil.orders and shop.orders: name one of them"},
		"a view":              {"rows", "table: seen, at_least: 1", "public.seen in database odd is a view, not a table"},
		"a view on the path":  {"rows", "table: orders, search_path: [evil], at_least: 1", "evil.orders in database odd is a view"},
		"a view, summed":      {"checksum", "table: evil.orders", "is a view, not a table"},
		"a view, how old":     {"freshness", "table: seen, column: at, max_age: 1h, against: now", "is a view, not a table"},
		"a materialized view": {"rows", "table: kept, at_least: 1", "is a materialized view, not a table"},
		"hidden rows": {"rows", "user: reader, password: reader-secret, table: hidden, at_least: 1",
			"row security hides rows of public.hidden from reader"},
		"off the path":  {"sql", `query: 'select sum(id) from "only"', expect: '1'`, "but shop.only is there"},
		"a function":    {"sql", "query: select lower(note) from things where id > 1, expect: b", "the function public.lower"},
		"an operator":   {"sql", "query: select id from things where note = 'B'::varchar, expect: '2'", "the operator public.="},
		"its own count": {"checksum", "query: select count(id) from things", "the function public.count"},
		"damaged pages": {"rows", "user: reader, password: reader-secret, database: salvaged, table: things, at_least: 1",
			"zero_damaged_pages is on"},
	} {
		t.Run("not asked: "+name, func(t *testing.T) {
			_, facts, err := observe(t, c.kind, c.keys)
			require.Error(t, err, string(facts))
			assert.Contains(t, err.Error(), c.says)
		})
	}
	t.Run("all digits", func(t *testing.T) {
		_, nearly, err := observe(t, "checksum", "table: nearly")
		require.NoError(t, err)
		_, exactly, err := observe(t, "checksum", "table: exactly")
		require.NoError(t, err)
		assert.NotEqual(t, string(nearly), string(exactly))
	})
	t.Run("salvaged by a superuser", func(t *testing.T) {
		check, facts, err := observe(t, "rows", "database: salvaged, table: things, equals: 1")
		require.NoError(t, err)
		assert.Equal(t, record.CheckPassed, verifier.Judge(check, "before", nil, facts).Status)
	})
}
