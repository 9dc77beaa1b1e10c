// Package session is what loaders of MariaDB and MySQL share: an authenticated session with a server in a machine, and when that is ready.
package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
)

// Login is who asks, and where.
type Login struct {
	User, Password string
	Port           int
}

// Open opens an authenticated session through the machine's own tunnel. end ends it.
func (l Login) Open(ctx context.Context, m instance.Machine) (conn *sql.Conn, end func(), err error) {
	c := driver.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = l.User, l.Password, "tcp", m.Name()
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, l.Port) }
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

// Texts asks for rows of text; NULL is "".
func Texts(ctx context.Context, conn *sql.Conn, query string) (all [][]string, err error) {
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

// Errno is the number of a server's error; 0: it is none.
func Errno(err error) int {
	if no, ok := errors.AsType[*driver.MySQLError](err); ok {
		return int(no.Number)
	}
	return 0
}

// Name quotes a name.
func Name(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// Literal quotes a text, in a session whose backslashes escape.
func Literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", "").Replace(s) + "'"
}

// Account quotes a user of a host.
func Account(user, host string) string {
	if host == "" {
		return Literal(user)
	}
	return fmt.Sprintf("%s@%s", Literal(user), Literal(host))
}

// Wait waits until the server takes an authenticated session over TCP and is still the same server at a second look. The one that public
// images start for their own needs first listens on its socket alone.
func (l Login) Wait(ctx context.Context, m instance.Machine) error {
	same := func(before, after sighting) bool { return after.up >= before.up && after.session > before.session }
	return dump.Readiness[sighting]{Look: l.look, Same: same, Refused: Refused}.Wait(ctx, m)
}

// look gives when the server was started, to the second, and how many sessions it has had since.
func (l Login) look(ctx context.Context, m instance.Machine) (sighting, error) {
	conn, end, err := l.Open(ctx, m)
	if err != nil {
		return sighting{}, err
	}
	defer end()
	var s sighting
	var of string
	if err := conn.QueryRowContext(ctx, "show global status like 'Uptime'").Scan(&of, &s.up); err != nil {
		return s, err
	}
	return s, conn.QueryRowContext(ctx, "select connection_id()").Scan(&s.session)
}

// sighting of a server.
type sighting struct{ up, session int64 }

// refusals are the errors of a login (ER_ACCESS_DENIED_ERROR and its like).
var refusals = []int{1045, 1130, 1251, 1275, 1524, 1698, 1862, 3118, 4151}

// Refused tells a refused login from a server that is not there yet.
func Refused(err error) bool { return slices.Contains(refusals, Errno(err)) }

// busy are the statements that run for whoever loads.
const busy = `select id, coalesce(left(info, 300), state), time from information_schema.processlist
	where command = 'Query' and user = substring_index(user(), '@', 1) and id <> connection_id() order by id`

// Activity is what the server does for whoever loads into it.
func (l Login) Activity(ctx context.Context, m instance.Machine) (dump.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, end, err := l.Open(ctx, m)
	if err != nil {
		return dump.Activity{}, err
	}
	defer end()
	running, err := Texts(ctx, conn, busy)
	var a dump.Activity
	for _, r := range running {
		a.Mark += r[0] + " " + r[1] + ";"
		a.Running = fmt.Sprintf("%s for %s s", strings.Join(strings.Fields(r[1]), " "), r[2])
	}
	return a, err
}

// EndSessions ends what the server still does for a client that is gone.
func (l Login) EndSessions(ctx context.Context, m instance.Machine) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, end, err := l.Open(ctx, m)
	if err != nil {
		return
	}
	defer end()
	running, _ := Texts(ctx, conn, busy)
	for _, r := range running { // a session that stays harms nobody: the next load drops the database
		_, _ = conn.ExecContext(ctx, "kill "+r[0])
	}
}
