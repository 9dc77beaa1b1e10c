// Package mysql asks MariaDB and MySQL servers.
package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	client "github.com/go-sql-driver/mysql"

	"lifeboat/verifier/database"
)

// Dialect is that of MariaDB and MySQL.
type Dialect struct{}

var _ database.Dialect = Dialect{}

// Defaults are those of every server.
func (Dialect) Defaults() (port int, user string) { return 3306, "root" }

// Home is none: whoever names no database uses none.
func (Dialect) Home(string) string { return "" }

// Silent is a server that was reached and did not answer in time, or that gave the statement up because of it.
func (Dialect) Silent(err error) bool {
	n := number(err)
	return errors.Is(err, errSilent) || n == 3024 || n == 1969 || n == 1317
}

// Hint explains a login that is refused.
func (Dialect) Hint(err error) string {
	switch number(err) {
	case 1045, 1044, 1142:
		return "accounts and grants are not in a dump of one database: restore.users gives those that log in"
	case 1449:
		return "a definer is missing"
	}
	return ""
}

// number of a server's error; 0: it is none.
func number(err error) int {
	if no, ok := errors.AsType[*client.MySQLError](err); ok {
		return int(no.Number)
	}
	return 0
}

// asked are the errors of questions that no server could answer.
var asked = map[int]bool{
	1064: true, // syntax
	1792: true, // it writes in a transaction that only reads
	1222: true, // the wrong number of columns
	1298: true, // no such time zone
}

// errSilent is a server that was reached and gave no answer in the time that a question has.
var errSilent = errors.New("no answer in time")

// patience is for a server that says itself that a statement took too long.
const patience = 2 * time.Second

// connect opens a connection over whatever leads to the server.
func connect(ctx context.Context, s database.Server) (conn *sql.Conn, end func(), err error) {
	var failed error
	reached := false
	c := client.NewConfig()
	c.User, c.Passwd, c.DBName, c.Net, c.Addr = s.User, s.Password, s.Database, "tcp", "server"
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.Dial(ctx)
		failed, reached = err, reached || err == nil
		return conn, err
	}
	c.TLSConfig = "preferred" // for a server that insists; the way there is a tunnel either way
	if s.TLS != nil {
		c.TLSConfig, c.TLS = "", s.TLS
	}
	c.Logger = &client.NopLogger{}
	connector, err := client.NewConnector(c)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the connection: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	if conn, err = db.Conn(ctx); err != nil {
		_ = db.Close() // it is not open
		if failed != nil && !reached {
			return nil, nil, &database.DialError{Err: failed}
		}
		return nil, nil, fmt.Errorf("open a session: %w", cause(err))
	}
	return conn, func() { _, _ = conn.Close(), db.Close() }, nil // the answer is there already
}

// cause is the server's own words where it spoke.
func cause(err error) error {
	switch {
	case number(err) != 0:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case errors.Is(err, client.ErrInvalidConn), errors.Is(err, driver.ErrBadConn):
		return errors.New("the server ended the connection")
	}
	return err
}

func classify(err error) error {
	if asked[number(err)] {
		return &database.QueryError{Err: err}
	}
	return err
}

// quote quotes a name.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal quotes a text, in a session whose backslashes escape.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", "").Replace(text) + "'"
}

// System tells whether a database belongs to the server.
func System(name string) bool {
	switch strings.ToLower(name) {
	case "mysql", "information_schema", "performance_schema", "sys", "ndbinfo":
		return true
	}
	return false
}

// Newest asks for the newest time; see database.Dialect. A timestamp is a moment; a datetime is the reading of a clock, which is of the session's zone
// where that is known. What clock that is is reckoned here: not every server has the tables of zones.
func (Dialect) Newest(ctx context.Context, in database.Session, table, columnOrQuery string, until time.Time) (database.Table, error) {
	q, ok := in.(*session)
	if !ok {
		return database.Table{}, fmt.Errorf("ask for the newest row: it is a session of another system")
	}
	from, column := "("+strings.TrimRight(columnOrQuery, "; \t\r\n")+"\n)", "*"
	if table != "" {
		from, column = table, quote(columnOrQuery)
	}
	name, kind, err := q.typeOf(ctx, from, column)
	if err != nil {
		return database.Table{}, err
	}
	zone := time.UTC
	if kind != zoned && q.s.TimeZone != "" {
		if zone, err = time.LoadLocation(q.s.TimeZone); err != nil {
			return database.Table{}, &database.QueryError{Err: err}
		}
	}
	const form = "date_format(%s, '%%Y-%%m-%%dT%%H:%%i:%%s.%%f')"
	past := "null"
	if column = quote(name); !until.IsZero() {
		past = "max(case when " + column + " <= " + literal(until.In(zone).Format("2006-01-02 15:04:05.000000")) + " then " + column + " end)"
	}
	answer, err := database.Read(ctx, q, "select "+fmt.Sprintf(form, "max("+column+")")+", if(count("+column+") = 0, null, "+literal(kind)+"), "+
		fmt.Sprintf(form, past)+" from "+from+" as newest")
	for _, row := range answer.Rows {
		for _, i := range []int{0, 2} {
			if at, err := time.ParseInLocation("2006-01-02T15:04:05.000000", row[i], zone); err == nil {
				row[i] = at.UTC().Format("2006-01-02T15:04:05.000000Z")
			}
		}
	}
	return answer, err
}

// zoned is the type of moments; other times are readings of some clock.
const zoned = "timestamp with time zone"

// typeOf is the name and the type of the only column of what is asked.
func (q *session) typeOf(ctx context.Context, from, column string) (name, kind string, err error) {
	rows, err := q.conn.QueryContext(ctx, "select "+column+" from "+from+" as newest limit 0")
	if err != nil {
		return "", "", classify(cause(err))
	}
	defer rows.Close() //nolint:errcheck // it has no rows
	types, err := rows.ColumnTypes()
	if err != nil {
		return "", "", cause(err)
	}
	if len(types) != 1 {
		return "", "", &database.QueryError{Err: fmt.Errorf("it has %d columns, wanted is one", len(types))}
	}
	switch kind = strings.ToLower(types[0].DatabaseTypeName()); kind {
	case "timestamp":
		kind = zoned
	case "datetime":
		kind = "datetime without time zone"
	case "date":
	default:
		return "", "", &database.QueryError{Err: fmt.Errorf("%s is of the type %s, not a time", types[0].Name(), kind)}
	}
	return types[0].Name(), kind, nil
}
