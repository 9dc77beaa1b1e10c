package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/internal/accident"
)

// physical is the shape of a physical backup of a small shop's MariaDB.
var physical = &shape{name: "mariadb-backup", good: asFolder("tonight", nil), entry: physicalEntry, alone: physicalTools}

//go:embed testdata/physical.sh
var physicalScript string

// physicals are backups of a real server, by the folders and files in which its mariadb-backup wrote them.
func physicals(ctx context.Context, b *bench) (accident.Folder, error) {
	return once(b, "physical backups", func() (accident.Folder, error) {
		script, err := os.ReadFile(filepath.Join(b.root(), "drills/restore/mariadbbackup/testdata/make.sh"))
		if err != nil {
			return nil, err
		}
		server, _, found := strings.Cut(string(script), "mkdir out ")
		if !found {
			return nil, errors.New("find the server that is backed up: its script makes no folder out")
		}
		return scripted(ctx, []byte(server+physicalScript), "--tmpfs", "/tmp:exec", "--user", "mysql", "--entrypoint", "bash", mariadbImage, "-s")
	})
}

// backups are changed, and lie in a folder that is one restore point, or in one file.
type backups func(all accident.Folder) (accident.Folder, error)

// laidAs writes what is made of the server's backups into a folder.
func laidAs(of backups) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := physicals(ctx, b)
		if err != nil {
			return err
		}
		made, err := of(all)
		if err == nil && len(made) == 0 {
			err = errors.New("nothing is left of it")
		}
		if err != nil {
			return err
		}
		return made.Write(dir)
	}
}

// asFolder is one of the backups, changed.
func asFolder(name string, change func(f, all accident.Folder) accident.Folder) maker {
	return laidAs(func(all accident.Folder) (accident.Folder, error) {
		f := all.Below(name)
		if change != nil {
			f = change(f, all)
		}
		return accident.Folder{}.Under("backup", f), nil
	})
}

// asChain is the full one with its increments in folders of one folder, changed.
func asChain(change func(f, all accident.Folder) accident.Folder) maker {
	return laidAs(func(all accident.Folder) (accident.Folder, error) {
		f := accident.Folder{}
		for _, name := range []string{"full", "inc1", "inc2"} {
			f = f.Under(name, all.Below(name))
		}
		if change != nil {
			f = change(f, all)
		}
		return accident.Folder{}.Under("backup", f), nil
	})
}

// asFile is a stream, or a tar of tonight's folder, to which accidents happen.
func asFile(from, name string, happens ...accident.Func) maker {
	return laidAs(func(all accident.Folder) (accident.Folder, error) {
		content := all[from]
		if content == "" {
			content = all.Below(from).Tarred()
		}
		raw, err := accident.All(happens...)([]byte(content))
		return accident.Folder{name: string(raw)}, err
	})
}

// physicalEntry is one as a user writes it from the README, and the rules that a careful user adds.
func physicalEntry(c column, i item) string {
	careful, age := "", "26h"
	if i.ageless {
		age = "0s"
	}
	if c == rules {
		careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: orders, at_least: 650}
    - {kind: rows, on: db, password: drill, database: shop, table: customers, equals: 50}
    - {kind: rows, on: db, password: drill, database: shop, table: payments, at_least: 300}
    - {kind: rows, on: db, password: drill, database: shop, table: small, at_least: 50}
    - {kind: rows, on: db, password: drill, database: shop, table: items, at_least: 50}
    - {kind: sql, on: db, password: drill, database: shop, query: "select sum(what = concat('payment ', id, ' of the shop')) from payments", expect: "300"}
    - {kind: sql, on: db, password: drill, database: shop, query: "select count(*) from customers where city = '北京'", expect: "16"}`
	}
	return `objectives: {age: ` + age + `}
timezone: UTC
restore: {kind: mariadb-backup, password: drill}
as: db
instance: {kind: docker, image: "` + mariadbImage + `", data: [/var/lib/mysql], ready: {tcp: 3306}}
checks:
  service: [{kind: tcp, to: "db:3306"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
}

// physicalTools has mariadb-backup prepare a copy, which is what people look at: "completed OK!".
func physicalTools(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
	const prepare = `set -e; shopt -s globstar nullglob; rm -rf /tmp/asked; mkdir /tmp/asked; cd /tmp/asked; tar -xf -
for f in **/*.gz; do gzip -dq "$f"; done
for f in **/*.zst; do zstd -dq --rm "$f"; done
for f in **/*.mbs; do mkdir "$f.d"; mbstream -x -C "$f.d" <"$f"; done
for f in **/*.tar; do mkdir "$f.d"; tar -xf "$f" -C "$f.d"; done
all=(**/xtrabackup_checkpoints)
for f in "${all[@]}"; do grep -q '^from_lsn = 0' "$f" && base=${f%/*}; done
mariadb-backup --no-defaults --prepare --target-dir="$base"
for f in "${all[@]}"; do [ "${f%/*}" = "$base" ] || mariadb-backup --no-defaults --prepare --target-dir="$base" --incremental-dir="${f%/*}"; done`
	quoted := strings.ReplaceAll(prepare, "'", `'\''`)
	fine, err = b.goodFolder(ctx, dir, "cat >/tmp/asked.tar; (exec </tmp/asked.tar; timeout 60 bash -c '"+quoted+"') >/dev/null 2>&1")
	return "mariadb-backup --prepare", fine, err
}

// pageSize is that of the server's pages, bytes.
const pageSize = 16 << 10

// resummed changes a text in a page of a tablespace, whose checksum is of what it is then (full_crc32).
func resummed(content, old, new string) string {
	at := strings.Index(content, old)
	if at < 0 || len(old) != len(new) {
		panic(fmt.Sprintf("no %q is there to become %q", old, new))
	}
	raw := []byte(content)
	copy(raw[at:], new)
	page := raw[at/pageSize*pageSize:][:pageSize]
	binary.BigEndian.PutUint32(page[pageSize-4:], crc32.Checksum(page[:pageSize-4], crc32.MakeTable(crc32.Castagnoli)))
	return string(raw)
}

// inPage puts other bytes into the place of some of a page.
func inPage(content string, page, at int, with string) string {
	raw := []byte(content)
	copy(raw[page*pageSize+at:], with)
	return string(raw)
}

// reworded changes a word of a small file.
func reworded(content, old, new string) string {
	if !strings.Contains(content, old) {
		panic(fmt.Sprintf("no %q in %q", old, content))
	}
	return strings.Replace(content, old, new, 1)
}

// agedInfo has a backup be begun some days ago, as it says of itself.
func agedInfo(info string, days int) string {
	_, rest, _ := strings.Cut(info, "start_time = ")
	return reworded(info, rest[:len(time.DateTime)], time.Now().UTC().AddDate(0, 0, -days).Format(time.DateTime))
}
