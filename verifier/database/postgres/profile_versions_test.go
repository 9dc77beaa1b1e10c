package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

// versions of servers, as make other-versions builds them beside 15.
var versions = []int{13, 15, 17, 18}

// richOf is the rich database for a server of a version: without what it does not know, and with what only it knows.
func richOf(t *testing.T, version int) string {
	text := rich(t)
	if version < 15 {
		for _, x := range [][2]string{{" nulls not distinct", ""}, {"for table customers (id, name) where (id > 0), parent", "for table customers, parent"},
			{`create publication pub_s for tables in schema "模式 一";`, ""}, {"alter table customers alter secret set compression pglz;", ""},
			{"when 1 then 'Infinity' when 2 then null", "when 1 then 'NaN' when 2 then null"}, {"immutable return v * 2", "immutable as 'select v * 2'"},
			{"immutable return 1", "immutable as 'select 1'"}} {
			text = strings.ReplaceAll(text, x[0], x[1])
		}
	}
	if version >= 17 {
		text += `grant maintain on shop.parent to shop_reader;`
	}
	if version >= 18 {
		text += `create table shop.since18 (id int primary key, twice int generated always as (id * 2) virtual, ref int, room int4range, during int4range,
			constraint named not null ref no inherit, constraint apart unique (room, during without overlaps));
			alter table shop.since18 add constraint kept check (id > 0) not enforced;
			create table shop.late18 (v int); insert into shop.late18 values (null); alter table shop.late18 add constraint late_null not null v not valid;
			create publication made for table shop.since18 with (publish_generated_columns = stored);
			comment on constraint named on shop.since18 is 'named';
			insert into shop.since18 (id, ref, during) values (1, 2, '[1,3)'), (2, 3, '[4,9)');`
	}
	return text
}

// between gives a file of one container to another.
func between(t *testing.T, from, to cluster, path string) {
	t.Helper()
	raw, err := from.c.Read(t.Context(), "db", path)
	require.NoError(t, err)
	here := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(here, raw, 0o644))
	to.c.Put(t, here, path)
}

// A profile taken on a server of one version holds for a copy on the same and on any later one, dumped by the programs of either; and what is
// lost on the way is found.
func TestProfileAcrossVersions(t *testing.T) {
	needs.Long(t)
	servers := map[int]cluster{}
	for _, v := range versions {
		image := fmt.Sprintf("lifeboat/postgres:%d", v)
		if exec.Command("docker", "image", "inspect", image).Run() != nil {
			needs.Skip(t, "make other-versions makes the images of other versions:", image)
		}
		servers[v] = cluster{t, verifiertest.PostgresOf(t, image, profiledRoles)}
	}
	for _, from := range versions {
		source := servers[from]
		source.do("postgres", "create database rich template template0")
		source.do("rich", richOf(t, from))
		was := source.profile("rich", database.ProfileOptions{})
		for _, table := range was.Databases[0].Tables {
			assert.Empty(t, table.Unread, table.Name)
		}
		for _, to := range versions[slices.Index(versions, from):] {
			for _, by := range slices.Compact([]int{from, to}) {
				t.Run(fmt.Sprintf("%d to %d by %d", from, to, by), func(t *testing.T) {
					target, dumper, db := servers[to], servers[by], fmt.Sprintf("from%d_by%d", from, by)
					conn, err := source.c.Dial(t.Context(), "db", 5432)
					require.NoError(t, err)
					address, _, _ := strings.Cut(conn.RemoteAddr().String(), ":")
					require.NoError(t, conn.Close())
					dumper.shell(fmt.Sprintf("PGHOST=%s pg_dump -Fc -d rich -f /tmp/%s", address, db))
					// PostgreSQL 15.20 and 17.12 keep an option of columns that pg_dump 18.6 writes down, and no server takes.
					o, err := dumper.c.Exec(t.Context(), "db", []string{"sh", "-c", "pg_restore -f - /tmp/" + db + " | grep -q 'SET (pg_attver'"})
					require.NoError(t, err)
					if o.Exit == 0 {
						t.Skip("pg_dump wrote what no server takes")
					}
					if by != to {
						between(t, dumper, target, "/tmp/"+db)
					}
					target.do("postgres", "create database "+db+" template template0")
					target.shell(fmt.Sprintf("pg_restore -e -d %s /tmp/%s", db, db))
					for _, d := range was.Compare(target.copied(db, was)) {
						t.Errorf("%s %s\n%s\n%s", d.ID, d.Where, d.Was, d.Now)
					}
					for _, fault := range planted {
						if by != from || from < fault.since {
							continue
						}
						copied := db + "_fault"
						target.do("postgres", "create database "+copied+" template "+db)
						target.do(copied, fault.sql)
						differences := was.Compare(target.copied(copied, was))
						assert.True(t, slices.ContainsFunc(differences, func(d database.Difference) bool { return strings.Contains(d.Where, fault.where) }),
							"%s: %v", fault.sql, differences)
						target.do("postgres", "drop database "+copied)
					}
				})
			}
		}
	}
}

