package mysql

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/scenarios"
)

// trade has what stands on tables: keys, triggers, views, routines, a sequence.
const trade = `create database trade; create database other; create table other.notes (n int); insert into other.notes values (1), (2); use trade;
create table customers (id int primary key, name varchar(9)); insert into customers values (1, 'a'), (2, 'b');
create table orders (id int primary key, customer int, total int, constraint of_customer foreign key (customer) references customers (id));
insert into orders values (1, 1, 10), (2, 2, 20), (3, 1, 30);
create table items (id int primary key, ordered int, constraint of_order foreign key (ordered) references orders (id)); insert into items values (1, 3);
create table audit (n int); create table empty_one (n int);
create sequence seqs; create table tickets (id int primary key, n int); insert into tickets values (1, 1), (2, 2);
create trigger logged after insert on orders for each row insert into audit values (new.id);
create trigger plain before insert on orders for each row set new.total = abs(new.total);
create view who as select name from customers; create view big as select id from orders where total > 10;
create function twice(a int) returns int deterministic return a * 2;
create event ev on schedule every 1 day do delete from audit;`

func dropTrade(t *testing.T, m *machine) {
	for _, name := range []string{"trade", "other"} {
		ask(t, m, "drop database if exists "+name)
	}
}

func dumpTrade(t *testing.T, m *machine, args ...string) string {
	t.Helper()
	dropTrade(t, m)
	out, err := restoretest.CLI(t.Context(), strings.NewReader(trade), "exec", "-i", "-e", "MYSQL_PWD=sesame", m.ID, "mariadb", "-uroot")
	require.NoError(t, err, out)
	out, err = restoretest.CLI(t.Context(), nil, append([]string{"exec", "-e", "MYSQL_PWD=sesame", m.ID, "mariadb-dump", "-uroot", "--routines", "--events"}, args...)...)
	require.NoError(t, err, out)
	dropTrade(t, m)
	return out
}

