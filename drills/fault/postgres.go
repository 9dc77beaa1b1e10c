package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// server is the keys that every fault of a PostgreSQL server has.
type server struct {
	Port      int    `yaml:"port"`      // default 5432
	Superuser string `yaml:"superuser"` // default postgres; asked over the socket, without a password
	OSUser    string `yaml:"os_user"`   // who owns the data directory; default postgres
}

func (s *server) defaults() {
	s.Port = cmp.Or(s.Port, 5432)
	s.Superuser = cmp.Or(s.Superuser, "postgres")
	s.OSUser = cmp.Or(s.OSUser, "postgres")
}

// sh runs a line of shell in the machine and returns what it printed. The data
// directory is $PGDATA of the machine's own environment.
func sh(ctx context.Context, m instance.Machine, user, script string, args ...string) (string, error) {
	res, err := m.Exec(ctx, shell(user, script, args...))
	if err != nil {
		return "", err
	}
	if res.Exit != 0 {
		return "", fmt.Errorf("exit code %d: %s", res.Exit, strings.TrimSpace(res.Stderr+res.Stdout))
	}
	return res.Stdout, nil
}

func shell(user, script string, args ...string) instance.Command {
	return instance.Command{User: user, Args: append([]string{"sh", "-ec", script, "sh"}, args...)}
}

// client is psql as the superuser, over the socket.
func (s server) client(database string, extra ...string) instance.Command {
	return instance.Command{User: s.OSUser, Args: append([]string{"psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", s.Superuser,
		"-d", "dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "' application_name=" + ourName}, extra...)}
}

// asked gives statements to a client, and returns what it printed.
func asked(ctx context.Context, m instance.Machine, c instance.Command, statements string) (string, error) {
	c.Stdin = strings.NewReader(statements)
	res, err := m.Exec(ctx, c)
	if err != nil {
		return "", err
	}
	if res.Exit != 0 {
		return "", errors.New(strings.TrimSpace(res.Stderr))
	}
	return strings.TrimSpace(res.Stdout), nil
}

// restart is what an upgrade does to the server: stop it, start it.
func restart(ctx context.Context, m instance.Machine) error {
	if err := m.Stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", m.Name(), err)
	}
	if err := m.Start(ctx); err != nil && !errors.As(err, new(*instance.BootError)) { // that it does not come up may be the fault
		return fmt.Errorf("start %s: %w", m.Name(), err)
	}
	return nil
}

// isPostgres says in a sentence why a machine holds no PostgreSQL data directory.
func isPostgres(ctx context.Context, m instance.Machine) error {
	if _, err := sh(ctx, m, "", `test -s "${PGDATA:?is not set}/PG_VERSION"`); err != nil {
		return fmt.Errorf("%s holds no PostgreSQL data directory in $PGDATA: %w", m.Name(), err)
	}
	return nil
}

// serverFile is a fault that changes a file of the data directory and restarts the server.
type serverFile struct {
	server
	file   string // below $PGDATA
	change string // a line of shell; $1 is the file, $2 the setting
	value  string
	moved  int // the port that the server listens at instead; 0: none
}

// Available implements Fault.
func (f *serverFile) Available(ctx context.Context, t Target) error {
	return isPostgres(ctx, t.Machine)
}

// Prepare keeps the file's content as base64, so that the undo needs nothing but itself.
func (f *serverFile) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	old, err := sh(ctx, t.Machine, "", `base64 -w0 "$PGDATA/$1"`, f.file)
	if err != nil {
		return ledger.Undo{}, fmt.Errorf("read %s: %w", f.file, err)
	}
	return instance.UndoCommand(t.Machine, shell(f.OSUser, `printf %s "$2" | base64 -d > "$PGDATA/$1"`,
		f.file, strings.TrimSpace(old)))
}

// Inject implements Fault.
func (f *serverFile) Inject(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, f.OSUser, f.change, f.file, f.value); err != nil {
		return fmt.Errorf("change %s: %w", f.file, err)
	}
	return restart(ctx, t.Machine)
}

// Effective implements Fault.
func (f *serverFile) Effective(ctx context.Context, t Target) error { return bites(f.Lasts(ctx, t)) }

// Lasts implements Lasting.
func (f *serverFile) Lasts(ctx context.Context, t Target) error {
	if f.moved == 0 {
		return f.unreachable(ctx, t.Machine)
	}
	refused, err := f.greet(ctx, t.Machine)
	switch {
	case bites(err) != nil:
		return err
	case err != nil || !refused:
		return instance.NotInForce("%s still listens at port %d", t.Machine.Name(), f.Port)
	}
	elsewhere := f.server
	elsewhere.Port = f.moved
	refused, err = elsewhere.greet(ctx, t.Machine)
	switch {
	case refused && err == nil: // it may be down, or not up yet
		return fmt.Errorf("%s listens neither at port %d nor at port %d", t.Machine.Name(), f.Port, f.moved)
	case errors.As(err, new(*instance.UnaskedError)):
		return err
	}
	return nil // any other answer is one
}

