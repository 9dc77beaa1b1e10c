package main

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/accident"
)

// shopDump is what mariadb-dump of MariaDB 10.11 wrote of a small shop, in January 2026.
//
//go:embed testdata/shop-mariadb.sql
var shopDump string

// mariadbImage is that of the servers into which dumps of MariaDB and MySQL are loaded.
const mariadbImage = "lifeboat/mariadb:10.11"

// mysqlShop is the shape of a dump of that shop.
var mysqlShop = &shape{name: "mysql", good: sqlDump("shop.sql"), entry: mysqlEntry, profile: sqlProfile()}

// sqlDump writes the good dump as one of tonight into a file of that name, to which accidents happen.
func sqlDump(name string, happens ...accident.Func) maker {
	return func(_ context.Context, _ *bench, dir string) error {
		raw, err := sqlOf(happens)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), raw, 0o600)
	}
}

func sqlOf(happens []accident.Func) ([]byte, error) {
	at := strings.LastIndex(shopDump, "-- Dump completed")
	return accident.All(happens...)([]byte(shopDump[:at] + time.Now().Format("-- Dump completed on 2006-01-02 15:04:05\n")))
}

// sqlProfile is what lifeboat profile writes beside a dump of a server into which that one was loaded.
func sqlProfile(happens ...accident.Func) func(ctx context.Context, b *bench) ([]byte, error) {
	const line = `mariadb -e 'drop database if exists shop; create database shop' && mariadb shop &&
		/tmp/lifeboat profile -o /tmp/profile.json -- mariadb-dump --single-transaction -R -E shop >/dev/null && cat /tmp/profile.json`
	return func(ctx context.Context, b *bench) ([]byte, error) {
		raw, err := sqlOf(happens)
		if err != nil {
			return nil, err
		}
		w, err := b.mariadb(ctx)
		if err != nil {
			return nil, err
		}
		w.Lock()
		defer w.Unlock()
		return w.run(ctx, raw, asRoot+line)
	}
}

// asRoot has what follows ask that server, which answers on its socket before it is what it stays.
const asRoot = "export MYSQL_HOST=127.0.0.1 MYSQL_PWD=drill; "

// profiledSQL is a dump with its own profile beside it.
func profiledSQL(name string, happens ...accident.Func) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		text, err := sqlProfile(happens...)(ctx, b)
		if err != nil {
			return err
		}
		return errors.Join(sqlDump(name, happens...)(ctx, b, dir), os.WriteFile(filepath.Join(dir, name+sidecars.Profile), text, 0o600))
	}
}

// mariadb is a server in which dumps are loaded to be profiled.
func (b *bench) mariadb(ctx context.Context) (*workshop, error) {
	return once(b, "MariaDB", func() (*workshop, error) {
		w, err := openContainer(ctx, "root", mariadbImage, []string{"-e", "MARIADB_ROOT_PASSWORD=drill"}, "mariadbd")
		if err != nil {
			return nil, err
		}
		b.atEnd(w.close)
		if _, err := command(ctx, nil, "docker", "cp", b.lifeboat, w.id+":/tmp/lifeboat"); err != nil {
			return nil, err
		}
		_, err = w.run(ctx, nil, asRoot+"for i in $(seq 600); do mariadb -e 'select 1' >/dev/null 2>&1 && exit; sleep 0.1; done; exit 1")
		return w, err
	})
}

// mysqlEntry is what lifeboat new writes of it, but for the image, and the rules that a careful user adds.
func mysqlEntry(c column, _ item) string {
	careful := ""
	switch c {
	case profiled:
		careful = "\n    - {kind: profile, on: db, password: drill, against: backup}"
	case rules:
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
	definer := good("definer", "of a definer that no dump holds", "shop.sql", gone)
	definer.profiled = profiledSQL("shop.sql", gone)
	const rows = "INSERT INTO `orders` VALUES"
	behind := func(text string) accident.Func { return accident.Swap("UNLOCK TABLES;", "UNLOCK TABLES;\n"+text, 1) }
	return slices.Concat(lostSQL(), []item{
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
		definer,
		good("replica", "with the position that would make a replica of its server", "shop.sql",
			accident.Swap("DROP TABLE IF EXISTS `customers`;",
				"CHANGE MASTER TO MASTER_LOG_FILE='binlog.000003', MASTER_LOG_POS=157;\nDROP TABLE IF EXISTS `customers`;", 1)),
	})
}

// gone is a definer that nobody knows any more.
var gone = accident.Swap("`shop`@`%`", "`gone`@`10.%`", 2)

// lostSQL are dumps, whole, of a shop that is not what it was.
func lostSQL() []item {
	is := func(name, what string, l *label, old, new string) item {
		return item{name: "mysql-" + name, what: what, shape: mysqlShop, make: sqlDump("shop.sql", accident.Swap(old, new, 1)), label: l}
	}
	structure, values := content("structure", profile), content("values", profile)
	definer := is("definer-lost", "what a trigger and a routine may do is another's right", content("rights", profile), "", "")
	definer.make = sqlDump("shop.sql", gone)
	const orders = "  KEY `whose` (`customer`),\n  CONSTRAINT `whose` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`)\n"
	return []item{
		definer,
		is("trigger-lost", "a trigger is lost", structure, "/*!50003 CREATE*/ /*!50017 DEFINER=`shop`@`%`*/ "+
			"/*!50003 trigger tr before insert on orders for each row begin set new.total = abs(new.total); end \n*/;;\n", ""),
		is("trigger-changed", "a trigger does something else", structure, "abs(new.total)", "-abs(new.total)"),
		is("routine-lost", "a routine is lost", structure, "CREATE DEFINER=`shop`@`%` PROCEDURE `tidy`()\nbegin delete from orders where id < 0; end\n;;\n", ""),
		is("view-changed", "a view shows more", structure, "`orders`.`total` > 100", "`orders`.`total` > 10"),
		is("unique-lost", "names need not differ any more", structure, "  PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`)\n", "  PRIMARY KEY (`id`)\n"),
		is("foreign-key-lost", "orders may be of nobody", structure, orders, "  KEY `whose` (`customer`)\n"),
		is("null-allowed", "a column may be empty", structure, "`total` decimal(10,2) NOT NULL", "`total` decimal(10,2) DEFAULT NULL"),
		is("narrower", "a column holds less", structure, "`note` text", "`note` varchar(100)"),
		is("engine", "a table of another engine", structure, ") ENGINE=InnoDB DEFAULT", ") ENGINE=Aria DEFAULT"),
		is("collated", "text is compared in another way", structure, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
			"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"),
		is("numbers-behind", "numbers that were given away are given again", content("sequences", profile), "AUTO_INCREMENT=128", "AUTO_INCREMENT=121"),
		is("row-lost", "one row is lost", content("few_rows", profile), "(77,18,115.50,'a note\\nof 77','2026-01-04 05:00:00'),\n", ""),
		is("null", "nothing became an empty text", values, "('nothing',NULL)", "('nothing','')"),
		is("note", "a letter of a text", values, "'a note\\nof 77'", "'a note\\nof 78'"),
		is("time", "a time is eight hours earlier", values, "'2026-01-04 05:00:00'", "'2026-01-03 21:00:00'"),
		is("shifted", "two texts are each other's", content("shifted", profile), "(4,5,6.00,'a note\\nof 4','2026-01-01 04:00:00'),\n(5,6,7.50,'a note\\nof 5'",
			"(4,5,6.00,'a note\\nof 5','2026-01-01 04:00:00'),\n(5,6,7.50,'a note\\nof 4'"),
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
