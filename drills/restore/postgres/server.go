package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/restore"
)

// server is a session for what is made before the load.
type server struct {
	*load
	conn  *pgx.Conn
	known map[string]bool // roles that are there
	host  string          // that programs in the machine find it at

	version  string          // such as 15.4
	settings map[string]bool // that it knows, once they were asked for
	raised   []string        // roles that are superusers while the load runs
	within   *pgx.Conn       // a session in the database that is loaded, once one was needed
}

// reach opens the session of a load.
func (l *load) reach(ctx context.Context) (*server, error) {
	conn, err := l.connect(ctx, l.machine, "postgres")
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", l.machine.Name(), err)
	}
	s := &server{load: l, conn: conn, version: conn.PgConn().ParameterStatus("server_version")}
	// Passwords of roles must not get into the console by way of the server's log.
	_, err = conn.Exec(ctx,
		`set log_statement = 'none'; set log_min_error_statement = 'panic';
		set log_min_duration_statement = -1`)
	if err == nil {
		s.known, err = s.names(ctx, roles)
	}
	if err == nil {
		s.host, err = s.socket(ctx)
	}
	if err != nil {
		hangUp(ctx, conn)
		return nil, fmt.Errorf("look at the server on %s: %w", l.machine.Name(), err)
	}
	return s, nil
}

func (s *server) names(ctx context.Context, query string) (map[string]bool, error) {
	return namesIn(ctx, s.conn, query)
}

func namesIn(ctx context.Context, conn *pgx.Conn, query string) (map[string]bool, error) {
	rows, err := texts(ctx, conn, query)
	names := map[string]bool{}
	for _, row := range rows {
		names[row[0]] = true
	}
	return names, err
}

const roles = "select rolname::text from pg_roles"

// socket is where programs of the machine reach the server fastest: its unix socket, if any
// user of the machine may use it with a password or without, else TCP.
func (s *server) socket(ctx context.Context) (string, error) {
	const loopback = "127.0.0.1"
	// The first rule that fits is the one that counts; a rule for one database says nothing about ours.
	const query = `select coalesce((select auth_method from pg_hba_file_rules where type = 'local'
		and 'all' = any (database) and user_name && array['all', current_user::text]
		order by line_number limit 1), ''),
		current_setting('unix_socket_directories'), current_setting('unix_socket_permissions')`
	var method, folders, mode string
	if err := s.conn.QueryRow(ctx, query).Scan(&method, &folders, &mode); err != nil {
		return "", err
	}
	folder, _, _ := strings.Cut(folders, ",")
	byPassword := slices.Contains([]string{"trust", "scram-sha-256", "md5", "password"}, method)
	if !byPassword || mode != "0777" || !strings.HasPrefix(folder, "/") {
		return loopback, nil
	}
	return strings.TrimSpace(folder), nil
}

// makeGivenRoles makes those that the scenario gives, with their passwords.
func (s *server) makeGivenRoles(ctx context.Context) error {
	given := make([]string, 0, len(s.set.Roles))
	for name := range s.set.Roles {
		given = append(given, name)
	}
	slices.Sort(given)
	for _, name := range given {
		role := s.set.Roles[name]
		password, err := role.Password.Reveal()
		if err != nil {
			return fmt.Errorf("make role %s: %w", name, err)
		}
		verb, options := "create", " login"
		if s.known[name] {
			verb = "alter"
		}
		if role.Superuser {
			options += " superuser"
		}
		if password != "" {
			options += " password " + literal(password)
		}
		if _, err := s.conn.Exec(ctx, verb+" role "+pgx.Identifier{name}.Sanitize()+options); err != nil {
			return fmt.Errorf("make role %s: %w", name, err)
		}
		s.known[name] = true
	}
	for _, name := range given {
		for _, group := range s.set.Roles[name].MemberOf {
			if err := s.needRoles(ctx, "", group); err != nil {
				return err
			}
			join := "grant " + pgx.Identifier{group}.Sanitize() + " to " + pgx.Identifier{name}.Sanitize()
			if _, err := s.conn.Exec(ctx, join); err != nil {
				return fmt.Errorf("make role %s a member of %s: %w", name, group, err)
			}
		}
	}
	return nil
}

func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// needRoles makes roles that the dump names; they cannot log in. Roles are shared by all databases, and their
// names are kept in the bytes of whichever database they were made from: so they are made from the one that needs
// them, where it is there.
func (s *server) needRoles(ctx context.Context, encoding string, names ...string) error {
	for _, name := range names {
		if s.known[name] || !s.set.CreateRoles || strings.HasPrefix(name, "pg_") {
			continue // names with pg_ belong to the server
		}
		conn, err := s.inside(ctx, encoding)
		if err != nil {
			return err
		}
		s.known[name] = true
		var pg *pgconn.PgError
		_, err = texts(ctx, conn, "create role "+pgx.Identifier{name}.Sanitize()+" nologin")
		switch {
		case errors.As(err, &pg) && pg.Code == "42710": // it is there, and looks different from here
		case err != nil:
			return fmt.Errorf("make role %s: %w", name, err)
		default:
			s.Note("role %s was made without login: the dump names it and does not hold it", strings.ToValidUTF8(name, "?"))
		}
	}
	return nil
}

// inside is a session in the database that is loaded, in the bytes of the dump; in the server's own one, where
// the dump makes its database itself.
func (s *server) inside(ctx context.Context, encoding string) (*pgx.Conn, error) {
	conn := s.conn
	if s.at != nil {
		if s.within == nil {
			var err error
			if s.within, err = s.connect(ctx, s.machine, s.loading); err != nil {
				return nil, fmt.Errorf("connect to database %s on %s: %w", s.loading, s.machine.Name(), err)
			}
		}
		conn = s.within
	}
	return conn, s.speak(ctx, conn, encoding)
}

// leave ends the session in the database that is loaded.
func (s *server) leave(ctx context.Context) {
	if s.within != nil {
		hangUp(ctx, s.within)
		s.within = nil
	}
}

// hasExtensions asks before the load: the image's lack is not the backup's fault.
func (s *server) hasExtensions(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	here, err := s.names(ctx, "select name::text from pg_available_extensions")
	if err != nil {
		return fmt.Errorf("look for extensions on %s: %w", s.machine.Name(), err)
	}
	var lacks []string
	for _, name := range names {
		if !here[name] {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) > 0 {
		return &restore.ImageError{Backup: s.source.Backup, Reason: fmt.Sprintf("extension %s is not available (take an image "+
			"that has it; where only a provider has it and the business does without: restore.leave_out: {extensions: [%[1]s]})",
			strings.Join(lacks, ", "))}
	}
	return nil
}
