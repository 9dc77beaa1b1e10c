package data

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// mysqlShop is what a server of the tests holds.
const mysqlShop = `create database shop; use shop;
	create table customers (id int auto_increment primary key, name varchar(50), photo mediumblob) engine=InnoDB;
	insert into customers (name, photo) values ('北京', repeat(x'00ff', 100000)), ('Zoë', null), ('O''Neil', null);
	create table orders (id int auto_increment primary key, customer int, at datetime(6), seen timestamp null,
		constraint whose foreign key (customer) references customers (id));
	insert into orders (customer, at, seen) values (1, utc_timestamp(6) - interval 2 hour, now() - interval 1 hour), (2, utc_timestamp() - interval 3 day, null);
	create view v as select count(*) n from orders;
	create event e on schedule every 1 day do delete from orders;`

func mysqlServer(t *testing.T) *verifiertest.Container {
	t.Helper()
	c := verifiertest.Boot(t, "lifeboat/mariadb:10.11", map[string]string{"MARIADB_ROOT_PASSWORD": "sesame"})
	require.Eventually(t, func() bool {
		o, err := c.Exec(t.Context(), "db", []string{"mariadb", "-h127.0.0.1", "-psesame", "-e", "select 1"})
		return err == nil && o.Exit == 0
	}, 2*time.Minute, 200*time.Millisecond)
	mysqlRun(t, c, mysqlShop)
	return c
}

func mysqlRun(t *testing.T, c *verifiertest.Container, text string) {
	t.Helper()
	o, err := c.Exec(t.Context(), "db", []string{"mariadb", "-h127.0.0.1", "-psesame", "--default-character-set=utf8mb4", "-e", text})
	require.NoError(t, err)
	require.Zero(t, o.Exit, o.Stderr)
}

// mysqlAsk asks a check of the server.
func mysqlAsk(t *testing.T, c *verifiertest.Container, kind, keys string) (verifier.Answer, string) {
	t.Helper()
	spec := verifiertest.Spec(t, kind, "{on: db, password: sesame, "+keys+"}")
	spec.Loads = "mysql"
	check, problems := New(spec, "")
	require.Empty(t, problems)
	facts, err := check.Observe(t.Context(), c)
	if err != nil {
		return verifier.Crashed("%v", err), ""
	}
	return check.Judge(nil, facts), string(facts)
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	c := mysqlServer(t)
	for _, test := range []struct{ kind, keys, status, says string }{
		{"content", "", "passed", "2 tables in 1 databases read whole: 5 rows, 1 MiB"},
		{"content", "database: nothing", "failed", "there is no database nothing"},
		{"rows", "database: shop, table: orders, equals: 2", "passed", "has 2 rows"},
		{"rows", "database: shop, table: shop.orders, at_least: 3", "failed", "fewer than 3"},
		{"rows", "database: shop, table: nothing, at_least: 1", "failed", "there is no table nothing"},
		{"rows", "database: shop, table: v, at_least: 1", "crashed", "not a table"},
		{"rows", "database: nothing, table: orders, at_least: 1", "failed", "Unknown database"},
		{"rows", "database: shop, table: orders, at_least: 1, port: 3307", "failed", "refused"},
		{"sql", `database: shop, query: "select name, id from customers where id = 1", expect: "北京|1"`, "passed", ""},
		{"sql", `database: shop, query: "delete from orders", expect: "1"`, "crashed", "READ ONLY"},
		{"sql", `database: shop, query: "selec 1", expect: "1"`, "crashed", "syntax"},
		{"sql", `database: shop, query: "select sleep(5)", expect: "0", timeout: 1s`, "", ""},
		{"checksum", "database: shop, table: customers", "passed", "recorded: 3 rows"},
		{"freshness", "database: shop, table: orders, column: seen, max_age: 2h, against: now", "passed", "1h0m"},
		{"freshness", "database: shop, table: orders, column: seen, max_age: 30m, against: now", "failed", "more than"},
		{"freshness", "database: shop, table: orders, column: at, max_age: 3h, against: now, timezone: UTC", "passed", "2h0m"},
		{"freshness", "database: shop, table: orders, column: at, max_age: 3h, against: now, timezone: Asia/Shanghai", "failed", "more than"},
		{"freshness", "database: shop, table: orders, column: at, max_age: 3h, against: now", "crashed", "in which zone"},
		{"freshness", "database: shop, query: select max(seen) from orders, max_age: 2h, against: now", "passed", "1h0m"},
		{"freshness", "database: shop, table: orders, column: id, max_age: 2h, against: now", "crashed", "not a time"},
	} {
		t.Run(test.kind+" "+test.keys, func(t *testing.T) {
			answer, facts := mysqlAsk(t, c, test.kind, test.keys)
			if test.status == "" {
				assert.NotEqual(t, "passed", string(answer.Status))
				return
			}
			assert.Equal(t, test.status, string(answer.Status), "%s %s", answer.Message, facts)
			assert.Contains(t, answer.Message, test.says)
			assert.NotContains(t, answer.Message+facts, "sesame")
		})
	}

	beside := func() string {
		answer, _ := mysqlAsk(t, c, "content", "")
		var all []string
		for _, o := range answer.Beside {
			all = append(all, o.ID+" "+o.Args["count"]+" "+o.Args["names"])
		}
		return strings.Join(all, "; ")
	}
	assert.Contains(t, beside(), "content.runs_by_itself 1 event e")
	mysqlRun(t, c, `use shop; set foreign_key_checks = 0; insert into orders (customer) values (77); insert into customers (name) values ('Ã¼ber');
		create table bare (a int); create table gone (a int); create view broken as select * from gone; drop table gone`)
	assert.Contains(t, beside(), "content.orphans 1 orders.whose")
	assert.Contains(t, beside(), "content.text_twice 1 customers")
	assert.Contains(t, beside(), "content.view_invalid 1 broken")
	assert.Contains(t, beside(), "content.no_key 1 bare")

	mysqlRun(t, c, "create database empty")
	answer, _ := mysqlAsk(t, c, "content", "")
	assert.Equal(t, "failed", string(answer.Status))
	assert.Contains(t, answer.Message, "database empty holds no table of its own")
	mysqlRun(t, c, "create table empty.t (a int)")
	answer, _ = mysqlAsk(t, c, "content", "database: empty")
	assert.Contains(t, answer.Message, "hold not one row")

	mysqlRun(t, c, "use shop; create table shop.old (a int, b varchar(200)) engine=MyISAM; insert into shop.old select seq, repeat('x', 200) from seq_1_to_1000; flush tables")
	o, err := c.Exec(t.Context(), "db", []string{"truncate", "-s", "50000", "/var/lib/mysql/shop/old.MYD"})
	require.NoError(t, err)
	require.Zero(t, o.Exit, o.Stderr)
	answer, facts := mysqlAsk(t, c, "content", "database: shop")
	assert.Equal(t, "failed", string(answer.Status), facts)
	t.Log(answer.Message)
}
