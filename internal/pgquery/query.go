// Package pgquery asks a PostgreSQL server one question at a time, read-only
// and with a limit of time, over a connection that somebody else dials.
package pgquery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Server is whom to ask. Nothing is taken from this host's environment or files.
type Server struct {
	Dial     func(ctx context.Context) (net.Conn, error)
	User     string
	Password string
	Database string
	TimeZone string        // of values without one; default UTC
	Path     []string      // schemas in which unqualified names are looked for; nil: see Session.Table and Session.Look
	Timeout  time.Duration // of the whole question
}

// DialError says that no connection to the server's port came about.
type DialError struct{ Err error }

func (e *DialError) Error() string { return "connect: " + e.Err.Error() }
func (e *DialError) Unwrap() error { return e.Err }

// QueryError says that the question itself is wrong: it was written for the
// drill, so the server is not to blame.
type QueryError struct{ Err error }

func (e *QueryError) Error() string { return e.Err.Error() }
func (e *QueryError) Unwrap() error { return e.Err }

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

// DoubtError says that a question was not asked, since its answer could not have been believed: the database is
// not what the question takes it for. It says nothing about its content.
type DoubtError struct{ Reason string }

func (e *DoubtError) Error() string { return e.Reason }

// patience is for a server that says itself that a statement took too long.
const patience = 2 * time.Second

// goodbye is not waited for long: the answer is there already.
func goodbye(ctx context.Context, c *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = c.Close(ctx)
}

func (s Server) connect(ctx context.Context) (*pgconn.PgConn, error) {
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
	cfg.RuntimeParams = map[string]string{"application_name": "lifeboat", "client_encoding": "UTF8"}
	cfg.KerberosSrvName, cfg.KerberosSpn = "", ""
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.Dial(ctx)
		failed, reached = err, reached || err == nil
		return conn, err
	}
	c, err := pgconn.ConnectConfig(ctx, cfg)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "0A000" { // no conversion to UTF8, from MULE_INTERNAL: bytes as they are
		cfg.RuntimeParams["client_encoding"] = "SQL_ASCII"
		c, err = pgconn.ConnectConfig(ctx, cfg)
	}
	switch {
	case err == nil:
		return c, nil
	case failed != nil && !reached:
		return nil, &DialError{Err: failed}
	}
	return nil, fmt.Errorf("open a session: %w", cause(err))
}

// errSilent is a server that was reached and gave no answer in the time that a question has.
var errSilent = errors.New("no answer in time")

// Silent tells whether nothing is wrong with an error's question but the time: there was no answer within its limit, or
// the server gave the statement up because of it (query_canceled).
func Silent(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errSilent) || errors.As(err, &pg) && pg.Code == "57014"
}

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
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		for _, code := range asked {
			if pg.Code == code {
				return &QueryError{Err: err}
			}
		}
	}
	return err
}

// shortest password that is looked for in messages: shorter ones are words.
const shortest = 4

// hide keeps a password out of a message, whoever put it there.
func (s Server) hide(err error) error {
	var dial *DialError
	if err == nil || errors.As(err, &dial) || err.Error() == s.Hide(err.Error()) {
		return err
	}
	text := errors.New(s.Hide(err.Error()))
	var query *QueryError
	var doubt *DoubtError
	switch {
	case errors.As(err, &query):
		return &QueryError{Err: text}
	case errors.As(err, &doubt):
		return &DoubtError{Reason: text.Error()}
	}
	return text
}

// Hide replaces the password in a text.
func (s Server) Hide(text string) string {
	if len(s.Password) < shortest {
		return text
	}
	return strings.ReplaceAll(text, s.Password, "***")
}
