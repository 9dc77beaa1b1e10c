// Package postgres asks PostgreSQL servers.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/verifier/database"
)

// Dialect is PostgreSQL's.
type Dialect struct{}

var _ database.Dialect = Dialect{}

// Defaults are those of every PostgreSQL.
func (Dialect) Defaults() (port int, user string) { return 5432, "postgres" }

// Home is the database of the user's name.
func (Dialect) Home(user string) string { return user }

// Newest asks for the newest time; see database.Dialect.
func (Dialect) Newest(ctx context.Context, q database.Session, table, columnOrQuery string, until time.Time) (database.Table, error) {
	return database.Read(ctx, q, newest(table, columnOrQuery, until))
}

func newest(table, columnOrQuery string, until time.Time) string {
	from := within(columnOrQuery)
	if table != "" {
		from = "(select " + quote(columnOrQuery) + " from " + table + ")"
	}
	const utc = ` at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
	past := "null"
	if !until.IsZero() {
		past = "to_char(max(v::timestamptz) filter (where v::timestamptz <=" +
			literal(until.UTC().Format(time.RFC3339)) + ")" + utc
	}
	return "select to_char(max(v::timestamptz)" + utc + ", max(pg_typeof(v)::text), " + past +
		" from " + from + " as newest(v)"
}

// Silent is a server that was reached and did not answer in time, or that gave the statement up because of it
// (query_canceled).
func (Dialect) Silent(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errSilent) || errors.As(err, &pg) && pg.Code == "57014"
}

// Hint explains a right that is missing (insufficient_privilege).
func (Dialect) Hint(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return "rights by membership are not in a dump of one database: restore.roles_from or member_of give them"
	}
	return ""
}

// server is whom to ask.
type server struct{ database.Server }

// SQLSTATE codes of questions that no server could answer.
var asked = []string{
	"42601", // syntax_error, several statements among it
	"25006", // read_only_sql_transaction: it writes
	"25P02", // in_failed_sql_transaction
	"42P10", // invalid_column_reference: the wrong number of columns
	"42846", // cannot_coerce
	"42804", // datatype_mismatch
	"0A000", // feature_not_supported
	"22023", // invalid_parameter_value: no such time zone
}

// patience is for a server that says itself that a statement took too long.
const patience = 2 * time.Second

// goodbye is not waited for long: the answer is there already.
func goodbye(ctx context.Context, c *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = c.Close(ctx)
}

func (s server) connect(ctx context.Context) (*pgconn.PgConn, error) {
	// Every setting that libpq would look up elsewhere is given here.
	cfg, err := pgconn.ParseConfig("host=server port=5432 user=lifeboat password=x dbname=postgres sslmode=allow " +
		"sslcert='' sslkey='' sslrootcert='' passfile='' target_session_attrs=any connect_timeout=0")
	if err != nil {
		return nil, fmt.Errorf("set up the connection: %w", err)
	}
	var failed error
	reached := false // a second connection, with TLS, may follow one that stood
	cfg.User, cfg.Password, cfg.Database = s.User, s.Password, s.Database
	// Questions are UTF8, whatever the database is, and so are answers then.
	// No limit of a database or a role ends the statement that sets our own.
	cfg.RuntimeParams = map[string]string{"application_name": "lifeboat", "client_encoding": "UTF8", "statement_timeout": "0"}
	cfg.KerberosSrvName, cfg.KerberosSpn = "", ""
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.Dial(ctx)
		failed, reached = err, reached || err == nil
		return conn, err
	}
	c, err := pgconn.ConnectConfig(ctx, cfg)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "08P01" { // a pooler in between, which refuses settings that it does not know
		delete(cfg.RuntimeParams, "statement_timeout")
		c, err = pgconn.ConnectConfig(ctx, cfg)
	}
	if errors.As(err, &pg) && pg.Code == "0A000" { // no conversion to UTF8, from MULE_INTERNAL: bytes as they are
		cfg.RuntimeParams["client_encoding"] = "SQL_ASCII"
		c, err = pgconn.ConnectConfig(ctx, cfg)
	}
	switch {
	case err == nil:
		return c, nil
	case failed != nil && !reached:
		return nil, &database.DialError{Err: failed}
	}
	return nil, fmt.Errorf("open a session: %w", cause(err))
}

// errSilent is a server that was reached and gave no answer in the time that a question has.
var errSilent = errors.New("no answer in time")

// cause is the server's own words where it spoke, without the address that was never used.
func cause(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		return pg
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	}
	return err
}

func tell(columns func([]string), fields []pgconn.FieldDescription) {
	if columns == nil {
		return
	}
	var all []string
	for _, f := range fields {
		all = append(all, f.Name)
	}
	columns(all)
}

func classify(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, code := range asked {
			if pg.Code == code {
				return &database.QueryError{Err: err}
			}
		}
	}
	return err
}

// quote quotes a name.
func quote(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// literal quotes a text.
func literal(text string) string {
	return " '" + strings.ReplaceAll(strings.NewReplacer("\x00", "", `\`, "").Replace(text), "'", "''") + "'"
}

// within makes a query fit to stand in brackets.
func within(query string) string { return "(" + strings.TrimRight(query, "; \t\r\n") + "\n)" }