// prependLine keeps the file's owner and mode: it is written over, not replaced.
const prependLine = `{ printf '%s\n' "$2"; cat "$PGDATA/$1"; } > "$PGDATA/$1.new"
cat "$PGDATA/$1.new" > "$PGDATA/$1"
rm "$PGDATA/$1.new"`

const appendLine = `printf '%s\n' "$2" >> "$PGDATA/$1"`

// newDataVersion: the data directory was initialised by another major version, as after an
// upgrade of the packages without pg_upgrade. Key: version (default 14).
func newDataVersion(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
		Version string `yaml:"version"` // that PG_VERSION names; default 14
	}
	problems := s.Decode(&keys)
	keys.Version = cmp.Or(keys.Version, "14")
	keys.defaults()
	return &serverFile{server: keys.server, file: "PG_VERSION", value: keys.Version,
		change: `printf '%s\n' "$2" > "$PGDATA/$1"`}, problems
}

// newPreloadMissing: shared_preload_libraries names a library that the new packages do not
// have. Key: library.
func newPreloadMissing(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
		Library string `yaml:"library"` // that is not there; default one of that kind
	}
	problems := s.Decode(&keys)
	keys.Library = cmp.Or(keys.Library, "pg_monitor_of_the_old_version")
	keys.defaults()
	return &serverFile{server: keys.server, file: "postgresql.auto.conf", change: appendLine,
		value: "shared_preload_libraries = '" + keys.Library + "'"}, problems
}

// newParameterRemoved: the configuration names a parameter that the new version does not know
// any more. Key: parameter (default wal_keep_segments, removed in PostgreSQL 13).
func newParameterRemoved(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
		Parameter string `yaml:"parameter"` // that the server does not know; default wal_keep_segments
	}
	problems := s.Decode(&keys)
	keys.Parameter = cmp.Or(keys.Parameter, "wal_keep_segments")
	keys.defaults()
	return &serverFile{server: keys.server, file: "postgresql.conf", change: appendLine,
		value: keys.Parameter + " = 8"}, problems
}

// newPortMoved: the upgraded server listens at another port. Key: to (default 5433).
func newPortMoved(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
		To int `yaml:"to"` // port that it listens at instead; default 5433
	}
	problems := s.Decode(&keys)
	keys.To = cmp.Or(keys.To, 5433)
	keys.defaults()
	if keys.To == keys.Port || keys.To < 1 || keys.To > 65535 {
		problems = append(problems, s.Problem("to", "such as to: 5433", "port %d is no other port to move to", keys.To))
	}
	return &serverFile{server: keys.server, file: "postgresql.auto.conf", change: appendLine,
		value: fmt.Sprintf("port = %d", keys.To), moved: keys.To}, problems
}

// newHBAReject: the new pg_hba.conf lets nobody in over the network.
func newHBAReject(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
	}
	problems := s.Decode(&keys)
	keys.defaults()
	return &serverFile{server: keys.server, file: "pg_hba.conf", value: "host all all all reject", change: prependLine},
		problems
}

// wrongOwner: the data directory belongs to root after the upgrade, so that the
// server refuses to start.
type wrongOwner struct{ server }

func newWrongOwner(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
	}
	problems := s.Decode(&keys)
	keys.defaults()
	return &wrongOwner{keys.server}, problems
}

// Available implements Fault.
func (f *wrongOwner) Available(ctx context.Context, t Target) error {
	return isPostgres(ctx, t.Machine)
}

// Prepare implements Fault.
func (f *wrongOwner) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	old, err := sh(ctx, t.Machine, "", `stat -c %u:%g "$PGDATA"`)
	if err != nil {
		return ledger.Undo{}, fmt.Errorf("read the owner of the data directory: %w", err)
	}
	return instance.UndoCommand(t.Machine, shell("root", `chown "$1" "$PGDATA"`, strings.TrimSpace(old)))
}

// Inject implements Fault.
func (f *wrongOwner) Inject(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, "root", `chown 0:0 "$PGDATA"`); err != nil {
		return fmt.Errorf("change the owner of the data directory: %w", err)
	}
	return restart(ctx, t.Machine)
}

// Effective implements Fault.
func (f *wrongOwner) Effective(ctx context.Context, t Target) error {
	return bites(f.unreachable(ctx, t.Machine))
}

// Lasts implements Lasting.
func (f *wrongOwner) Lasts(ctx context.Context, t Target) error { return f.unreachable(ctx, t.Machine) }
