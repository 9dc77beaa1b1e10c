package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/accident"
)

//go:embed testdata/shop.sql
var shopSQL string

// source makes the good database; every item's is a copy of it that is called shop.
func (w *workshop) source(ctx context.Context) error {
	if err := w.sql(ctx, "postgres", shopSQL); err != nil {
		return fmt.Errorf("fill the good database: %w", err)
	}
	return nil
}

// dump is one as most people make it.
const dump = "pg_dump -Fc shop"

// dumped makes a copy of the good database, changes it by SQL, and dumps it with a line of shell into a file of that name, to which
// accidents happen.
func dumped(sql, line, name string, happens ...accident.Func) maker {
	return from(func(ctx context.Context, b *bench) ([]byte, error) {
		raw, _, err := b.dump(ctx, sql, line)
		return raw, err
	}, name, happens)
}

// withProfile is a word of a line of shell, and the word in its place that takes a profile in pg_dump's snapshot.
var withProfile = []string{"pg_dump ", "/tmp/lifeboat profile -o /tmp/profile.json -- pg_dump "}

// profiledDump is dumped by lifeboat profile, which writes the profile in the snapshot of pg_dump.
func profiledDump(sql, line, name string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		other := withProfile
		if strings.Contains(line, "pg_dumpall") {
			other = []string{"pg_dumpall", "/tmp/lifeboat profile --all-databases -o /tmp/profile.json >/tmp/said && pg_dumpall"}
		}
		raw, text, err := b.dump(ctx, sql, line, other...)
		if err != nil {
			return err
		}
		return holds(map[string]string{name: string(raw), name + ".profile.json": string(text)})(ctx, b, dir)
	}
}

// dump is what a line of shell writes where the database shop is a changed copy of the good one, and the profile that it makes, if one
// word of the line is another.
func (b *bench) dump(ctx context.Context, sql, line string, other ...string) (raw, profile []byte, err error) {
	w, err := b.postgres(ctx)
	if err != nil {
		return nil, nil, err
	}
	w.Lock()
	defer w.Unlock()
	if err := w.sql(ctx, "postgres", "create database shop template good owner shop_owner;"); err != nil {
		return nil, nil, err
	}
	defer func() {
		err = errors.Join(err, w.sql(context.WithoutCancel(ctx), "postgres", "drop database if exists shop with (force);"))
	}()
	if sql != "" {
		if err := w.sql(ctx, "shop", sql); err != nil {
			return nil, nil, err
		}
	}
	if len(other) == 0 {
		raw, err = w.run(ctx, nil, line)
		return raw, nil, err
	}
	if _, err := command(ctx, nil, "docker", "cp", b.lifeboat, w.id+":/tmp/lifeboat"); err != nil {
		return nil, nil, err
	}
	if raw, err = w.run(ctx, nil, strings.Replace(line, other[0], other[1], 1)); err != nil {
		return nil, nil, err
	}
	profile, err = w.run(ctx, nil, "cat /tmp/profile.json && rm /tmp/profile.json")
	return raw, profile, err
}

// shop is the shape of a dump of the good database.
var shop = &shape{name: "postgres", good: dumped("", dump, "shop.dump"), entry: shopEntry, alone: archiveTools,
	yesterday: dumped(before(aDay), dump, "shop.dump"), profile: shopProfile}

// aDay ago is what yesterday's dump goes to.
const aDay = "now() - interval '1 day'"

// shopProfile is that of the good database.
func shopProfile(ctx context.Context, b *bench) ([]byte, error) {
	_, profile, err := b.dump(ctx, "", dump, withProfile...)
	return profile, err
}

