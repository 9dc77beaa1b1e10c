package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"lifeboat/drills/instance"
)

// connect opens an authenticated session through the machine's own tunnel. close ends it.
func (l *Loader) connect(ctx context.Context, m instance.Machine) (conn *sql.Conn, end func(), err error) {
	who, err := l.login(m.Name(), nil)
	if err != nil {
		return nil, nil, err
	}
	c := driver.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = who.user, who.password, "tcp", m.Name()
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, l.set.Port) }
	c.TLSConfig = "preferred" // for a server that insists; the way there is a tunnel either way
	c.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	opening, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if conn, err = db.Conn(opening); err != nil {
		_ = db.Close() // it is not open
		return nil, nil, err
	}
	return conn, func() { _, _ = conn.Close(), db.Close() }, nil // nothing hangs on a polite end
}

// texts asks for rows of text; NULL is "".
func texts(ctx context.Context, conn *sql.Conn, query string) (all [][]string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		line := make([]string, len(columns))
		for i := range row {
			line[i] = row[i].String
		}
		all = append(all, line)
	}
	return all, rows.Err()
}

// errno is the number of a server's error; 0: it is none.
func errno(err error) int {
	if no, ok := errors.AsType[*driver.MySQLError](err); ok {
		return int(no.Number)
	}
	return 0
}

// name quotes a name.
func name(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// literal quotes a text, in a session whose backslashes escape.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", "").Replace(s) + "'"
}

// account quotes a user of a host.
func account(user, host string) string {
	if host == "" {
		return literal(user)
	}
	return fmt.Sprintf("%s@%s", literal(user), literal(host))
}
