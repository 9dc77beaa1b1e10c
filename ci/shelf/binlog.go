package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/internal/accident"
)

// logged is the shape of a backup of a small shop's MariaDB with the binary logs behind it, which are replayed.
var logged = &shape{name: "binlog", good: withLogs("all.sql", nil), entry: loggedEntry, pattern: "base*"}

// loggedBy a real server, whose programs took dumps and a physical backup of it, and other servers.
func loggedBy(ctx context.Context, b *bench) (accident.Folder, error) {
	return once(b, "binary logs", func() (accident.Folder, error) {
		script, err := os.ReadFile(filepath.Join(b.root(), "drills/restore/mysql/binlog/testdata/make.sh"))
		if err != nil {
			return nil, err
		}
		return scripted(ctx, script, "--tmpfs", "/tmp:exec", "--user", "mysql", "--entrypoint", "bash", mariadbImage, "-s")
	})
}

// journey is a backup, and the logs that lead on from it.
type journey struct {
	base string          // a dump; "": the physical backup
	full accident.Folder // the physical backup
	logs accident.Folder
	all  accident.Folder // that the script made
}

// log is the content of one of the logs.
func (j *journey) log(number int) string { return j.logs[logName(number)] }

// becomes puts another content into the place of a log.
func (j *journey) becomes(number int, content string) {
	j.logs = j.logs.With(accident.Folder{logName(number): content})
}

func logName(number int) string { return fmt.Sprintf("binlog.%06d", number) }

// says changes a text of the backup: where in the logs it is.
func (j *journey) says(old, new string) { j.base = reworded(j.base, old, new) }

// withLogs lays a backup and its logs side by side, changed.
func withLogs(base string, change func(j *journey)) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := loggedBy(ctx, b)
		if err != nil {
			return err
		}
		j := &journey{base: all[base], full: all.Below("full"), logs: all.Below("logs"), all: all}
		if change != nil {
			change(j)
		}
		lay := accident.Folder{}.Under("logs", j.logs)
		if base == "" {
			lay = lay.Under("base", j.full)
		} else {
			lay = lay.With(accident.Folder{"base.sql": j.base})
		}
		if len(j.logs) == 0 {
			return errors.New("no log is left of it")
		}
		return lay.Write(dir)
	}
}

// loggedEntry is one as a user writes it from the README, and the rules that a careful user adds.
func loggedEntry(c column, i item) string {
	careful := ""
	if c == rules {
		careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: orders, equals: 15}
    - {kind: rows, on: db, password: drill, database: shop, table: more, equals: 2}
    - {kind: sql, on: db, password: drill, database: shop, query: "select count(*) from orders where note = 'last of all'", expect: "1"}`
	}
	restored, env := "kind: mysql, binlog: logs", `env: {MYSQL_ROOT_PASSWORD: drill}, `
	if strings.Contains(i.restored, "mariadb-backup") {
		restored, env = "binlog: logs, password: drill", ""
	}
	if i.restored != "" {
		restored += ", " + i.restored
	}
	return `objectives: {age: 0s}
timezone: UTC
restore: {` + restored + `}
backups: {logs: {store: {kind: dir, path: ./` + i.name + `, pattern: logs}, restore: {kind: binlog}}}
as: db
instance: {kind: docker, image: "` + mariadbImage + `", ` + env + `data: [/var/lib/mysql], ready: {tcp: 3306}}
checks:
  service: [{kind: tcp, to: "db:3306"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
}
