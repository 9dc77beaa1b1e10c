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
	server := l.server
	l.noteVersion(a.Server)
	if err := l.fits(ctx, a); err != nil {
		return err
	}
	if err := server.hasExtensions(ctx, l.kept(a.Extensions())...); err != nil {
		return err
	}
	if err := server.makeGivenRoles(ctx); err != nil {
		return err
	}
	create, about := a.OfDatabase()
	about = slices.DeleteFunc(about, func(s string) bool { return l.leavesOut(pgdump.Parse(s)) })
	t := &target{own: a.Database, final: l.finalName(a.Database, false), encoding: a.Encoding(), about: about, filled: true}
	if err := server.makeDatabase(ctx, t, create, a.Encoding()); err != nil {
		return err
	}
	l.targets = []*target{t}
	l.enter(ctx, t)
	defer server.leave(ctx)
	if err := server.needRoles(ctx, l.encoding, a.Roles()...); err != nil {
		return err
	}
	return l.edit(ctx, a)
}

// dropDatabase ends the sessions of those who are connected: a restore in place goes first.
func (s *server) dropDatabase(ctx context.Context, database string) error {
	err := s.unsubscribe(ctx, database)
	if err == nil {
		err = s.noTemplate(ctx, database)
	}
	if err == nil {
		err = s.unused(ctx, database, "drop database if exists "+pgx.Identifier{database}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("drop database %s: %w", database, err)
	}
	return nil
}

// noTemplate makes an ordinary database of one that is marked as a template, which nobody can drop.
func (s *server) noTemplate(ctx context.Context, database string) error {
	is, err := s.names(ctx, "select datname::text from pg_database where datistemplate and datname = "+literal(database))
	if err == nil && len(is) > 0 {
		_, err = s.conn.Exec(ctx, "alter database "+pgx.Identifier{database}.Sanitize()+" is_template false")
	}
	return err
}

// unsubscribe takes subscriptions away, which keep a database from being dropped. Nobody out there is told.
func (s *server) unsubscribe(ctx context.Context, database string) error {
	names, err := s.names(ctx, `select subname::text from pg_subscription
		where subdbid = (select oid from pg_database where datname = `+literal(database)+`)`)
	if err != nil || len(names) == 0 {
		return err
	}
	conn, err := s.connect(ctx, s.machine, database)
	if err != nil {
		return err
	}
	defer hangUp(ctx, conn)
	for name := range names {
		name = pgx.Identifier{name}.Sanitize()
		for _, do := range []string{"alter subscription " + name + " disable",
			"alter subscription " + name + " set (slot_name = none)", "drop subscription " + name} {
			if _, err := texts(ctx, conn, do); err != nil {
				return err
			}
		}
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
