package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"lifeboat/verifier/database"
)

// session is one transaction that reads.
type session struct {
	s    database.Server
	conn *sql.Conn
}

// In opens a session, has it used and ends it.
func (Dialect) In(ctx context.Context, s database.Server, do func(ctx context.Context, q database.Session) error) error {
	return in(ctx, s, "read only", func(ctx context.Context, q *session) error { return do(ctx, q) })
}

func in(ctx context.Context, s database.Server, mode string, do func(ctx context.Context, q *session) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout+patience)
	defer cancel()
	conn, end, err := connect(ctx, s)
	if err != nil {
		return s.HideIn(err)
	}
	defer end()
	q := &session{s: s, conn: conn}
	if err := q.begin(ctx, mode); err != nil {
		return s.HideIn(err)
	}
	return s.HideIn(do(ctx, q))
}

// begin sets what a server, an account or a backup may have set otherwise (init_connect among it), and with which the same data would be
// answered in another way.
func (q *session) begin(ctx context.Context, mode string) error {
	limit := fmt.Sprintf("set session max_execution_time = %d", q.s.Timeout.Milliseconds())
	var version string
	if err := q.conn.QueryRowContext(ctx, "select version()").Scan(&version); err != nil {
		return cause(err)
	}
	if strings.Contains(version, "MariaDB") {
		limit = fmt.Sprintf("set session max_statement_time = %d.%03d", q.s.Timeout.Milliseconds()/1000, q.s.Timeout.Milliseconds()%1000)
	}
	for _, do := range []string{"set names utf8mb4", "set session sql_mode = ''", limit, "set session time_zone = '+00:00'",
		"set session group_concat_max_len = 1048576, sql_big_selects = 1, sql_select_limit = default",
		"set session transaction isolation level repeatable read", "start transaction with consistent snapshot, " + mode} {
		if _, err := q.conn.ExecContext(ctx, do); err != nil {
			return classify(cause(err))
		}
	}
	return nil
}

// Hide replaces the password in a text.
func (q *session) Hide(text string) string { return q.s.Hide(text) }

// Look is for a dialect whose names may stand for several things; here they stand for those of the database in use.
func (q *session) Look(context.Context, string) error { return nil }

// Table finds a table by its name as it is really spelled: table, or database.table.
func (q *session) Table(ctx context.Context, name string) (string, error) {
	in, table, qualified := strings.Cut(name, ".")
	if !qualified {
		in, table = q.s.Database, name
	}
	var kind string
	err := q.Ask(ctx, "select table_type from information_schema.tables where table_schema = "+literal(in)+" and binary table_name = "+literal(table), nil,
		func(v [][]byte) error {
			kind = string(v[0])
			return nil
		})
	switch {
	case err != nil:
		return "", err
	case kind == "":
		return "", fmt.Errorf("there is no table %s in database %s", table, in)
	case kind != "BASE TABLE" && kind != "SYSTEM VERSIONED":
		return "", &database.DoubtError{Reason: fmt.Sprintf("%s in database %s is a %s, not a table, so it holds no rows of its own: name the table, or ask "+
			"with a query", table, in, strings.ToLower(kind))}
	}
	return quote(in) + "." + quote(table), nil
}

// Ask runs one statement. Values are text as the server writes it, nil for NULL; rows are valid within the callback only.
func (q *session) Ask(ctx context.Context, query string, columns func([]string), row func([][]byte) error) error {
	rows, err := q.conn.QueryContext(ctx, query)
	if err != nil {
		return classify(cause(err))
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	if columns != nil {
		columns(names)
	}
	raw := make([]sql.RawBytes, len(names))
	into, values := make([]any, len(names)), make([][]byte, len(names))
	for i := range raw {
		into[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return cause(err)
		}
		for i := range raw {
			values[i] = raw[i]
		}
		if err := row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return classify(cause(err))
	}
	return nil
}
