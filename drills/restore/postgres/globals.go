package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// rolesFrom restores the roles of another backup: pg_dump of one database holds neither them, nor their passwords, nor
// which of them are members of which.
func (l *load) rolesFrom(ctx context.Context) error {
	name := l.set.RolesFrom
	if name == "" {
		return nil
	}
	if l.source.Beside == nil {
		return fmt.Errorf("read %s for its roles: nobody gives it", name)
	}
	source, err := l.source.Beside(name)
	if err != nil {
		return fmt.Errorf("read %s for its roles: %w", name, err)
	}
	stream, err := source.Open(ctx)
	if err != nil {
		return dump.Classify(name, err)
	}
	in := dump.Open(ctx, stream)
	err = l.readRoles(ctx, name, in)
	if err != nil && ctx.Err() == nil && source.Point.Digest.Given() {
		if mismatch := in.Mismatch(); mismatch != nil {
			err = &restore.BackupError{Backup: name, Reason: dump.WithCause(mismatch, err)}
		}
	}
	if e := in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", name, e)
	}
	if err != nil {
		return fmt.Errorf("its roles are taken from %s: %w", name, ofBackup(name, dump.Classify(name, err)))
	}
	l.beside = map[string]restore.Outcome{name: {Digest: stream.Digest(), Bytes: stream.Bytes()}}
	l.Note("its roles, their passwords and memberships are those of %s %s", name, source.Point.ID)
	return nil
}

// ofBackup lets an error speak of the backup whose statements failed.
func ofBackup(name string, err error) error {
	if bad, ok := errors.AsType[*restore.BackupError](err); ok {
		return &restore.BackupError{Backup: name, Reason: bad.Reason}
	}
	return err
}

// readRoles makes the roles of a dump of pg_dumpall, and reads what else it holds to its end.
func (l *load) readRoles(ctx context.Context, name string, in *dump.Input) error {
	format, err := detect(in)
	if err != nil {
		return err
	}
	dump := pgdump.NewPlain()
	roles := 0
	dump.OnStatement = func(s pgdump.Statement) error {
		if len(dump.Entries) > 0 || l.leavesOut(s) {
			return nil
		}
		if key, value := s.Setting(); key == "client_encoding" {
			return l.speak(ctx, l.server.conn, value)
		}
		if kind, _ := s.Global(); kind == pgdump.MakesRole {
			roles++
		}
		if s.OfServer() {
			return l.global(ctx, s)
		}
		return nil
	}
	if format == formatPlain {
		err = readLines(in, dump)
	}
	switch {
	case err != nil:
		return err
	case !dump.Cluster || roles == 0:
		return &restore.LackError{Backup: name, Lack: record.LackRoles, What: "it holds no roles"}
	}
	if err := l.speak(ctx, l.server.conn, ""); err != nil {
		return err
	}
	return in.Finish()
}

// global does what a dump of pg_dumpall says of roles, in a session of its own: a server's messages must not repeat
// passwords, and roles that are there already are no error.
func (l *load) global(ctx context.Context, s pgdump.Statement) error {
	kind, role := s.Global()
	server := l.server
	switch {
	case kind == pgdump.MakesRole && server.known[role]:
		l.globals = true
		return nil
	case kind == pgdump.ChangesRole && role == server.conn.Config().User:
		l.noteOnce("role %s is lifeboat's own here: its password and settings are the instance's, and not those of the dump",
			role)
		return nil
	}
	l.globals = true
	_, err := texts(ctx, server.conn, s.Text)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && kind == pgdump.Membership {
		// Who granted it may be nobody here, and options may be those of another version.
		group, member, admin := s.Grant()
		again := "grant " + pgx.Identifier{group}.Sanitize() + " to " + pgx.Identifier{member}.Sanitize()
		if admin {
			again += " with admin option"
		}
		_, err = texts(ctx, server.conn, again)
		if strings.HasPrefix(group, "pg_") && errors.As(err, &pg) && pg.Code == "42704" { // the server itself makes such roles
			l.noteOnce("role %s is no member of %s here: PostgreSQL %s has no such role", member, group, server.version)
			return nil
		}
	}
	if errors.As(err, &pg) {
		if kind == pgdump.Parameter && strings.HasPrefix(pg.Code, "42") { // of an extension that is not loaded here
			l.noteOnce("a grant on a parameter was left out: %s", pg.Message)
			return nil
		}
		return l.blame("the server", trouble{code: pg.Code, text: fmt.Sprintf("%s (role %s)", pg.Message, role)})
	}
	if err != nil {
		return fmt.Errorf("make role %s: %w", role, err)
	}
	if kind == pgdump.MakesRole {
		server.known[role] = true
	}
	return nil
}
