package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
