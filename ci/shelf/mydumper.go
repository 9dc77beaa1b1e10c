package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// dumper is the shape of a folder of the real mydumper, of a small shop's MariaDB.
var dumper = &shape{name: "mydumper", good: dumperFolder("plain", nil), entry: dumperEntry}

// dumpersOf are folders that mydumper wrote, by their names, and the version of it that did.
func dumpersOf(ctx context.Context, b *bench) (accident.Folder, error) {
	return once(b, "folders of mydumper", func() (accident.Folder, error) {
		script, err := os.ReadFile(filepath.Join(b.root(), "drills/restore/mysql/mydumper/testdata/make.sh"))
		if err != nil {
			return nil, err
		}
		return scripted(ctx, script, "--tmpfs", "/tmp:exec", "--user", "mysql", "--entrypoint", "bash", mariadbImage, "-s")
	})
}

// dumperFolder lays one of them, changed.
func dumperFolder(name string, happens change) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := dumpersOf(ctx, b)
		if err != nil {
			return err
		}
		f := all.Below(name)
		if happens != nil {
			f = happens(f, all)
		}
		return accident.Folder{}.Under("backup", f).Write(dir)
	}
}

// dumperEntry is what lifeboat new writes of it, but for the image, and the rules that a careful user adds.
func dumperEntry(c column, i item) string {
	careful, restored := "", "kind: mysql"
	if c == rules {
		careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: customers, equals: 60}
    - {kind: rows, on: db, password: drill, database: shop, table: orders, equals: 120}
    - {kind: rows, on: db, password: drill, database: shop, table: sparse, equals: 2000}
    - {kind: sql, on: db, password: drill, database: shop, query: "select sum(total) from orders", expect: "10890.00"}`
	}
	if i.restored != "" {
		restored += ", " + i.restored
	}
	return `objectives: {age: 26h}
timezone: UTC
restore: {` + restored + `}
as: db
instance: {kind: docker, image: "` + mariadbImage + `", env: {MYSQL_ROOT_PASSWORD: drill}, data: [/var/lib/mysql], ready: {tcp: 3306}}
checks:
  service: [{kind: tcp, to: "db:3306"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
}

func dumperItem(name, what string, l *label, from string, happens change) item {
	return item{name: "mydumper-" + name, what: what, shape: dumper, label: l, make: dumperFolder(from, happens)}
}

// fileLike gives the file of a folder that has that name, or has the parts in it.
func fileLike(f accident.Folder, parts ...string) string {
	if _, is := f[parts[0]]; is {
		return parts[0]
	}
	for name := range f {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(name, p) }) {
			return name
		}
	}
	panic("no file is called like " + strings.Join(parts, " and "))
}

