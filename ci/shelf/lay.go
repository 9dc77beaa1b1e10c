package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lifeboat/drills/record"
)

// Folders of what was made, as it lies there: tonight's, and what was made for the last proof.
const (
	made      = "made"
	yesterday = "yesterday"
)

// laid puts an item's backup into its store of a column, with what the column needs beside it and before it.
func (b *bench) laid(ctx context.Context, c column, i item) error {
	to := filepath.Join(b.dir, c.folder(), i.name)
	if c == profiled && i.profiled != nil {
		_, err := b.make(ctx, i.profiled, c.folder(), i.name)
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	if c == lastTime {
		if err := b.lastProof(ctx, i, to); err != nil {
			return err
		}
	}
	if err := linked(to, filepath.Join(b.dir, made, i.name)); err != nil || c != profiled {
		return err
	}
	name, err := backupIn(to)
	if err != nil {
		return err
	}
	text, err := b.profileOf(ctx, i.shape)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, name+".profile.json"), text, 0o600)
}

// linked lays the files of a folder into another one, without copying them: disks are large, and nobody writes into a backup.
func linked(to, from string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		return os.Link(path, filepath.Join(to, name))
	})
}

// profileOf is that of a shape's good one, taken once.
func (b *bench) profileOf(ctx context.Context, s *shape) ([]byte, error) {
	return once(b, "profile of "+s.name, func() ([]byte, error) { return s.profile(ctx, b) })
}

// common is the folder of what is yesterday's for all items of a shape that have none of their own.
func common(s *shape) string { return "of-" + s.name }

// before makes yesterday's backup of an item. It is made before tonight's: no last proof is of a younger one.
func (b *bench) before(ctx context.Context, i item) error {
	if i.yesterday != nil {
		_, err := b.make(ctx, i.yesterday, yesterday, i.name)
		return err
	}
	_, err := once(b, "yesterday's "+i.shape.name, func() (string, error) { return b.make(ctx, i.shape.yesterday, yesterday, common(i.shape)) })
	return err
}

// lastProof has yesterday's backup of an item lie in its store, and its proof in its home.
func (b *bench) lastProof(ctx context.Context, i item, store string) error {
	home := b.home(lastTime, i)
	if i.yesterday != nil {
		return errors.Join(b.aged(i.name, store), b.lastNight(ctx, i, home))
	}
	own := item{name: common(i.shape), shape: i.shape} // one and the same for many, and proved once: their homes begin with that proof
	proved, err := once(b, "proof of yesterday's "+i.shape.name, func() (string, error) {
		to := filepath.Join(b.dir, lastTime.folder(), own.name)
		return b.home(lastTime, own), errors.Join(b.aged(own.name, to), b.lastNight(ctx, own, b.home(lastTime, own)))
	})
	if err == nil {
		err = errors.Join(b.aged(own.name, store), os.CopyFS(home, os.DirFS(proved)))
	}
	return err
}

// aged lays what was made yesterday into a store, as old as that.
func (b *bench) aged(made, store string) error {
	from, old := filepath.Join(b.dir, yesterday, made), time.Now().Add(-time.Hour)
	name, err := backupIn(from)
	if err == nil {
		err = os.CopyFS(store, os.DirFS(from))
	}
	was := filepath.Join(store, "yesterday-"+name)
	if err := errors.Join(err, os.Rename(filepath.Join(store, name), was), os.Chtimes(was, old, old)); err != nil {
		return fmt.Errorf("lay yesterday's into its store: %w", err)
	}
	return nil
}

// lastNight proves yesterday's backup in the series in which tonight's will be proved.
func (b *bench) lastNight(ctx context.Context, i item, home string) error {
	file, err := b.catalogue(ctx, lastTime, i)
	if err != nil {
		return err
	}
	for range tries {
		o, err := b.verify(ctx, file, home)
		if err != nil || o.Status == record.StatusPassed {
			return err
		}
		if !o.Busy {
			return fmt.Errorf("prove yesterday's: it is %s at %s: %s", o.Status, o.At, o.Says)
		}
	}
	return errors.New("prove yesterday's: the host was too busy to tell")
}

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
