package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// target is a database that a dump is loaded into: one, or each of those of pg_dumpall.
type target struct {
	own      string   // what the dump calls it; "": it does not say
	final    string   // the name that it takes
	loading  string   // its name while it is loaded; "": it is not made yet
	encoding string   // of the dump's text
	about    []string // what the dump says of the database itself; it names it own, and holds once that is its name
	filled   bool     // the dump has objects for it
}

// serverOwn are the databases that every server has.
var serverOwn = []string{"postgres", "template0", "template1"}

// loadingSuffix of a database's name while it is loaded. During a rollback the application
// still runs: it would write into half-restored tables, or make the restore itself fail.
const loadingSuffix = "_being_restored"

const longestName = 63 // bytes of an identifier of PostgreSQL

// whileLoading is the name under which a database is loaded: its own where nobody can use it yet, since there are
// extensions and views that are right in a database of that name only.
func (l *load) whileLoading(final string) string {
	if l.source.Unused && !slices.Contains(serverOwn, final) {
		return final
	}
	return final[:min(len(final), longestName-len(loadingSuffix))] + loadingSuffix
}

// called finds a target by the dump's name for it.
func (l *load) called(own string) *target {
	for _, t := range l.targets {
		if t.own == own {
			return t
		}
	}
	return nil
}

// holds names the databases of the dump, besides the server's own.
func (l *load) holds() (all []string) {
	for _, t := range l.targets {
		if !slices.Contains(serverOwn, t.own) {
			all = append(all, t.own)
		}
	}
	if len(all) == 0 {
		return []string{"no database but the server's own"}
	}
	return all
}

// finalName is the name that a database of the dump takes here.
func (l *load) finalName(own string, cluster bool) string {
	switch {
	case cluster:
		return own
	case l.set.Database != "":
		return l.set.Database
	case slices.Contains(serverOwn, own):
		l.Note("the dump is of the server's own database %s: it is loaded as %s", own, l.database)
		return l.database
	}
	return cmp.Or(own, l.database)
}

// enter makes a target the one that what follows goes to.
func (l *load) enter(ctx context.Context, t *target) {
	l.server.leave(ctx)
	l.at, l.database, l.loading = t, t.final, t.loading
}

// makeDatabase drops what a former load left, and makes an empty database as the dump describes it: create is its
// CREATE DATABASE, "" where there is none; encoding is what to take then, "" for UTF8.
func (s *server) makeDatabase(ctx context.Context, t *target, create, encoding string) error {
	if err := s.vacant(ctx, t.final); err != nil {
		return err
	}
	t.loading = s.whileLoading(t.final)
	if err := s.dropDatabase(ctx, t.loading); err != nil {
		return err
	}
	begin := "create database " + pgx.Identifier{t.loading}.Sanitize() + " template template0"
	var refused *pgconn.PgError
	if create != "" {
		text, owner, tablespace := pgdump.Parse(create).DatabaseOptions()
		if owner != "" {
			t.about = append([]string{"alter database " + pgx.Identifier{t.own}.Sanitize() + " owner to " +
				pgx.Identifier{owner}.Sanitize()}, t.about...)
		}
		if tablespace != "" && tablespace != "pg_default" {
			s.noteTablespace(tablespace)
		}
		_, err := s.conn.Exec(ctx, begin+" "+text)
		if err == nil || !errors.As(err, &refused) {
			return s.madeIt(err, t)
		}
		switch refused.Code {
		case "22023", "42809", "42601", "0A000", "42704", "58P01": // a locale, or a way to give it, that is not here
		default:
			return s.madeIt(err, t)
		}
	}
	if encoding != "" && encoding != "UTF8" {
		begin += " encoding " + literal(encoding) + " locale 'C'"
	}
	_, err := s.conn.Exec(ctx, begin)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "22023" && encoding != "" {
		return &dump.Damage{Reason: fmt.Sprintf("its encoding %q is unknown to the server", encoding)}
	}
	if err == nil && refused != nil {
		err = s.noteLocale(ctx, t, refused.Message)
	}
	return s.madeIt(err, t)
}

func (s *server) madeIt(err error, t *target) error {
	if err != nil {
		return fmt.Errorf("make database %s: %w", t.final, err)
	}
	return nil
}

