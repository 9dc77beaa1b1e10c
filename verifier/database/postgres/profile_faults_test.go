package postgres

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
	"lifeboat/verifier/database"
)

// structural asks a database for statements that change its structure, one each.
const structural = `with c as (select c.oid, c.relname, c.relkind, c.oid::regclass as t, n.nspname, c.relispartition from pg_class c
		join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('shop', '模式 一')),
	a as (select c.t, c.relkind, c.relispartition, a.*, format_type(a.atttypid, a.atttypmod) as type from c join pg_attribute a on a.attrelid = c.oid
		where a.attnum > 0 and not a.attisdropped)
	select format('drop index %s', x.t) from c x where x.relkind in ('i', 'I')
	union all select format('alter table %s drop constraint %I cascade', k.conrelid::regclass, k.conname) from pg_constraint k join c on c.oid = k.conrelid
	union all select format('alter domain %s drop constraint %I', k.contypid::regtype, k.conname) from pg_constraint k where k.contypid <> 0
	union all select format('alter table %s validate constraint %I', k.conrelid::regclass, k.conname) from pg_constraint k where not k.convalidated
	union all select format('alter table %s alter %I drop default', a.t, a.attname) from a where a.atthasdef and a.attgenerated = ''
	union all select format('alter table %s alter %I set default null', a.t, a.attname) from a where a.atthasdef and a.attgenerated = ''
	union all select format('alter table %s alter %I %s not null', a.t, a.attname, case when a.attnotnull then 'drop' else 'set' end)
		from a where a.relkind in ('r', 'p')
	union all select format('alter table %s drop %I', a.t, a.attname) from a where a.relkind in ('r', 'p')
	union all select format('alter table %s rename %I to other', a.t, a.attname) from a where a.relkind in ('r', 'p', 'v', 'm')
	union all select format('alter table %s alter %I type bigint', a.t, a.attname) from a where a.relkind in ('r', 'p') and a.type = 'integer'
	union all select format('alter table %s alter %I set storage plain', a.t, a.attname) from a where a.relkind = 'r' and a.attstorage <> 'p'
	union all select format('alter table %s alter %I set statistics 99', a.t, a.attname) from a where a.relkind = 'r'
	union all select format('alter table %s drop column %I', a.t, a.attname) from a where a.relkind = 'r'
	union all select format('alter table %s add column more int', c.t) from c where c.relkind in ('r', 'p')
	union all select format('alter table %s owner to shop_reader', c.t) from c where c.relkind in ('r', 'p', 'v', 'm')
	union all select format('alter sequence %s owner to shop_reader', c.t) from c where c.relkind = 'S'
	union all select format('drop table %s cascade', c.t) from c where c.relkind in ('r', 'p')
	union all select format('drop view %s cascade', c.t) from c where c.relkind = 'v'
	union all select format('drop materialized view %s cascade', c.t) from c where c.relkind = 'm'
	union all select format('refresh materialized view %s with %s data', c.t, case when x.relispopulated then 'no' else '' end)
		from c join pg_class x on x.oid = c.oid where c.relkind = 'm'
	union all select format('alter table %s set (fillfactor = 55)', c.t) from c where c.relkind = 'r'
	union all select format('alter table %s set unlogged', c.t) from c where c.relkind = 'r'
	union all select format('alter table %s replica identity nothing', c.t) from c where c.relkind = 'r'
	union all select format('alter table %s %s row level security', c.t, case when x.relrowsecurity then 'disable' else 'enable' end)
		from c join pg_class x on x.oid = c.oid where c.relkind = 'r'
	union all select format('alter table %s detach partition %s', i.inhparent::regclass, c.t) from c join pg_inherits i on i.inhrelid = c.oid where c.relispartition
	union all select format('alter sequence %s increment by 3', c.t) from c where c.relkind = 'S'
	union all select format('select setval(%L, last_value + %s, true) from %s', c.t, case when s.seqincrement > 0 then -1 else 1 end, c.t)
		from c join pg_sequence s on s.seqrelid = c.oid where c.relname <> 'untouched'
	union all select format('drop trigger %I on %s', g.tgname, g.tgrelid::regclass) from pg_trigger g where not g.tgisinternal and g.tgparentid = 0
	union all select format('alter table %s %s trigger %I', g.tgrelid::regclass, case g.tgenabled when 'D' then 'enable' else 'disable' end, g.tgname)
		from pg_trigger g where not g.tgisinternal
	union all select format('drop policy %I on %s', p.polname, p.polrelid::regclass) from pg_policy p
	union all select format('alter policy %I on %s to public', p.polname, p.polrelid::regclass) from pg_policy p where p.polroles <> '{0}'
	union all select format('alter policy %I on %s using (id > 1)', p.polname, p.polrelid::regclass) from pg_policy p
	union all select format('revoke %s on %s from %s', e.privilege_type, c.t, e.grantee::regrole) from c join pg_class x on x.oid = c.oid, aclexplode(x.relacl) e
		where c.relkind <> 'S' and e.grantee <> x.relowner
	union all select format('grant truncate on %s to shop_reader', c.t) from c where c.relkind = 'r'
	union all select format('drop rule no_delete on shop.customers')
	union all select format('alter function %s %s', p.oid::regprocedure, x) from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
		unnest('{volatile,stable,security definer,cost 55,called on null input,parallel restricted,reset all,leakproof,owner to shop_reader}'::text[]) x
		where n.nspname = 'shop' and p.prokind = 'f' and p.prolang <> 13
	union all select format('comment on column %s.%I is ''other''', a.t, a.attname) from a where a.relkind in ('r', 'p', 'v', 'm')
	union all select format('comment on table %s is null', c.t) from c where obj_description(c.oid, 'pg_class') is not null and c.relkind = 'r'
	union all select format('alter type %s rename value %L to ''new''', e.enumtypid::regtype, e.enumlabel) from pg_enum e
	union all select format('alter type %s add value ''new'' before %L', e.enumtypid::regtype, e.enumlabel) from pg_enum e
	union all select format('select lo_unlink(%s)', m.oid) from pg_largeobject_metadata m
	union all select format('select lo_put(%s, 1, ''\x42'')', m.oid) from pg_largeobject_metadata m
	union all select format('alter large object %s owner to shop_reader', m.oid) from pg_largeobject_metadata m
	union all select unnest(array['drop publication pub', 'alter publication pub set (publish = ''insert'')', 'alter publication pub drop table shop.parent',
		'alter publication pub_s drop tables in schema "模式 一"', 'drop event trigger watch', 'alter event trigger watch enable', 'drop statistics shop.st',
		'drop cast (shop.mood as int)', 'drop operator shop.=== (point, point)', 'drop aggregate shop.joined(text)', 'alter domain shop.amount drop default',
		'alter domain shop.amount set not null', 'alter domain shop.code drop not null', 'alter type shop.pair add attribute z int', 'drop extension pg_trgm cascade',
		'alter extension hstore set schema public', 'drop text search configuration shop.simple_de', 'drop collation shop.german cascade',
		'alter server away options (set host ''192.0.2.8'')', 'alter user mapping for shop_owner server away options (set password ''other'')',
		'alter default privileges for role shop_owner in schema shop revoke select on tables from shop_reader',
		'alter default privileges for role shop_owner grant execute on functions to public', 'alter table shop.child no inherit shop.parent',
		'alter view shop.v_customers reset (security_barrier)', 'alter view shop.v_customers set (check_option = cascaded)', 'create table shop.more ()',
		'create function shop.more() returns int language sql return 1', 'revoke usage on schema shop from shop_reader', 'alter schema shop owner to shop_reader',
		'create or replace function shop.total(a int, b int default 2, variadic c text[] default ''{}'') returns int language plpgsql stable strict parallel safe
			cost 7 set search_path = shop, pg_temp as $$ begin return a - b; end $$',
		'create or replace function shop.doubled(v int) returns int language sql immutable return v * 3',
		'create or replace view shop.v_one as select id, name, case status when ''new'' then 1 else 3 end as s, extract(year from joined) as y,
			coalesce(note, ''none'') as note from shop.customers where joined > now() - interval ''1 day'' and id = any (array[1, 2])',
		'alter database current set work_mem = ''7MB''', 'grant create on schema public to public', 'alter index shop.lower_name set (fillfactor = 60)',
		'alter table shop.customers cluster on customers_pkey', 'revoke select (name) on shop.customers from "shop ""writer"""'])`