// careful are the checks that a careful user of this shop writes.
const careful = `restore: {kind: postgres, database: shop}
checks:
  service: [{kind: tcp, to: "db:5432"}]
  data:
    - {kind: content, on: db, password: drill}
    - {kind: rows, on: db, password: drill, database: shop, table: customers, at_least: 290}
    - {kind: rows, on: db, password: drill, database: shop, table: products, at_least: 60}
    - {kind: rows, on: db, password: drill, database: shop, table: orders, at_least: 1100}
    - {kind: rows, on: db, password: drill, database: shop, table: order_lines, at_least: 2200}
    - {kind: rows, on: db, password: drill, database: shop, table: payments, at_least: 1050}
    - {kind: rows, on: db, password: drill, database: shop, table: visits, at_least: 700}
    - {kind: freshness, on: db, password: drill, database: shop, table: orders, column: created_at, max_age: 26h, against: now}
    - kind: sql # what was sold is what was asked for
      on: db
      password: drill
      database: shop
      query: select count(*) from orders o where total <> (select sum(quantity * price) from order_lines l where l.order_id = o.id)
      expect: "0"
    - kind: sql # what was paid is what it cost
      on: db
      password: drill
      database: shop
      query: select count(*) from payments p join orders o on o.id = p.order_id where p.amount <> o.total or o.status = 'new'
      expect: "0"
    - {kind: sql, on: db, password: drill, database: shop, query: "select count(*) from customers where city = '北京'", expect: "60"}
`

func shopEntry(c column, i item) string {
	const checks = "checks:\n  service: [{kind: tcp, to: \"db:5432\"}]\n  data:\n    - {kind: content, on: db, password: drill}\n"
	switch c {
	case rules:
		return careful
	case lastTime:
		more := ""
		if !i.other {
			more += `, moved: ["` + i.within + `orders.created_at"]`
		}
		if len(i.migrated) > 0 {
			more += ", expect_migration: [" + strings.Join(i.migrated, ", ") + "]"
		}
		return checks + "    - {kind: profile, on: db, password: drill, against: last" + more + "}"
	case profiled:
		return checks + "    - {kind: profile, on: db, password: drill, against: backup}"
	}
	return ""
}

// archiveTools asks what knows archives and compression, as backup scripts do.
func archiveTools(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
	name, err := backupIn(dir)
	if err != nil || name == "" {
		return "", false, err
	}
	for ending, line := range map[string]string{".dump": "pg_restore --list", ".tar": "tar -t", ".gz": "gzip -t", ".zst": "zstd -tq"} {
		if !strings.HasSuffix(name, ending) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", false, err
		}
		w, err := b.postgres(ctx)
		if err != nil {
			return "", false, err
		}
		fine, err = w.good(ctx, raw, "timeout 20 "+line+" >/dev/null") // its exit code is what people look at
		return line, fine, err
	}
	return "", false, nil
}

// backupIn is the name of the first file in a folder that is no list of digests; "": there is none.
func backupIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !e.IsDir() && !sidecars.Is(e.Name()) {
			return e.Name(), nil
		}
	}
	return "", err
}

// Lines of shell that write a dump as people make them.
const (
	plain     = "pg_dump shop"
	unpacked  = "pg_dump -Fc -Z0 shop"
	tarred    = "pg_dump -Ft shop"
	directory = "rm -rf /tmp/folder && pg_dump -Fd -f /tmp/folder shop && tar -C /tmp/folder -cf - ."
	gzipped   = "pg_dump shop | gzip"
	zstd      = "pg_dump shop | zstd -q"
)

// fileOf names what a line writes.
var fileOf = map[string]string{dump: "shop.dump", plain: "shop.sql", unpacked: "shop.dump", tarred: "shop.tar", directory: "shop.tar",
	gzipped: "shop.sql.gz", zstd: "shop.sql.zst"}

// damaged is a good dump to which accidents happen.
func damaged(name, what, line string, l *label, happens ...accident.Func) item {
	return item{name: name, what: what, shape: shop, make: dumped("", line, fileOf[line], happens...), label: l}
}

