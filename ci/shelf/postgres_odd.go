package main

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