// Tables are taken out of a dump with what belongs to them; what stands on them or on what is left out is told, and does not hurt.
func TestLoadOnlyTables(t *testing.T) {
	m := mariadb(t)
	one, both := dumpTrade(t, m, "trade"), dumpTrade(t, m, "--databases", "trade", "other")
	const there = `select group_concat(table_schema, '.', table_name order by table_schema, table_name) from information_schema.tables
		where table_schema in ('trade', 'other')`
	const triggers = "select group_concat(trigger_name order by 1) from information_schema.triggers where trigger_schema = 'trade'"
	const keys = "select group_concat(constraint_name order by 1) from information_schema.referential_constraints where constraint_schema = 'trade'"
	for name, c := range map[string]struct {
		dump, only, tables, left string
		asks                     [][2]string
		notes                    []string
	}{
		"one": {dump: one, only: "trade.orders", tables: "trade.orders,trade.seqs",
			left: "trade.audit, trade.customers, trade.empty_one, trade.items, trade.tickets and 4 more",
			asks: [][2]string{{"select count(*), sum(total) from trade.orders", "3|60"}, {triggers, "plain"}, {keys, ""}},
			notes: []string{"only trade.orders of the dump was restored: nothing is known of trade.audit, ",
				"views, routines and events beside its tables were left out: event trade.ev, function trade.twice, view trade.big, view trade.who",
				"foreign key trade.orders of_customer was left out", "trigger logged of table trade.orders was left out: it names trade.audit, which was not restored"}},
		"with what it stands on": {dump: both, only: "[trade.orders, trade.customers, trade.audit, trade.who]",
			tables: "trade.audit,trade.customers,trade.orders,trade.seqs,trade.who", left: "other, trade.empty_one, trade.items, trade.tickets, event trade.ev and 2 more",
			asks: [][2]string{{"select count(*) from trade.who", "2"}, {triggers, "logged,plain"}, {keys, "of_customer"}}},
		"what others lead to": {dump: both, only: "[trade.items, other]", tables: "other.notes,trade.items,trade.seqs",
			left: "trade.audit, trade.customers, trade.empty_one, trade.orders, trade.tickets and 4 more", asks: [][2]string{{"select count(*) from other.notes", "2"}, {keys, ""}},
			notes: []string{"foreign key trade.items of_order was left out"}},
		"another": {dump: one, only: "[trade.tickets]", tables: "trade.seqs,trade.tickets",
			left: "trade.audit, trade.customers, trade.empty_one, trade.items, trade.orders and 4 more", asks: [][2]string{{"select count(*) from trade.tickets", "2"}}},
	} {
		dropTrade(t, m)
		l := loader(t, "{password: sesame, only: "+c.only+"}")
		out, err := l.Load(t.Context(), source(c.dump, ""), m)
		require.NoError(t, err, name)
		assert.Equal(t, c.tables, ask(t, m, there), name)
		require.NotNil(t, out.Part, name)
		assert.Equal(t, c.left, out.Part.Left, name)
		assert.Equal(t, strings.Trim(c.only, "[]"), out.Part.Only, name)
		for _, a := range c.asks {
			assert.Equal(t, a[1], ask(t, m, a[0]), "%s: %s", name, a[0])
		}
		for _, n := range c.notes {
			assert.Contains(t, strings.Join(out.Notes, "\n"), n, name)
		}
		if strings.Contains(c.tables, "trade.orders") { // a row goes in, whatever was left out
			customer := map[bool]string{true: "5", false: "2"}[name == "one"]
			ask(t, m, "insert into trade.orders values (9, "+customer+", -7)")
			assert.Equal(t, "7", ask(t, m, "select total from trade.orders where id = 9"), name)
		}
		_, err = l.Read(t.Context(), source(c.dump, ""))
		require.NoError(t, err, name)
	}
	dropTrade(t, m)
	for only, want := range map[string]string{
		"trade.empty_one":     "what restore.only names of it has not one row, which proves nothing",
		"trade.seqs":          "what restore.only names of it has not one row, which proves nothing",
		"trade.order":         "it does not hold trade.order, which restore.only names (did you mean trade.orders?)",
		"trade.twice":         "it does not hold trade.twice, which restore.only names",
		"trad.orders":         "it does not hold trad.orders, which restore.only names",
		"[trade.who]":         "view trade.who reads trade.customers, which restore.only leaves out: name that, too",
		"[trade.orders, tra]": "it does not hold database tra, which restore.only names",
	} {
		l := loader(t, "{password: sesame, only: "+only+"}")
		_, err := l.Load(t.Context(), source(one, ""), m)
		require.ErrorContains(t, err, want)
		lack, ok := errors.AsType[*restore.LackError](err)
		require.True(t, ok, only)
		assert.Equal(t, record.LackPart, lack.Lack)
		dropTrade(t, m)
	}
	keyed := "-- MariaDB dump 10.19\n-- Host: localhost    Database: trade\nCREATE TABLE `a` (id int primary key);\n" + // which does not say that keys wait
		"CREATE TABLE `b` (id int, CONSTRAINT k FOREIGN KEY (id) REFERENCES `a` (id), CONSTRAINT lost FOREIGN KEY (id) REFERENCES `nowhere` (id));\nINSERT INTO `b` VALUES (1);\n-- Dump completed\n"
	out, err := loader(t, "{password: sesame, only: trade.b}").Load(t.Context(), source(keyed, ""), m)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(out.Notes, "\n"), "foreign key trade.b k was left out")
	assert.Equal(t, "lost", ask(t, m, keys), "what the dump itself does not hold is not mended")
	dropTrade(t, m)
	far := "-- MariaDB dump 10.19\nCREATE DATABASE `trade`;\nUSE `trade`;\nCREATE TABLE `a` (id int);\nCREATE DATABASE `other`;\nUSE `other`;\n" +
		"CREATE VIEW `far` AS select `trade`.`a`.`id` from `trade`.`a`;\n-- Dump completed\n"
	_, err = loader(t, "{password: sesame, only: other}").Load(t.Context(), source(far, ""), m)
	require.ErrorContains(t, err, "something stands on what restore.only leaves out: ERROR 1")
	require.ErrorAs(t, err, new(*restore.LackError), "it may be good")
	dropTrade(t, m)
	_, err = loader(t, "{password: sesame, only: trade.orders}").Load(t.Context(), source(one[:len(one)-200], ""), m)
	require.ErrorAs(t, err, new(*restore.BackupError), "it is cut where nothing is taken")
	dropTrade(t, m)
}

func TestOnlyTablesSettings(t *testing.T) {
	for text, want := range map[string]string{"{only: mysql.user}": "belongs to the server", "{only: [a, b.c], binlog: x}": "it names tables, and binlog is given"} {
		s, err := scenarios.ParseSettings("mysql", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Message, want)
	}
}
