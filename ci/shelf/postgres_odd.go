package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// oddDumps are good ones of the same database, made as people make them.
func oddDumps() []item {
	odd := func(name, what, line, file string) item {
		return item{name: name, what: what, shape: shop, make: dumped("", line, file), profiled: profiledDump("", line, file),
			yesterday: dumped(before(aDay), line, file)}
	}
	cluster := func(name, what, line, file string) item {
		i := odd(name, what, line, file)
		i.within = "shop:" // the other is the workshop's own, in which no time goes by
		return i
	}
	latin := odd("dumped-as-latin", "-E LATIN9 where the text allows it",
		"psql -qXd shop -c \"update customers set city = 'Köln', name = 'n' || id\" -c \"update products set name = 'p' || sku\" "+
			"-c \"update settings set value = '{}'\" -c 'comment on table orders is null' && pg_dump -E LATIN9 shop", "shop.sql")
	latin.other = true // no customer of it lives in a city with a Chinese name
	return []item{
		odd("custom", "nothing", dump, "shop.dump"),
		odd("plain", "-Fp", plain, "shop.sql"),
		odd("gzip", ".sql.gz", gzipped, "shop.sql.gz"),
		odd("zstd", ".sql.zst", zstd, "shop.sql.zst"),
		odd("tar", "-Ft", tarred, "shop.tar"),
		odd("directory", "-Fd in a tar", directory, "shop.tar"),
		odd("unpacked", "-Z0", unpacked, "shop.dump"),
		odd("packed", "-Z9", "pg_dump -Fc -Z9 shop", "shop.dump"),
		odd("clean", "--clean", "pg_dump --clean shop", "shop.sql"),
		odd("clean-if-exists", "--clean --if-exists", "pg_dump --clean --if-exists shop", "shop.sql"),
		odd("create", "--create", "pg_dump --create shop", "shop.sql"),
		odd("clean-create", "--clean --create", "pg_dump -Fc --clean --create shop", "shop.dump"),
		odd("inserts", "--inserts", "pg_dump --inserts shop", "shop.sql"),
		odd("column-inserts", "--column-inserts", "pg_dump -Fc --column-inserts shop", "shop.dump"),
		odd("rows-per-insert", "--rows-per-insert", "pg_dump --rows-per-insert=100 --on-conflict-do-nothing shop", "shop.sql"),
		odd("disable-triggers", "--disable-triggers", "pg_dump --disable-triggers shop", "shop.sql"),
		odd("quoted", "--quote-all-identifiers", "pg_dump --quote-all-identifiers shop", "shop.sql"),
		odd("session-authorization", "--use-set-session-authorization", "pg_dump --use-set-session-authorization shop", "shop.sql"),
		latin,
		cluster("cluster", "pg_dumpall", "pg_dumpall", "all.sql"),
		cluster("cluster-clean", "pg_dumpall --clean", "pg_dumpall --clean --if-exists | gzip", "all.sql.gz"),
	}
}