// dumpersFolders are the broken ones, and good ones that look odd.
func dumpersFolders() []item {
	read, doubt := at(objective.RungRead), doubtAt(objective.RungRead)
	less := func(name, what string, parts ...string) item {
		return dumperItem(name, what, read, "plain", func(f, _ accident.Folder) accident.Folder { return f.Less(fileLike(f, parts...)) })
	}
	of := func(name, what, from string, happens func(was string) string, parts ...string) item {
		return dumperItem(name, what, read, from, func(f, _ accident.Folder) accident.Folder {
			file := fileLike(f, parts...)
			return f.With(accident.Folder{file: happens(f[file])})
		})
	}
	good := func(name, what, from, restored string, happens change) item {
		i := dumperItem("good-"+name, what, nil, from, happens)
		i.restored = restored
		return i
	}
	half := func(was string) string { return was[:len(was)/2] }
	const orders = "shop.orders"
	tarred := good("tar", "a tar of a folder", "plain", "", nil)
	tarred.make = func(ctx context.Context, b *bench, dir string) error {
		all, err := dumpersOf(ctx, b)
		if err != nil {
			return err
		}
		return accident.Folder{"商店 1.tar": accident.Folder{}.Under("export", all.Below("plain")).Tarred()}.Write(dir)
	}
	return []item{
		dumperItem("unfinished", "mydumper did not end", read, "plain", func(f, _ accident.Folder) accident.Folder {
			return f.Less("metadata").With(accident.Folder{"metadata.partial": f["metadata"]})
		}),
		less("metadata-lost", "the file that mydumper writes last is missing", "metadata"),
		of("metadata-cut", "the file that mydumper writes last is cut", "plain", half, "metadata"),
		of("metadata-old", "it was made twenty days ago", "plain", func(was string) string {
			_, rest, _ := strings.Cut(was, "Started dump at: ")
			return reworded(was, rest[:len(time.DateTime)], time.Now().UTC().AddDate(0, 0, -20).Format(time.DateTime))
		}, "metadata").at(objective.RungFound),
		less("table-lost", "the file that makes a table is missing, and its rows lie there", orders+"-schema.sql"),
		less("database-lost", "the file that makes a database is missing", "shop-schema-create.sql"),
		less("view-lost", "the file that makes a view is missing", "shop.big-schema-view.sql"),
		of("cut", "half of the rows of a table", "plain", half, orders+".", ".sql"),
		of("cut-end", "a table's rows end inside the last statement", "plain", func(was string) string { return was[:len(was)-3] }, orders+".", ".sql"),
		of("zeros", "zeros in the place of a table's rows", "plain", func(was string) string { return string(make([]byte, len(was))) }, orders+".", ".sql"),
		of("page", "an HTML page in the place of a table's rows", "plain", func(string) string { return "<!DOCTYPE html><html>404</html>\n" }, orders+".", ".sql"),
		of("shell", "a command of the client", "plain", func(was string) string { return was + "\\! touch /tmp/lifeboat\n" }, orders+".", ".sql"),
		of("packed-cut", "half of a table's rows, which are packed", "packed", half, orders+".", ".sql.gz"),
		of("packed-flip", "a bit turned in a table's rows, which are packed", "packed", func(was string) string {
			return flippedAt(was, len(was)/2)
		}, orders+".", ".sql.gz"),
		of("schema-cut", "half of the file that makes a table", "plain", half, orders+"-schema.sql"),
		of("trigger-cut", "half of the file that makes a trigger", "plain", half, orders+"-schema-triggers.sql"),
		of("post-cut", "half of the file that makes routines and events", "plain", half, "shop-schema-post.sql"),
		dumperItem("another", "a table's rows lie under another's name", read, "plain", func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{fileLike(f, "shop.customers.", ".sql"): f[fileLike(f, orders+".", ".sql")]})
		}),
		dumperItem("twice", "a table's rows lie there twice", read, "plain", func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{orders + ".00001.sql": f[fileLike(f, orders+".", ".sql")]})
		}),
		dumperItem("rows-lost", "a table's rows are missing, of which nothing else tells", content("rows", rule), "plain",
			func(f, _ accident.Folder) accident.Folder { return f.Less(fileLike(f, orders+".", ".sql")) }),
		dumperItem("rows-counted", "a table's rows are missing, and newer metadata count them", read, "plain", func(f, _ accident.Folder) accident.Folder {
			return newerMetadata(f).Less(fileLike(f, orders+".", ".sql"))
		}),
		dumperItem("rows-only", "rows without the tables that they belong to", doubt, "data", nil),
		dumperItem("gap", "chunks are not there, and nobody knows whether they had rows", doubt, "rows", nil),

		good("plain", "as it is", "plain", "", nil),
		good("packed", "each file packed by gzip", "packed", "", nil),
		good("sized", "tables in several files", "sized", "", nil),
		good("chunks", "tables in chunks, of which some had no rows", "rows", "unmarked: true", nil),
		good("one", "of one database of several", "one", "", nil),
		good("newer", "with metadata as mydumper 0.14 and later write them", "plain", "", func(f, _ accident.Folder) accident.Folder { return newerMetadata(f) }),
		tarred,
	}
}

// at says at which other rung an item is caught.
func (i item) at(r objective.RungName) item {
	i.label = at(r)
	return i
}

// newerMetadata has the metadata of a folder say what those of later versions do.
func newerMetadata(f accident.Folder) accident.Folder {
	was := f["metadata"]
	line := func(begin string) string {
		_, rest, _ := strings.Cut(was, begin)
		text, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(text)
	}
	return f.With(accident.Folder{"metadata": "# Started dump at: " + line("Started dump at:") + "\n[config]\nquote-character = BACKTICK\n\n[source]\nFile = " +
		line("Log:") + "\nPosition = " + line("Pos:") + "\nExecuted_Gtid_Set = " + line("GTID:") + "\n\n[`shop`.`orders`]\nreal_table_name=orders\nrows = 120\n" +
		"\n[`shop`.`customers`]\nreal_table_name=customers\nrows = 60\n# Finished dump at: " + line("Finished dump at:") + "\n"})
}
