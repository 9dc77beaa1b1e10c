package main

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// shopDump is what mariadb-dump of MariaDB 10.11 wrote of a small shop, in January 2026.
//
//go:embed testdata/shop-mariadb.sql
var shopDump string

// mariadbImage is that of the servers into which dumps of MariaDB and MySQL are loaded.
const mariadbImage = "lifeboat/mariadb:10.11"

// mysqlShop is the shape of a dump of that shop.
var mysqlShop = &shape{name: "mysql", good: sqlDump("shop.sql"), entry: mysqlEntry}

// sqlDump writes the good dump as one of tonight into a file of that name, to which accidents happen.
func sqlDump(name string, happens ...accident.Func) maker {
	return func(_ context.Context, _ *bench, dir string) error {
		at := strings.LastIndex(shopDump, "-- Dump completed")
		raw, err := accident.All(happens...)([]byte(shopDump[:at] + time.Now().Format("-- Dump completed on 2006-01-02 15:04:05\n")))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), raw, 0o600)
	}
}

// mysqlEntry is what lifeboat new writes of it, but for the image, and the rules that a careful user adds.
func mysqlEntry(c column, _ item) string {
	careful := ""
	if c == rules {
		careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: customers, equals: 60}
    - {kind: rows, on: db, password: drill, database: shop, table: orders, at_least: 110}
    - {kind: rows, on: db, password: drill, database: shop, table: settings, at_least: 3}
    - {kind: sql, on: db, password: drill, database: shop, query: "select count(*) from customers where city = '北京'", expect: "20"}
    - {kind: sql, on: db, password: drill, database: shop, query: "select sum(total) from orders", expect: "10890.00"}`
	}
	return `objectives: {age: 26h}
restore: {kind: mysql}
as: db
instance: {kind: docker, image: "` + mariadbImage + `", env: {MYSQL_ROOT_PASSWORD: drill}, data: [/var/lib/mysql], ready: {tcp: 3306}}
checks:
  service: [{kind: tcp, to: "db:3306"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
}

// mysqlDumps are the broken ones, and good ones that look odd.
func mysqlDumps() []item {
	read, ageless := at(objective.RungRead), doubtAt(objective.RungFound) // where nothing was decided the age was to be known, too
	broken := func(name, what string, l *label, happens ...accident.Func) item {
		return item{name: "mysql-" + name, what: what, shape: mysqlShop, make: sqlDump("shop.sql", happens...), label: l}
	}
	is := func(name, what, file, text string, l *label) item {
		return item{name: "mysql-" + name, what: what, shape: mysqlShop, make: holds(map[string]string{file: text}), label: l}
	}
	good := func(name, what, file string, happens ...accident.Func) item {
		return item{name: "mysql-" + name, what: what, shape: mysqlShop, make: sqlDump(file, happens...)}
	}
	const rows = "INSERT INTO `orders` VALUES"
	behind := func(text string) accident.Func { return accident.Swap("UNLOCK TABLES;", "UNLOCK TABLES;\n"+text, 1) }
	return []item{
		broken("cut-50", "its first half", read, accident.Share(0.5)),
		broken("cut-99", "all but the last hundredth", read, accident.Share(0.99)),
		broken("stopped", "mysqldump stopped behind a table and nobody saw its exit code", read, accident.CutAt("UNLOCK TABLES;", 1, len("UNLOCK TABLES;\n"))),
		broken("zeros", "zeros in the place of a tenth", read, accident.Zero(0.4, 0.5)),
		broken("flip-statement", "a bit turned in a statement", read, accident.Swap("CREATE TABLE", "CRE\x01TE TABLE", 1)),
		broken("key-twice", "a row stands in it twice", read, accident.Swap("(2,'customer2'", "(1,'customer2'", 1)),
		broken("value-lost", "a value of a row is missing", read, accident.Swap("(3,'customer3',", "(3,", 1)),
		broken("too-long", "a name that its column cannot hold", read, accident.Swap("'Zürich'", "'"+strings.Repeat("Zürich", 10)+"'", 1)),
		broken("half-a-character", "a character of which a byte is missing", read, accident.Swap("北京", "\xe5\x8c", 1)),
		broken("shell", "a command of the client", read, behind(`\! touch /tmp/lifeboat`)),
		broken("outfile", "writes a file of the server", read, behind("SELECT 1 INTO OUTFILE '/tmp/lifeboat';")),
		broken("global", "sets what the server does for all", read, behind("SET GLOBAL general_log_file = '/tmp/lifeboat';")),
		broken("warning", "mysqldump's warning stands in its first line", read,
			accident.Before("mysqldump: [Warning] Using a password on the command line interface can be insecure.\n")),
		is("message", "the message of a mysqldump that failed", "shop.sql",
			"mysqldump: Got error: 2002: Can't connect to server on 'db' (115) when trying to connect\n", read),
		is("sealed", "encrypted by openssl", "shop.sql.enc", "Salted__"+noise(20_000), ageless),
		is("postgres", "a dump of PostgreSQL", "shop.sql", "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n", ageless),
		broken("collation", "of a server whose collations this one does not have", ageless, accident.Swap("utf8mb4_general_ci", "utf8mb4_0900_ai_ci", 1)),
		broken("no-marks", "made without comments, so that nobody knows where it ends", ageless, unmarked),
		broken("no-rows", "the rows of no table", at(objective.RungContent), rowsOf("customers"), rowsOf("orders"), rowsOf("settings")),
		broken("rows-of-one", "the rows of one table are lost", content("rows", rule), rowsOf("orders")),
		broken("digit", "one digit of an amount", content("values", rule), accident.Swap(rows+"\n(1,2,1.50", rows+"\n(1,2,9.50", 1)),

		good("plain", "as it is", "shop.sql"),
		good("gzip", "packed by gzip", "shop.sql.gz", accident.Gzip),
		good("zstd", "packed by zstd", "shop.sql.zst", accident.Zstd),
		good("marked", "with the mark of UTF-8 before it", "shop.sql", accident.Before("\xef\xbb\xbf")),
		good("definer", "of a definer that no dump holds", "shop.sql", accident.Swap("`shop`@`%`", "`gone`@`10.%`", 2)),
		good("replica", "with the position that would make a replica of its server", "shop.sql",
			accident.Swap("DROP TABLE IF EXISTS `customers`;",
				"CHANGE MASTER TO MASTER_LOG_FILE='binlog.000003', MASTER_LOG_POS=157;\nDROP TABLE IF EXISTS `customers`;", 1)),
	}
}

// rowsOf takes the rows of a table away.
func rowsOf(table string) accident.Func {
	return func(raw []byte) ([]byte, error) {
		begin := "INSERT INTO `" + table + "` VALUES"
		from := strings.Index(string(raw), begin)
		to := from + strings.Index(string(raw[max(from, 0):]), ");\n") + len(");\n")
		return accident.Swap(string(raw[max(from, 0):to]), "", 1)(raw)
	}
}

// unmarked takes everything away by which it can be told where a dump begins and ends.
func unmarked(raw []byte) ([]byte, error) {
	var kept strings.Builder
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "-- ") && !strings.Contains(line, "@OLD_") && !strings.HasPrefix(line, "/*M!") {
			kept.WriteString(line)
		}
	}
	return []byte(kept.String()), nil
}