// oddDatabases are good dumps of databases that are odd.
func oddDatabases() []item {
	odd := func(name, what, sql string) item {
		return item{name: name, what: what, shape: shop, make: dumped(sql, dump, "shop.dump"), profiled: profiledDump(sql, dump, "shop.dump"),
			yesterday: dumped(before(aDay)+sql, dump, "shop.dump")}
	}
	other := func(name, what, sql, line, file string) item {
		return item{name: name, what: what, shape: shop, make: dumped(sql, line, file), profiled: profiledDump(sql, line, file),
			yesterday: dumped(sql, line, file), other: true}
	}
	encoded := func(name, encoding, text string) item {
		return other(name, "a database in "+encoding, "", "createdb -E "+encoding+" -l C -T template0 odd && "+
			"psql -qXd odd -c \"set client_encoding = 'UTF8'\" -c 'create table t (id int primary key, v text)' -c \"insert into t values (1, "+text+")\" && "+
			"pg_dump -Fc odd && dropdb odd", "odd.dump")
	}
	const provider = `psql -qXc 'create role rdsadmin; create role rds_superuser; create role cloudsqlsuperuser; create role azure_pg_admin' &&
		psql -qXd shop -c 'grant select on customers to rds_superuser, cloudsqlsuperuser' \
			-c 'alter table visits owner to azure_pg_admin' \
			-c 'alter function vat owner to rdsadmin' && pg_dump -Fc shop &&
		psql -qXd shop -c 'drop owned by rdsadmin, azure_pg_admin, rds_superuser, cloudsqlsuperuser cascade' \
			-c 'drop role rdsadmin, rds_superuser, cloudsqlsuperuser, azure_pg_admin'`
	migrated := func(i item, table string) item {
		i.yesterday, i.migrated = shop.yesterday, []string{table}
		return i
	}
	return []item{
		odd("quiet-day", "nothing happened since yesterday", before("now() - interval '20 hours'")),
		migrated(odd("migration", "a migration added a column, as the catalogue says",
			"alter table customers add column phone text; update customers set phone = '1' || id;"), "customers"),
		odd("names", "names with spaces, capitals and Chinese", `create schema "数据 仓库"; create table "数据 仓库"."Order ""Lines""" ("编号" int primary key, "a b" text);
			insert into "数据 仓库"."Order ""Lines""" values (1, '北京'); create index "索引 1" on "数据 仓库"."Order ""Lines""" ("a b");`),
		odd("extensions", "extensions with things of their own", "create extension citext; create extension pg_trgm; create extension btree_gist; "+
			"create table tags (tag citext primary key); insert into tags values ('A'); create index on tags using gin ((tag::text) gin_trgm_ops);"),
		odd("unlogged", "an unlogged table", "create unlogged table cache (id int primary key, v text); insert into cache values (1, 'x');"),
		odd("unfilled", "a materialised view WITH NO DATA", "create materialized view later as select 1 as one with no data;"),
		odd("not-valid", "a key that is NOT VALID, with orphans", `create table old_lines (order_id bigint); insert into old_lines values (999999);
			alter table old_lines add foreign key (order_id) references orders not valid;`),
		odd("trigger-disabled", "a disabled trigger", "alter table orders disable trigger orders_touch;"),
		odd("sentinel-ids", "ids that no sequence made",
			"set session_replication_role = replica; insert into payments (id, order_id, amount, paid_at) overriding system value "+
				"values (-1, 20, (select total from orders where id = 20), now()); update orders set status = 'paid' where id = 20;"),
		odd("spent-sequence", "a sequence that was made for later",
			"create sequence later start 5 increment -1 maxvalue 10 cycle; create table spare (id int primary key default nextval('later'));"),
		odd("bytes", "bytes, arrays, ranges, infinity, and times before Christ", `create table odd (id int primary key, b bytea,
			a text[][], r int4range, t timestamptz, d date,
			n numeric, f float8);
			insert into odd values (1, '\x00ff', '{{a,NULL},{"",c}}', '[1,5)', 'infinity', '0044-03-15 BC', 'NaN', '-infinity'),
			(2, null, '{}', 'empty', '-infinity', 'infinity', 1e100, 'NaN');`),
		odd("generated", "generated columns and a rule",
			"alter table products add column gross numeric generated always as (price * 1.13) stored; "+
				"create rule quiet as on delete to settings do instead nothing;"),
		odd("inherited", "tables that inherit", "create table base (id int, v text); create table child (w text) inherits (base); insert into base "+
			"values (1, 'a'); insert into child values (2, 'b', 'c');"),
		other("public-only", "-n public of what needs nothing else", "drop extension pgcrypto;", "pg_dump -Fc -n public shop", "shop.dump"),
		other("provider-roles", "roles of AWS, Google and Azure", "", provider, "shop.dump"),
		encoded("sql-ascii", "SQL_ASCII", `convert_from('\\xe9', 'SQL_ASCII')`),
		encoded("latin1", "LATIN1", "'Zürich'"),
		encoded("euc-cn", "EUC_CN", "'北京'"),
	}
}

// hostileDumps are made to harm whoever restores them.
func hostileDumps() []item {
	read := at(objective.RungRead)
	sql := func(name, what, text string, l *label) item {
		return damaged(name, what, plain, l, accident.Swap("CREATE VIEW public.order_history", text+"\nCREATE VIEW public.order_history", 1))
	}
	return []item{
		sql("shell", "psql is to run a program", `\! touch /tmp/harm`, read),
		sql("copy-from-program", "the server is to run a program", "COPY public.returns FROM PROGRAM 'id';", read),
		sql("copy-to-file", "the server is to write a file", "COPY public.customers TO '/tmp/harm';", read),
		sql("include", "psql is to read a file", `\i /etc/passwd`, read),
		damaged("tar-climbs-out", "a name in the tar leads out of it", tarred, read, accident.InTar(accident.With("../harm", "x"))),
		damaged("directory-absolute-name", "a name in the tar is absolute", directory, read, accident.InTar(accident.With("/etc/harm", "x"))),
		damaged("bomb-gzip", "66 MiB of comments in 70 kB", plain, read, accident.Comments, accident.Gzip),
		damaged("bomb-zstd", "66 MiB of comments in 10 kB", plain, read, accident.Comments, accident.Zstd),
	}
}

