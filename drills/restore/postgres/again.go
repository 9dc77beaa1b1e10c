package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// told learns the SQLSTATE of what failed in an archive, which pg_restore does not tell: it is run once more.
// file is where the archive lies on the machine; "": it is read from its store again.
func (l *load) told(ctx context.Context, failed error, format, file string) error {
	var entry *entryError
	if !errors.As(failed, &entry) || ctx.Err() != nil {
		return failed
	}
	var again error
	if entry.statement != "" {
		again = l.statementAgain(ctx, entry.statement)
	} else {
		again = l.dataAgain(ctx, entry.table, format, file)
	}
	var pg *pgconn.PgError
	var image *restore.ImageError
	why := "run again, it did not fail"
	switch {
	case errors.As(again, &pg):
		return l.blame("pg_restore", trouble{code: pg.Code, text: entry.text})
	case errors.As(again, new(*restore.BackupError)), errors.As(again, &image):
		return again
	case again != nil:
		why = fmt.Sprintf("run again: %s", again)
	}
	return fmt.Errorf("pg_restore failed, which may be the fault of the backup, the image or the host: %s (%s)",
		entry.text, why)
}

// statementAgain runs a statement as pg_restore did: with the settings that pg_dump begins every archive with.
func (l *load) statementAgain(ctx context.Context, statement string) error {
	conn, err := l.connect(ctx, l.machine, l.loading)
	if err != nil {
		return err
	}
	defer hangUp(ctx, conn)
	settings := `set check_function_bodies = false; set row_security = off; set xmloption = content; set search_path = ''`
	if l.archive.Encoding() != "" {
		settings += "; set client_encoding = " + literal(l.archive.Encoding())
	}
	if _, err := conn.PgConn().Exec(ctx, settings).ReadAll(); err != nil {
		return fmt.Errorf("prepare a session on %s: %v", l.machine.Name(), err) // no error of the statement
	}
	_, err = conn.PgConn().Exec(ctx, statement).ReadAll()
	return err
}

// withPsql runs entries of an archive through psql. The list of them comes on a descriptor of its own: standard
// input is the archive, and no folder of the machine need be writable.
const withPsql = `PATH=${PROGRAMS:+$PROGRAMS:}$PATH; list=$1; format=$2; database=$3; shift 3
pg_restore --no-password -F "$format" -f - -L /dev/fd/3 "$@" 3<<EOF |
$list
EOF
psql --no-psqlrc --no-password --set ON_ERROR_STOP=1 --set VERBOSITY=verbose -d "$database" -f -`

// dataAgain loads the data of a table once more, through psql.
func (l *load) dataAgain(ctx context.Context, table, format, file string) error {
	list := "" // tables of several schemas may be called so: what was loaded before goes in once more, and does no harm
	for _, e := range l.entries {
		if e.Desc == "TABLE DATA" && e.Tag == table {
			list += strconv.Itoa(e.ID) + ";\n"
		}
	}
	c, err := l.client("sh", "-c", withPsql, "sh", list, format, l.loading)
	if err != nil {
		return err
	}
	if file != "" {
		c.Args = append(c.Args, file)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		in, err := l.reopen(ctx)
		if err != nil {
			return err
		}
		defer in.Close()
		c.Stdin = in
	}
	r, err := l.runner().Watched(ctx, c)
	if err != nil {
		return fmt.Errorf("run psql on %s: %w", l.machine.Name(), err)
	}
	if all := errorsOf(r.Stderr); len(all) > 0 {
		return l.blame("psql", all[0])
	}
	if r.Exit == 0 {
		return nil
	}
	return l.failure("psql", r)
}

// reopen gives the archive a second time, without its compression.
func (l *load) reopen(ctx context.Context) (*dump.Input, error) {
	stream, err := l.source.Open(ctx)
	if err != nil {
		return nil, err
	}
	in := dump.Open(ctx, stream)
	if _, err := detect(in); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}
