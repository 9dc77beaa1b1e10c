package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/restore/postgres/pgdump"
)

// makeReady makes the roles and the empty database that an archive needs.
func (l *load) makeReady(ctx context.Context, a *pgdump.Archive) error {
	l.archive, l.entries, l.encoding = a, a.Entries, a.Encoding()
	l.dumped = func() string { return a.Server }
	l.made = a.Created
	if own := slices.Contains([]string{"postgres", "template0", "template1"}, a.Database); l.set.Database == "" && own {
		l.note("the dump is of the server's own database %s: it is loaded as %s", a.Database, l.database)
	} else if l.set.Database == "" && a.Database != "" {
		l.database = a.Database
	}
	server := l.server
	if err := server.hasExtensions(ctx, a.Extensions()...); err != nil {
		return err
	}
	if err := server.makeGivenRoles(ctx); err != nil {
		return err
	}
	if err := server.makeDatabase(ctx, a.Encoding()); err != nil {
		return err
	}
	defer server.leave(ctx)
	if err := server.needRoles(ctx, l.encoding, a.Roles()...); err != nil {
		return err
	}
	return server.noteLocale(ctx, a.Locale())
}

// noteLocale tells when text sorts here in another order than it did.
func (s *server) noteLocale(ctx context.Context, was string) error {
	var is string
	err := s.conn.QueryRow(ctx, "select datcollate from pg_database where datname = "+literal(s.loading)).Scan(&is)
	if err != nil {
		return fmt.Errorf("look at database %s: %w", s.loading, err)
	}
	if was != "" && was != is {
		s.note("text sorted by the locale %s and sorts by %s here", was, is)
	}
	return nil
}

// loadingSuffix of the database's name while it is loaded. During a rollback the application
// still runs: it would write into half-restored tables, or make the restore itself fail.
const loadingSuffix = "_being_restored"

const longestName = 63 // bytes of an identifier of PostgreSQL

// makeDatabase drops what a former load left, and makes an empty database under another name.
func (s *server) makeDatabase(ctx context.Context, encoding string) error {
	s.loading = s.database[:min(len(s.database), longestName-len(loadingSuffix))] + loadingSuffix
	name := pgx.Identifier{s.loading}.Sanitize()
	if err := s.dropDatabase(ctx, s.loading); err != nil {
		return err
	}
	create := "create database " + name + " template template0"
	if encoding != "" && encoding != "UTF8" {
		create += " encoding " + literal(encoding) + " locale 'C'"
	}
	if _, err := s.conn.Exec(ctx, create); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "22023" && encoding != "" {
			return &pgdump.Damage{Reason: fmt.Sprintf("its encoding %q is unknown to the server", encoding)}
		}
		return fmt.Errorf("make database %s: %w", s.database, err)
	}
	s.made = true
	return nil
}

// release gives the loaded database its name, in the place of one that is there.
func (l *load) release(ctx context.Context) error {
	if l.loading == l.database {
		return nil
	}
	if err := l.server.dropDatabase(ctx, l.database); err != nil {
		return err
	}
	from, to := pgx.Identifier{l.loading}.Sanitize(), pgx.Identifier{l.database}.Sanitize()
	if err := l.server.unused(ctx, l.loading, "alter database "+from+" rename to "+to); err != nil {
		return fmt.Errorf("name database %s: %w", l.database, err)
	}
	return nil
}

// dropDatabase ends the sessions of those who are connected: a restore in place goes first.
func (s *server) dropDatabase(ctx context.Context, database string) error {
	err := s.unused(ctx, database, "drop database if exists "+pgx.Identifier{database}.Sanitize())
	if err != nil {
		return fmt.Errorf("drop database %s: %w", database, err)
	}
	return nil
}

// unused runs a statement that needs a database without sessions. Some come back at once,
// and those that were ended take a moment to go.
func (s *server) unused(ctx context.Context, database, statement string) error {
	const (
		patience = 10 * time.Second
		pause    = 20 * time.Millisecond
		inUse    = "55006"
	)
	end := "select pg_terminate_backend(pid) from pg_stat_activity where datname = " + literal(database)
	for began := time.Now(); ; {
		_, err := s.conn.Exec(ctx, end)
		if err == nil {
			_, err = s.conn.Exec(ctx, statement)
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != inUse || time.Since(began) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// databaseItself restores what pg_restore does only when it makes the database: its
// owner, settings, grants and comment.
func (l *load) databaseItself(ctx context.Context, a *pgdump.Archive) error {
	statements, owner := a.OfDatabase()
	if len(statements) == 0 && owner == "" {
		return nil
	}
	if a.Database != l.database {
		if len(statements) > 0 {
			l.note("settings and grants of the database itself were not restored: it was %s and is %s here", a.Database,
				l.database)
		}
		return nil
	}
	if owner != "" {
		statements = append([]string{"ALTER DATABASE " + pgx.Identifier{l.database}.Sanitize() + " OWNER TO " +
			pgx.Identifier{owner}.Sanitize()}, statements...)
	}
	conn, err := l.connect(ctx, l.machine, l.database)
	if err != nil {
		return fmt.Errorf("connect to database %s on %s: %w", l.database, l.machine.Name(), err)
	}
	defer hangUp(ctx, conn)
	if err := l.speak(ctx, conn, l.encoding); err != nil {
		return err
	}
	for _, statement := range statements {
		_, err := texts(ctx, conn, statement)
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			return l.blame("the server", trouble{code: pg.Code, text: fmt.Sprintf("%s (%s)", pg.Message, statement)})
		}
		if err != nil {
			return fmt.Errorf("restore the settings of database %s: %w", l.database, err)
		}
	}
	return nil
}
