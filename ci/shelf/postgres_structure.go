package main

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
