package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lifeboat/drills/record"
)

// made is the folder of what was made, as it lies there.
const made = "made"

// lay puts an item's backup into its store of a column, with what the column needs beside it.
func (b *bench) lay(ctx context.Context, c column, i item) error {
	if c == profiled && i.profiled != nil {
		_, err := b.make(ctx, i.profiled, c.folder(), i.name)
		return err
	}
	from, to := filepath.Join(b.dir, made, i.name), filepath.Join(b.dir, c.folder(), i.name)
	if err := linked(to, from); err != nil {
		return err
	}
	if c != profiled {
		return nil
	}
	name, err := backupIn(to)
	if err != nil {
		return err
	}
	text, err := i.shape.profile(ctx, b)
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

// before makes yesterday's backup of an item. It is made before tonight's: no last proof is of a younger one.
func (b *bench) before(ctx context.Context, i item) error {
	if i.yesterday != nil {
		_, err := b.make(ctx, i.yesterday, yesterday, i.name)
		return err
	}
	common := filepath.Join(b.dir, yesterday, "of-"+i.shape.name)
	if _, err := os.Stat(common); err != nil {
		if _, err := b.make(ctx, i.shape.yesterday, yesterday, filepath.Base(common)); err != nil {
			return err
		}
	}
	return os.CopyFS(filepath.Join(b.dir, yesterday, i.name), os.DirFS(common))
}

// yesterday is the folder of what was made for the last proof.
const yesterday = "yesterday"

// lastNight proves yesterday's backup of every item in the series in which tonight's will be proved.
func (b *bench) lastNight(ctx context.Context, file string, todo []*result) error {
	old := time.Now().Add(-time.Hour)
	for _, r := range todo {
		from, to := filepath.Join(b.dir, yesterday, r.name), filepath.Join(b.dir, lastTime.folder(), r.name)
		name, err := backupIn(from)
		if err == nil {
			err = os.CopyFS(to, os.DirFS(from))
		}
		was := filepath.Join(to, "yesterday-"+name)
		if err := errors.Join(err, os.Rename(filepath.Join(to, name), was), os.Chtimes(was, old, old)); err != nil {
			return fmt.Errorf("lay yesterday's %s into its store: %w", r.name, err)
		}
	}
	n, err := b.verify(ctx, file, todo)
	if err != nil {
		return err
	}
	for _, p := range n.Proofs {
		if p.Status != record.StatusPassed && p.Skipped == "" {
			return fmt.Errorf("prove yesterday's %s: it is %s, drill %s", p.Backup, p.Status, p.Drill)
		}
	}
	return nil
}
