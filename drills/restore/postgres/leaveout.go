package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/internal/lazy"
)

// leftOut is what of a dump was left out because the scenario says so.
type leftOut struct {
	extensions []string
	part       bool         // the dump itself leaves out what lies outside some schemas
	entries    map[int]bool // of an archive, for whatever reason
}

func (l *load) lacks(kind, what string, args ...any) error {
	return &restore.LackError{Backup: l.source.Backup, Lack: kind, What: fmt.Sprintf(what, args...)}
}

// kept are the extensions that are not to be left out.
func (l *load) kept(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains(l.set.LeaveOut.Extensions, name)
	})
}

// leavesOut tells whether the scenario says that a statement need not be restored.
func (l *load) leavesOut(s pgdump.Statement) bool {
	if name := s.OfExtension(); name != "" && slices.Contains(l.set.LeaveOut.Extensions, name) {
		if !slices.Contains(l.left.extensions, name) {
			l.left.extensions = append(l.left.extensions, name)
		}
		l.noteOnce("extension %s was left out, as leave_out says", name)
		return true
	}
	if name := s.Label(); name != "" && slices.Contains(l.set.LeaveOut.Labels, name) {
		l.noteOnce("security labels of %s were left out, as leave_out says", name)
		return true
	}
	return false
}

// without says of an error of something that is not there that it may have gone with what was left out, or that the dump
// is a part of a database; nil: neither.
func (l *load) without(what string) error {
	switch {
	case len(l.left.extensions) > 0:
		return l.lacks(record.LackLeftOut, "%s (left out: extension %s)", what, strings.Join(l.left.extensions, ", "))
	case l.left.part:
		return l.lacks(record.LackWhole, "%s (the dump is of schemas alone: pg_dump -n)", what)
	case l.archive != nil && l.unheld(what):
		return l.lacks(record.LackWhole, "%s (the dump leaves that out: pg_dump -N, -T or -t)", what)
	}
	return nil
}

var gone = lazy.Regexp(`(relation|schema) "(.+?)" does not exist`)

// unheld tells whether an error is of what the archive's table of contents, which is all there, does not name.
func (l *load) unheld(what string) bool {
	m := gone().FindStringSubmatch(what)
	return m != nil && !slices.ContainsFunc(l.archive.Entries, func(e pgdump.Entry) bool {
		return e.Tag == m[2] || e.Namespace == m[2] || name(e) == m[2]
	})
}

// needSchema makes a schema that a dump of tables alone names and does not hold.
func (s *server) needSchema(ctx context.Context, encoding, name string) error {
	conn, err := s.inside(ctx, encoding)
	if err != nil {
		return err
	}
	if _, err := texts(ctx, conn, "create schema if not exists "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make schema %s: %w", name, err)
	}
	s.noteOnce("schema %s was made: the dump names it and does not hold it (pg_dump -t): it holds a part of a database",
		strings.ToValidUTF8(name, "?"))
	return nil
}

// makeExtensions makes those that the scenario gives.
func (s *server) makeExtensions(ctx context.Context) error {
	if len(s.set.Extensions) == 0 {
		return nil
	}
	if err := s.hasExtensions(ctx, s.set.Extensions...); err != nil {
		return err
	}
	conn, err := s.inside(ctx, "")
	if err != nil {
		return err
	}
	for _, name := range s.set.Extensions {
		_, err := texts(ctx, conn, "set search_path = public; create extension if not exists "+pgx.Identifier{name}.Sanitize()+
			" cascade; set search_path = pg_catalog")
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
			return &restore.ImageError{Backup: s.source.Backup, Reason: fmt.Sprintf("extension %s cannot be made: %s", name,
				pg.Message)}
		}
		if err != nil {
			return fmt.Errorf("make extension %s: %w", name, err)
		}
		s.noteOnce("extension %s was made before the load, as the scenario says", name)
	}
	return nil
}

// knows tells whether the server has a setting.
func (s *server) knows(ctx context.Context, setting string) (bool, error) {
	if s.settings == nil {
		var err error
		if s.settings, err = s.names(ctx, "select name from pg_settings"); err != nil {
			return false, fmt.Errorf("ask %s for its settings: %w", s.machine.Name(), err)
		}
	}
	return s.settings[setting], nil
}

// raise makes a role a superuser while the load runs. Providers let roles own what PostgreSQL gives to superusers alone,
// and owning it asks for no right later.
func (s *server) raise(ctx context.Context, role, what string) error {
	if strings.HasPrefix(role, "pg_") { // the server's own, which nobody changes
		return nil
	}
	rows, err := texts(ctx, s.conn, "select rolsuper::text from pg_roles where rolname = "+literal(role))
	if err != nil {
		return fmt.Errorf("look at role %s: %w", role, err)
	}
	if len(rows) != 1 || rows[0][0] == "true" || slices.Contains(s.raised, role) {
		return nil
	}
	if _, err := texts(ctx, s.conn, "alter role "+pgx.Identifier{role}.Sanitize()+" superuser"); err != nil {
		return fmt.Errorf("make role %s a superuser: %w", role, err)
	}
	s.raised = append(s.raised, role)
	s.noteOnce("role %s was a superuser while the load ran: it owns %s, which only a superuser may own (restore.roles: {%s: "+
		"{superuser: true}} keeps it one)", role, what, role)
	return nil
}

// lower takes back what raise gave.
func (s *server) lower(ctx context.Context) error {
	for _, role := range s.raised {
		if s.set.Roles[role].Superuser {
			continue
		}
		if _, err := texts(ctx, s.conn, "alter role "+pgx.Identifier{role}.Sanitize()+" nosuperuser"); err != nil {
			return fmt.Errorf("take the superuser's rights from role %s: %w", role, err)
		}
	}
	s.raised = nil
	return nil
}

// afterwards puts right what the load needed for itself.
func (l *load) afterwards(ctx context.Context) error {
	if err := l.server.lower(ctx); err != nil {
		return err
	}
	if len(l.later) > 0 {
		if err := l.speak(ctx, l.server.conn, l.encoding); err != nil {
			return err
		}
	}
	for _, s := range l.later {
		if err := l.global(ctx, s); err != nil {
			return err
		}
	}
	if !l.globals {
		return nil
	}
	return l.server.makeGivenRoles(ctx) // what the scenario says of a role holds
}

// notePublic is for a dump that makes the schema public: pg_dump of whole databases knows that it is there.
func (l *load) notePublic() {
	l.left.part = true
	l.noteOnce("it makes the schema public, which every database has: it holds schemas of a database and not all of it " +
		"(pg_dump -n), so no extensions, no grants on the database and no large objects")
}

func (l *load) noteNoRows() {
	l.noteOnce("it holds no row of any table (pg_dump --schema-only): that it could be restored says nothing of data")
}
