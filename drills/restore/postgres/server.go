package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"lifeboat/drills/restore"
)

// server is a session for what is made before the load.
type server struct {
	*load
	conn  *pgx.Conn
	known map[string]bool // roles that are there
	host  string          // that programs in the machine find it at

	version string // such as 15.4
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
		s.known, err = s.names(ctx, "select rolname::text from pg_roles")
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
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	names := map[string]bool{}
	for _, n := range list {
		names[n] = true
	}
	return names, err
}

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
	return nil
}

func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// needRoles makes roles that the dump names; they cannot log in.
func (s *server) needRoles(ctx context.Context, names ...string) error {
	for _, name := range names {
		if s.known[name] || !s.set.CreateRoles || strings.HasPrefix(name, "pg_") {
			continue // names with pg_ belong to the server
		}
		if _, err := s.conn.Exec(ctx, "create role "+pgx.Identifier{name}.Sanitize()+" nologin"); err != nil {
			return fmt.Errorf("make role %s: %w", name, err)
		}
		s.known[name] = true
		s.note("role %s was made without login: the dump names it and does not hold it", name)
	}
	return nil
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
	for _, name := range names {
		if !here[name] {
			return &restore.ImageError{Backup: s.source.Backup, Reason: fmt.Sprintf("extension %s is not available", name)}
		}
	}
	return nil
}