// damagedDumps are dumps whose bytes are no longer what they were.
func damagedDumps() []item {
	read := at(objective.RungRead)
	stopped := at(objective.RungRead) // the load ended in the middle: it was not read to its end
	const row = "customer150@example.com"
	return []item{
		damaged("custom-cut-1", "the first hundredth of it", dump, read, accident.Share(0.01)),
		damaged("custom-cut-50", "its first half", dump, read, accident.Share(0.5)),
		damaged("custom-cut-99", "all but the last hundredth", dump, read, accident.Share(0.99)),
		damaged("custom-cut-last-block", "all but the last 512 bytes", dump, read, accident.Drop(512)),
		damaged("custom-cut-last-byte", "all but the last byte", dump, read, accident.Drop(1)),
		damaged("plain-cut-1", "the first hundredth of it", plain, read, accident.Share(0.01)),
		damaged("plain-cut-50", "its first half", plain, read, accident.Share(0.5)),
		damaged("plain-cut-99", "all but the last hundredth", plain, read, accident.Share(0.99)),
		damaged("plain-stopped-at-a-row", "pg_dump stopped between two rows and nobody saw its exit code", plain, read, accident.CutAt("\n151\t", 1, 1)),
		damaged("plain-stopped-after-data", "pg_dump stopped between the rows and the keys", plain, read,
			accident.CutAt("-- Name: customers customers_pkey", 1, 0)),
		damaged("plain-without-beginning", "the second half of it", plain, read, accident.From("CREATE TABLE public.orders")),
		damaged("tar-cut-50", "its first half", tarred, read, accident.Share(0.5)),
		damaged("tar-cut-99", "all but the last hundredth", tarred, read, accident.Share(0.99)),
		damaged("directory-cut-50", "half of the tar of a folder", directory, read, accident.Share(0.5)),
		damaged("gzip-cut-50", "its first half", gzipped, read, accident.Share(0.5)),
		damaged("gzip-cut-last-block", "all but its checksum", gzipped, read, accident.Drop(8)),
		damaged("zstd-cut-99", "all but the last hundredth", zstd, read, accident.Share(0.99)),
		damaged("custom-flip-magic", "a bit turned in its first bytes", dump, read, accident.FlipByte(2)),
		damaged("custom-flip-header", "a bit turned in the header", dump, read, accident.FlipByte(8)),
		damaged("custom-flip-contents", "a bit turned in its table of contents", dump, read, accident.Swap("TABLE DATA", "TABLE DATC", 1)),
		damaged("custom-flip-statement", "a bit turned in a statement", dump, stopped, accident.Swap("CREATE VIEW", "CREATE VHEW", 1)),
		damaged("custom-flip-data", "a bit turned in its packed rows", dump, read, accident.Flip(0.8)),
		damaged("custom-flip-trailer", "a bit turned in the last byte", dump, read, accident.FlipByte(-1)),
		damaged("custom-flip-row", "a bit turned in a row that is not packed", unpacked, content("values", profile), accident.Swap(row,
			"customerq50@example.com", 1)),
		damaged("plain-flip-statement", "a bit turned in a statement", plain, stopped, accident.Swap("CREATE TABLE", "CRE\x01TE TABLE", 1)),
		damaged("gzip-flip", "a bit turned in the middle", gzipped, read, accident.Flip(0.5)),
		damaged("zstd-flip", "a bit turned in the middle", zstd, read, accident.Flip(0.5)),
		damaged("tar-flip-header", "a bit turned in a name in the tar", tarred, read, accident.FlipTarHeader),
		damaged("custom-zeros", "a twentieth of it is zeros", dump, read, accident.Zero(0.7, 0.75)),
		damaged("custom-zeros-at-the-end", "its last tenth is zeros", dump, read, accident.Zero(0.9, 1)),
		damaged("plain-zeros", "a hundredth of it is zeros", plain, read, accident.Zero(0.6, 0.61)),
		damaged("directory-lost-file", "a table's file is missing", directory, read, accident.InTar(accident.Without(".dat.gz"))),
		damaged("directory-empty-file", "a table's file is empty", directory, read, accident.InTar(accident.LargestData(accident.Be("")))),
		damaged("directory-lost-contents", "its table of contents is missing", directory, read, accident.InTar(accident.Without("toc.dat"))),
		damaged("directory-cut-rows", "a table's file holds half of its rows, well packed", directory, read,
			accident.InTar(accident.LargestData(accident.Repacked(accident.Share(0.5))))),
		damaged("directory-lost-blob", "the file of a large object is missing", directory, read, accident.InTar(accident.Without("blob_70001"))),
		{name: "directory-mixed", what: "one table's file is another night's: rows without their parents", shape: shop,
			make: mixed("delete from order_lines where order_id > 600; delete from payments where order_id > 600; delete from orders where id > 600;",
				"600\t"), label: stopped},
		{name: "directory-mixed-unseen", what: "one table's file is another night's, and fits", shape: shop,
			make: mixed("update customers set balance = balance + 1 where id = 7;", row), label: content("values", profile)},
	}
}
