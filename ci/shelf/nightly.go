package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// nightly are the backups of make demo-nightly: every kind on the shelf, three of them broken.
var nightly = []string{"custom", "cluster", "directory", "mysql-gzip", "redis-good-plain", "redis-aof-good-parts", "files-good-zstd", "base-good-tar",
	"base-good-packed", "image-good-saved", "image-good-layout-zstd", "disk-good-qcow2", "etcd-good-plain", "maria-good-chain", "binlog-good-plain",
	"mydumper-good-plain", "restic-good-plain", "borg-good-plain", "pgbackrest-good-plain", "barman-good-plain", // and broken:
	"table-empty", "mysql-stopped", "base-gap"}

// layNight lays backups below a folder, and a catalogue of all of them with a careful user's checks.
func (b *bench) layNight(ctx context.Context, names []string, dir string) error {
	text, _, err := b.written(ctx)
	if err != nil {
		return err
	}
	all := shelf()
	for _, name := range names {
		n := slices.IndexFunc(all, func(i item) bool { return i.name == name })
		if n < 0 {
			return fmt.Errorf("find %s: it is not on the shelf", name)
		}
		i := all[n]
		from, err := b.make(ctx, i.make, made, i.name)
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		if err := os.CopyFS(filepath.Join(dir, i.name), os.DirFS(from)); err != nil {
			return err
		}
		c := rules
		if i.other {
			c = bare
		}
		entry, err := b.entry(ctx, c, i, dir)
		if err != nil {
			return err
		}
		text += entry
	}
	return os.WriteFile(filepath.Join(dir, "nightly.yaml"), []byte(text), 0o600)
}
