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