// planted are faults of a copy, and where they must be found.
var planted = []struct {
	sql, where string
	since      int // version of the source; of an older one it is no fault
}{
	{"drop index shop.lower_name", "index shop.lower_name", 0},
	{"alter table shop.customers drop constraint customers_status_check", "constraint shop.customers.customers_status_check", 0},
	{"alter table shop.customers alter name drop not null", "column shop.customers.name", 0},
	{"alter table shop.customers alter joined drop default", "default shop.customers.joined", 0},
	{"alter table shop.customers enable trigger touch", "trigger shop.customers.touch", 0},
	{"drop policy own on shop.customers", "policy shop.customers.own", 0},
	{"alter policy strict on shop.customers using (false)", "policy shop.customers.strict", 0},
	{"revoke select on shop.customers from shop_reader", "grant table shop.customers", 0},
	{"grant create on schema public to public", "grant schema public", 15},
	{"alter table shop.orders detach partition shop.orders_2025", "shop.orders_2025", 0},
	{"alter type shop.mood add value 'new'", "enum shop.mood", 0},
	{"alter domain shop.amount drop constraint not_negative", "constraint shop.amount.not_negative", 0},
	{"create or replace view shop.v_rec as with recursive t(n) as (values (1) union all select n + 1 from t where n < 6) select n, row_number() over (order by n) as r from t",
		"view shop.v_rec", 0},
	{"create or replace function shop.doubled(v int) returns int language sql immutable as 'select v * 3'", "function shop.doubled", 0},
	{"refresh materialized view shop.mv_empty", "materialized view shop.mv_empty", 0},
	{"select setval('shop.ticket', 7)", "sequence value shop.ticket", 0},
	{"select lo_put(4713, 1, '\\x42')", "large objects", 0},
	{"update shop.orders set sum = sum + 0.01 where id = 50", "table shop.orders_2024", 0},
	{"delete from shop.hashed where id = 7", "table shop.hashed_", 0},
	{"drop publication pub", "publication pub", 0},
	{"comment on column shop.customers.name is 'other'", "comment", 0},
	{"alter table shop.customers no force row level security", "table shop.customers", 0},
	{"delete from shop.late18; alter table shop.late18 validate constraint late_null", "column shop.late18.v", 18},
	{"alter table shop.since18 drop constraint named", "column shop.since18.ref", 18},
	{"alter table shop.since18 drop constraint kept, add constraint kept check (id > 0)", "constraint shop.since18.kept", 18},
	{"alter publication made set (publish_generated_columns = none)", "publication made", 18},
	{"revoke maintain on shop.parent from shop_reader", "grant table shop.parent", 17},
	{"alter default privileges for role shop_owner in schema shop revoke select on tables from shop_reader", "default privileges", 0},
}
