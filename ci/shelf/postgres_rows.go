package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

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