// changed is a dump, whole, of a database that is not what it was.
func changed(name, what, sql string, l *label) item {
	return item{name: name, what: what, shape: shop, make: dumped(sql, dump, "shop.dump"), label: l}
}

// before loses what is younger, as a copy of that time.
func before(when string) string {
	return `delete from payments where paid_at > ` + when + ` + interval '1 minute'; delete from orders where created_at > ` + when + `;
		delete from visits where at > ` + when + `; refresh materialized view revenue;`
}

// lostRows are dumps, whole, whose rows are not what they were.
func lostRows() []item {
	found := at(objective.RungContent)
	stopped := at(objective.RungRead) // the load ended in the middle: it was not read to its end
	return []item{
		{name: "empty-database", what: "of a database in which nothing is", shape: shop, label: found,
			make: dumped("", "createdb bare && pg_dump -Fc bare && dropdb bare", "shop.dump")},
		{name: "schema-only", what: "tables without a row", shape: shop, label: found, make: dumped("", "pg_dump -Fc --schema-only shop", "shop.dump")},
		{name: "data-only", what: "rows without their tables", shape: shop, label: doubtAt(objective.RungRead),
			make: dumped("", "pg_dump -Fc --data-only shop", "shop.dump")},
		changed("table-missing", "a table is gone", "drop table visits;", content("structure", rule, lastSeen)),
		changed("table-empty", "a table is empty", "truncate visits;", content("rows", rule, lastSeen)),
		changed("table-half", "half of a table is gone", "delete from visits where seconds < 150;", content("rows", rule, lastSeen)),
		changed("partition-gone", "a partition is gone, with half of the rows", "drop table stock_then;", content("structure", lastSeen)),
		changed("three-days-missing", "the last three days are missing", before("now() - interval '3 days'"), content("rows", rule, lastSeen)),
		changed("stale", "a copy of 20 days ago with today's date", before("now() - interval '20 days'"), content("stale", rule, lastSeen)),
		{name: "wrong-system", what: "of another system's database", shape: shop, label: content("stale", rule, lastSeen), make: dumped(
			"drop schema public cascade; create schema public; create table posts (id int primary key, text text); insert into posts select i, 'post ' || "+
				"i from generate_series(1, 500) i;",
			dump, "shop.dump")},
		changed("rows-twice", "the rows of a table without a key are there twice", "insert into visits select * from visits;", content("few_rows", profile)),
		changed("one-row-less", "one row of 800 is gone", "delete from visits where ctid = (select min(ctid) from visits);", content("few_rows", profile)),
		changed("orphans", "parents are gone, and the keys say that they are valid",
			"set session_replication_role = replica; delete from customers where id % 10 = 3;", stopped),
		changed("orphans-not-valid", "parents are gone, and the keys were made NOT VALID", `alter table orders drop constraint orders_customer_id_fkey;
			delete from customers where id = 299; alter table orders add foreign key (customer_id) references customers not valid;`, content("structure", lastSeen)),
		changed("amount-changed", "one digit of one payment", "update payments set amount = amount + 10 where id = 77;", content("values", rule)),
		changed("balance-changed", "one digit of one balance", "update customers set balance = balance + 10 where id = 77;", content("values", profile)),
		changed("rows-shifted", "the balances are those of the next customer",
			"update customers c set balance = o.balance from customers o where o.id = c.id % 300 + 1;", content("shifted", profile)),
		changed("totals-shifted", "the totals are those of the next order",
			"update orders c set total = o.total from orders o where o.id = c.id % 1200 + 1;", content("shifted", rule)),
		changed("column-zeroed", "a column is zero in every row", "update customers set balance = 0;", content("values", profile)),
		changed("times-shifted", "every time is 8 hours earlier", "update visits set at = at - interval '8 hours';", content("values", profile)),
		changed("mojibake", "text was encoded twice", "update customers set city = convert_from(convert_to(city, 'UTF8'), 'LATIN1');", content("values", rule)),
		changed("question-marks", "letters became question marks", "update customers set city = regexp_replace(city, '[^ -~]', '?', 'g');",
			content("values", rule)),
		damaged("gbk", "Chinese in GBK where UTF-8 is promised", plain, stopped, accident.Swap("北京", "\xb1\xb1\xbe\xa9", 0)),
		damaged("utf8-cut", "a letter lost its last byte", unpacked, stopped, accident.Swap("北京", "北\xe4\xba\x01", 1)),
		changed("sequence-behind", "a sequence stands where it began", "select setval('order_numbers', 100001, false);", found),
		changed("identity-behind", "the ids of a table begin anew", "alter table payments alter id restart;", found),
		changed("blob-changed", "a large object is another", "select lo_put(70001, 0, 'b');", content("blobs", profile)),
	}
}

