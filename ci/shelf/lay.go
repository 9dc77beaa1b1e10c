package main

import (
	"context"
	"errors"
	"fmt"
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
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
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

// lastNight proves yesterday's backup of every item in the series in which tonight's will be proved.
func (b *bench) lastNight(ctx context.Context, file string, todo []*result) error {
	before := time.Now().Add(-time.Hour)
	for _, r := range todo {
		make := r.shape.yesterday
		if r.yesterday != nil {
			make = r.yesterday
		}
		dir, err := b.make(ctx, make, lastTime.folder(), r.name)
		if err != nil {
			return fmt.Errorf("make yesterday's %s: %w", r.name, err)
		}
		name, err := backupIn(dir)
		if err != nil {
			return err
		}
		was := filepath.Join(dir, "yesterday-"+name)
		if err := errors.Join(os.Rename(filepath.Join(dir, name), was), os.Chtimes(was, before, before)); err != nil {
			return err
		}
	}
	n, err := b.verify(ctx, file, todo)
	if err != nil {
		return err
	}
	for _, p := range n.Proofs {
		if p.Status != record.StatusPassed && p.Drill == "" {
			return fmt.Errorf("prove yesterday's %s: it is %s", p.Backup, p.Status)
		}
	}
	return nil
}