// changed values of a column, by its type; anything else takes another row's value, or none.
var changes = map[string]string{"text": "overlay(coalesce(%s, '') placing 'q' from 1 for 1)", "integer": "%s # 1", "bigint": "%s + 1", "numeric": "%s + 0.01",
	"double precision": "%s * 1.0000000000000002", "real": "%s + 1", "date": "%s + 1", "interval": "%s + interval '1 microsecond'", "jsonb": `%s || '{"b": 0}'`,
	"timestamp without time zone": "%s + interval '1 microsecond'", "timestamp with time zone": "%s - interval '1 microsecond'",
	"bytea": "set_byte(%[1]s, 0, get_byte(%[1]s, 0) # 1)", "shop.amount": "%s + 0.01", "uuid": "gen_random_uuid()", "inet": "%s + 1", "money": "%s + 0.01::money",
	"xml": "'<b/>'::xml", "json": `'{"a":2}'::json`, "character varying(50)": "%s || ' '", "text[]": "%s || null::text", "bit varying(10)": "~%s"}

// wound makes one random change in a database and says which.
func (c cluster) wound(db string, r *rand.Rand) string {
	c.t.Helper()
	var statements []string
	for _, line := range strings.Split(c.ask(db, "select replace(s, chr(10), ' ') from ("+structural+") x(s) order by s collate \"C\""), "\n") {
		statements = append(statements, strings.ReplaceAll(line, "database current", "database "+db))
	}
	require.Greater(c.t, len(statements), 300)
	columns := strings.Split(c.ask(db, `select x from (select format('%s|%s|%s', format('only %I.%I', n.nspname, c.relname), quote_ident(a.attname),
		format_type(a.atttypid, a.atttypmod)) from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
		where n.nspname in ('shop', '模式 一') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') s(x) order by x collate "C"`), "\n")
	before := c.dumped(db)
	for range 100 {
		if r.IntN(2) == 0 {
			sql := statements[r.IntN(len(statements))]
			if _, ok := c.tried(db, sql); ok && c.dumped(db) != before {
				return sql
			}
			continue
		}
		parts := strings.Split(columns[r.IntN(len(columns))], "|")
		table, column := parts[0], parts[1]
		row := func() string {
			return fmt.Sprintf("(select ctid from %s order by ctid offset %d limit 1)", table, r.IntN(60))
		}
		plain := column + "::text"
		if t := parts[2]; t == "double precision" || t == "real" { // -0 is 0
			plain = column
		}
		form, known := changes[parts[2]]
		value := "null"
		if known && r.IntN(3) > 0 {
			value = fmt.Sprintf(strings.ReplaceAll(form, "%s", "%[1]s"), column)
		}
		sql := fmt.Sprintf("update %s set %s = %s where ctid = %s and (%[3]s)::text is distinct from %[5]s::text returning 1", table, column, value, row(), column)
		switch r.IntN(6) {
		case 0:
			sql = fmt.Sprintf("delete from %s where ctid = %s returning 1", table, row())
		case 1:
			sql = fmt.Sprintf("insert into %s overriding system value select * from %s where ctid = %s returning 1", strings.TrimPrefix(table, "only "), table, row())
		case 2, 3:
			sql = fmt.Sprintf(`with x as (select ctid as id, %[2]s as v, %[3]s as plain from %[1]s where ctid = %[4]s), y as (select ctid as id, %[2]s as v, %[3]s as plain
				from %[1]s where ctid = %[5]s) update %[1]s t set %[2]s = case when t.ctid = x.id then y.v else x.v end from x, y
				where t.ctid in (x.id, y.id) and x.plain is distinct from y.plain returning 1`, table, column, plain, row(), row())
		}
		if out, ok := c.tried(db, "set session_replication_role = replica; "+sql); ok && strings.HasPrefix(out, "1") && c.dumped(db) != before {
			return sql
		}
	}
	c.t.Fatal("no change was possible")
	return ""
}