// noteLocale tells when text sorts here in another order than it did.
func (s *server) noteLocale(ctx context.Context, t *target, why string) error {
	var is string
	err := s.conn.QueryRow(ctx, "select datcollate from pg_database where datname = "+literal(t.loading)).Scan(&is)
	if err == nil {
		s.Note("text of database %s sorts by %s here, and not as it did: %s (take an image with that locale)", t.final, is,
			why)
	}
	return err
}

// noteTablespace tells that what lay elsewhere lies in the default tablespace here.
func (l *load) noteTablespace(name string) {
	l.noteOnce("what lay in tablespace %s lies in the default one here", name)
}

// release gives each database that was loaded its name, in the place of one that is there, and restores what the dump
// says of it.
func (l *load) release(ctx context.Context) error {
	for _, t := range l.targets {
		err := l.rename(ctx, t)
		if err == nil {
			err = l.describe(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *load) rename(ctx context.Context, t *target) error {
	if t.loading == "" || t.loading == t.final {
		return nil
	}
	ofServer := slices.Contains(serverOwn, t.final)
	if ofServer && !t.filled { // there is nothing in it: the server's own stays
		if err := l.server.dropDatabase(ctx, t.loading); err != nil {
			return err
		}
		t.loading = t.final
		return nil
	}
	s := l.server
	if ofServer { // nobody takes the place of the database that he is connected to
		other := serverOwn[0]
		if t.final == other {
			other = "template1"
		}
		conn, err := l.connect(ctx, l.machine, other)
		if err != nil {
			return fmt.Errorf("connect to database %s on %s: %w", other, l.machine.Name(), err)
		}
		defer hangUp(ctx, conn)
		s = &server{load: l, conn: conn}
	}
	final, loading := pgx.Identifier{t.final}.Sanitize(), pgx.Identifier{t.loading}.Sanitize()
	if err := s.dropDatabase(ctx, t.final); err != nil {
		return err
	}
	err := s.unused(ctx, t.loading, "alter database "+loading+" rename to "+final)
	if err == nil && t.final == "template1" { // or nobody but its owner could copy it
		_, err = s.conn.Exec(ctx, "alter database template1 is_template true")
	}
	if err != nil {
		return fmt.Errorf("name database %s: %w", t.final, err)
	}
	t.loading = t.final
	return l.refresh(ctx, t)
}

// refresh makes materialised views anew that tell the name of their database: they were filled under another one.
func (l *load) refresh(ctx context.Context, t *target) error {
	conn, err := l.connect(ctx, l.machine, t.final)
	if err != nil {
		return fmt.Errorf("connect to database %s on %s: %w", t.final, l.machine.Name(), err)
	}
	defer hangUp(ctx, conn)
	views, err := namesIn(ctx, conn, `select c.oid::regclass::text from pg_class c where relkind = 'm' and relispopulated
		and pg_get_viewdef(c.oid) ~* 'current_(database|catalog)'`)
	for view := range views {
		if err == nil {
			_, err = texts(ctx, conn, "refresh materialized view "+view)
		}
	}
	if err != nil {
		return fmt.Errorf("refresh what tells the name of database %s: %w", t.final, err)
	}
	return nil
}

// describe restores what a dump says of a database itself: its owner, settings, grants and comment.
func (l *load) describe(ctx context.Context, t *target) error {
	about := t.about
	if t.own != "" && t.own != t.final {
		about = nil
		for _, s := range t.about {
			if owner := pgdump.Parse(s).DatabaseOwner(); owner != "" {
				about = []string{"alter database " + pgx.Identifier{t.final}.Sanitize() + " owner to " +
					pgx.Identifier{owner}.Sanitize()}
				continue
			}
			l.noteOnce("settings and grants of the database itself were not restored: it was %s and is %s here", t.own, t.final)
		}
	}
	if len(about) == 0 {
		return nil
	}
	conn, err := l.connect(ctx, l.machine, t.final)
	if err != nil {
		return fmt.Errorf("connect to database %s on %s: %w", t.final, l.machine.Name(), err)
	}
	defer hangUp(ctx, conn)
	if err := l.speak(ctx, conn, t.encoding); err != nil {
		return err
	}
	for _, statement := range about {
		_, err := texts(ctx, conn, statement)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
			return l.blame("the server", trouble{code: pg.Code, text: fmt.Sprintf("%s (%s)", pg.Message,
				pgdump.Parse(statement).Brief())})
		}
		if err != nil {
			return fmt.Errorf("restore the settings of database %s: %w", t.final, err)
		}
	}
	return nil
}
