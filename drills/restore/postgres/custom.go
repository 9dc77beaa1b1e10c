package postgres

import (
	"context"
	"fmt"
	"io"
	"path"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// custom loads an archive in one file: its table of contents is read first, so that the
// roles are there before pg_restore sees a byte, and the rest is checked as it passes.
func (l *load) custom(ctx context.Context) error {
	fwd := &dump.Forward{}
	r := pgdump.NewReader(io.TeeReader(l.in, fwd))
	archive, err := pgdump.ReadArchive(r)
	if err != nil {
		return err
	}
	if archive.Format != pgdump.Custom {
		return &dump.Damage{Reason: "it is only the table of contents of a folder dump: the data are missing"}
	}
	if err := l.makeReady(ctx, archive); err != nil {
		return err
	}
	data := func(out io.Writer) error {
		if err := fwd.Open(out); err != nil {
			return err
		}
		return archive.ReadBlocks(r)
	}
	if l.set.Jobs == 1 {
		c, done, err := l.pgRestore(ctx, "custom")
		if err != nil {
			return err
		}
		defer done()
		if err := l.runner().Pour(ctx, c, data); err != nil {
			return l.told(ctx, err, "custom", "")
		}
		return nil
	}
	return l.runner().Staged(ctx, stageFolder, func(folder string) error {
		file := path.Join(folder, "backup.dump")
		// pg_restore refuses -j from a stream.
		write := instance.Command{Args: []string{"dd", "of=" + file, "bs=256k", "iflag=fullblock", "status=none"}, User: "0"}
		if err := l.runner().Pour(ctx, write, data); err != nil {
			return err
		}
		c, done, err := l.pgRestore(ctx, "custom", "-j", fmt.Sprint(l.set.Jobs), file)
		if err != nil {
			return err
		}
		defer done()
		if err := l.runner().Exec(ctx, c); err != nil {
			return l.told(ctx, err, "custom", file)
		}
		return nil
	})
}

// pgRestore ends at the first error: the others follow from it. done is to be called when it has ended.
func (l *load) pgRestore(ctx context.Context, format string, args ...string) (c instance.Command, done func(), err error) {
	list, done, err := l.list(ctx)
	if err != nil {
		return c, done, err
	}
	all := []string{"pg_restore", "--no-password", "--exit-on-error", "--no-tablespaces", "-F", format, "-d", l.loading}
	if list != "" {
		all = append(all, "-L", list)
	}
	c, err = l.client(append(all, args...)...)
	return c, done, err
}