// lostStructure are dumps, whole, whose rows are all there, and something else is not.
func lostStructure() []item {
	structure, rights, blobs := content("structure", lastSeen), content("rights", lastSeen), content("blobs", profile)
	lost := func(name, what, sql string) item { return changed(name, what, sql, structure) }
	right := func(name, what, sql string) item { return changed(name, what, sql, rights) }
	by := func(name, what, line string, l *label) item {
		return item{name: name, what: what, shape: shop, label: l, make: dumped("", line, "shop.dump")}
	}
	return []item{
		lost("foreign-key-lost", "a foreign key is gone", "alter table order_lines drop constraint order_lines_sku_fkey;"),
		lost("primary-key-lost", "a primary key is gone", "alter table settings drop constraint settings_pkey;"),
		lost("unique-lost", "a unique constraint is gone", "alter table payments drop constraint payments_order_id_key;"),
		lost("check-lost", "a check is gone", "alter table products drop constraint products_price_check;"),
		lost("not-null-lost", "a column may be empty", "alter table orders alter total drop not null;"),
		lost("default-lost", "a column has lost its default", "alter table orders alter created_at drop default;"),
		lost("identity-lost", "a column makes no ids any more", "alter table customers alter id drop identity;"),
		lost("sequence-lost", "a sequence is gone", "alter table orders alter number drop default; drop sequence order_numbers;"),
		lost("column-lost", "a column is gone", "alter table customers drop column email;"),
		lost("type-changed", "a column is of another type", "alter table stock alter pieces type bigint;"),
		lost("enum-changed", "a label of an enum is another", "alter type order_status rename value 'sent' to 'gone';"),
		lost("index-lost", "an index is gone", "drop index orders_at;"),
		lost("trigger-lost", "a trigger is gone", "drop trigger orders_touch on orders;"),
		lost("trigger-off", "a trigger is disabled", "alter table orders disable trigger orders_touch;"),
		lost("function-changed", "a function reckons otherwise",
			"create or replace function vat(amount numeric) returns numeric language sql immutable as $$ select round(amount * 0.31, 2) $$;"),
		right("policy-lost", "a policy is gone", "drop policy payments_of_the_app on payments;"),
		right("row-security-off", "row security is off", "alter table payments disable row level security;"),
		right("grant-lost", "a role may no longer read a table", "revoke select on customers from shop_app;"),
		right("default-privileges-lost", "default privileges are gone", "alter default privileges for role shop_owner revoke select on tables from shop_report;"),
		lost("view-lost", "a view is gone", "drop view order_history;"),
		lost("view-changed", "a view shows something else",
			"create or replace view order_history as select o.number, c.city as name, o.total, o.created_at from orders o join customers c on c.id = o.customer_id;"),
		lost("view-unfilled", "a materialised view is not filled", "refresh materialized view revenue with no data;"),
		lost("extension-lost", "an extension is gone", "drop extension pgcrypto;"),
		changed("blob-lost", "a large object is gone", "select lo_unlink(70002);", blobs),
		lost("comment-lost", "a comment is gone", "comment on table orders is null;"),
		lost("statistics-lost", "extended statistics are gone", "drop statistics orders_both;"),
		by("grants-lost", "dumped with --no-acl", "pg_dump -Fc --no-acl shop", rights),
		right("owners-lost", "every table belongs to the superuser", `do $$ declare t regclass; begin
			for t in select oid from pg_class where relkind in ('r', 'p') and relowner = 'shop_owner'::regrole loop
				execute format('alter table %s owner to postgres', t); end loop; end $$;`),
		by("policies-lost", "dumped with --no-policies or by a tool that knows none",
			"psql -qXd shop -c 'drop policy payments_of_the_app on payments; alter table payments disable row level security' && pg_dump -Fc shop", rights),
		by("blobs-lost", "dumped with --no-blobs", "pg_dump -Fc --no-blobs shop", blobs),
		by("schema-lost", "dumped with -n public", "pg_dump -Fc -n public shop", structure),
		by("post-data-lost", "dumped without keys, indexes and triggers", "pg_dump -Fc --section=pre-data --section=data shop", structure),
	}
}
