package postgres

import (
	"context"
	"fmt"
	"io"
	"path"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/postgres/pgdump"
)

// custom loads an archive in one file: its table of contents is read first, so that the
// roles are there before pg_restore sees a byte, and the rest is checked as it passes.
func (l *load) custom(ctx context.Context) error {
	fwd := &forward{}
	r := pgdump.NewReader(io.TeeReader(l.in, fwd))
	archive, err := pgdump.ReadArchive(r)
	if err != nil {
		return err
	}
	if archive.Format != pgdump.Custom {
		return &pgdump.Damage{Reason: "it is only the table of contents of a folder dump: the data are missing"}
	}
	if err := l.makeReady(ctx, archive); err != nil {
		return err
	}
	data := func(out io.Writer) error {
		if err := fwd.open(out); err != nil {
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
		if err := l.pour(ctx, c, data); err != nil {
			return l.told(ctx, err, "custom", "")
		}
		return nil
	}
	return l.staged(ctx, func(folder string) error {
		file := path.Join(folder, "backup.dump")
		// pg_restore refuses -j from a stream.
		write := instance.Command{Args: []string{"dd", "of=" + file, "bs=256k", "iflag=fullblock", "status=none"}, User: "0"}
		if err := l.pour(ctx, write, data); err != nil {
			return err
		}
		c, done, err := l.pgRestore(ctx, "custom", "-j", fmt.Sprint(l.set.Jobs), file)
		if err != nil {
			return err
		}
		defer done()
		if err := l.exec(ctx, c); err != nil {
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

// staged gives a fresh folder on the machine's volume and removes it afterwards.
func (l *load) staged(ctx context.Context, do func(folder string) error) error {
	folder := path.Join(stageFolder, "restore")
	fresh := [][]string{{"rm", "-rf", folder}, {"mkdir", "-p", "-m", "0755", folder}}
	for _, args := range fresh {
		if err := l.tool(ctx, args); err != nil {
			return err
		}
	}
	err := do(folder)
	if e := l.tool(context.WithoutCancel(ctx), fresh[0]); err == nil {
		err = e
	}
	return err
}

// tool runs a program that has nothing to do with the backup's content.
func (l *load) tool(ctx context.Context, args []string) error {
	r, err := l.machine.Exec(ctx, instance.Command{Args: args, User: "0"})
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", args[0], l.machine.Name(), err)
	}
	if r.Exit != 0 {
		return fmt.Errorf("run %s on %s: exit code %d: %s", args[0], l.machine.Name(), r.Exit, firstError(r))
	}
	return nil
}