// tried runs statements that may not be possible.
func (c cluster) tried(db, sql string) (string, bool) {
	c.t.Helper()
	o, err := c.c.Exec(c.t.Context(), "db", []string{"env", "PGPASSWORD=sesame", "PGHOST=127.0.0.1", "PGUSER=postgres", "psql", "-qXAt",
		"-v", "ON_ERROR_STOP=1", "-d", db, "-c", sql})
	require.NoError(c.t, err)
	return strings.TrimSpace(o.Stdout), o.Exit == 0
}

func (c cluster) ask(db, sql string) string {
	c.t.Helper()
	out, ok := c.tried(db, sql)
	require.True(c.t, ok, sql)
	return out
}

// dumped is pg_dump's word on a database, in which the order of rows does not count: what leaves it alone is no change.
func (c cluster) dumped(db string) string {
	c.t.Helper()
	o, err := c.c.Exec(c.t.Context(), "db", []string{"env", "PGPASSWORD=sesame", "PGHOST=127.0.0.1", "PGUSER=postgres", "bash", "-ec",
		"pg_dump --create -d " + db + " | grep -v restrict | sort | sha256sum"})
	require.NoError(c.t, err)
	require.Zero(c.t, o.Exit, o.Stderr)
	return o.Stdout
}

// seed of random tests: told, so that they can be repeated.
func seed(t *testing.T) int64 {
	t.Helper()
	s := time.Now().UnixNano()
	if given := os.Getenv("LIFEBOAT_SEED"); given != "" {
		var err error
		s, err = strconv.ParseInt(given, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("LIFEBOAT_SEED=%d repeats this", s)
	return s
}

func TestProfileFindsEveryRandomFault(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.do("postgres", "create database rich template template0")
	c.do("rich", rich(t))
	c.restored("rich", "base", "-Fc")
	was := c.profile("rich", database.ProfileOptions{})
	require.Empty(t, was.Compare(c.copied("base", was)))
	s, n, found := seed(t), 8, 0
	if needs.AllLong() {
		n = 60
	}
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(s), uint64(i)))
		db := fmt.Sprintf("copy%d", i)
		c.do("postgres", "create database "+db+" template base")
		what := c.wound(db, r)
		differences := was.Compare(c.copied(db, was))
		if assert.NotEmpty(t, differences, "fault %d was not found: %s", i, what) {
			found++
			t.Logf("%s: %s %s", what, differences[0].ID, differences[0].Where)
		}
		c.do("postgres", "drop database "+db)
	}
	t.Logf("found %d of %d", found, n)
}
