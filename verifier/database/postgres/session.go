package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/verifier/database"
)

// session is one transaction that reads. Nothing that a database, a role or a backup sets for its sessions takes part in
// it: see pins.
type session struct {
	s         server
	c         *pgconn.PgConn
	elsewhere []string // tables that Look saw outside the path, under names that the query uses
	tried     bool     // there is a savepoint to go back to; see try
}

// In opens a session, has it used and ends it.
func (Dialect) In(ctx context.Context, to database.Server, do func(ctx context.Context, q database.Session) error) error {
	return in(ctx, to, "read only", func(ctx context.Context, q *session) error { return do(ctx, q) })
}

// in opens a session whose transaction may read, or read and write; it is never committed.
func in(ctx context.Context, to database.Server, mode string, do func(ctx context.Context, q *session) error) error {
	s := server{to}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout+patience)
	defer cancel()
	c, err := s.connect(ctx)
	if err != nil {
		return s.HideIn(err)
	}
	defer goodbye(ctx, c)
	q := &session{s: s, c: c}
	if err := q.begin(ctx, mode); err != nil {
		return s.HideIn(err)
	}
	return s.HideIn(do(ctx, q))
}

// Hide replaces the password in a text.
func (q *session) Hide(text string) string { return q.s.Hide(text) }

// pins are settings that any role may set, that a database, a role or a dump may have set otherwise, and with which the
// same data would be answered in another way, or not at all. Those that a server does not know are passed over.
var pins = map[string]string{
	"lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "transaction_timeout": "0",
	"DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "bytea_output": "hex",
	"extra_float_digits":          "3", // all digits: 15 fewer make unlike numbers alike
	"row_security":                "on",
	"standard_conforming_strings": "on", // a backslash is a backslash
	"transform_null_equals":       "off",
	"gin_fuzzy_search_limit":      "0", // else some rows at random
}

// salvage are settings of a superuser with which damaged pages are answered as if they were empty, or whole.
const salvage = `select name from pg_settings
	where name in ('zero_damaged_pages', 'ignore_checksum_failure') and setting = 'on'`

func (q *session) begin(ctx context.Context, mode string) error {
	zone := cmp.Or(q.s.TimeZone, "UTC")
	values := []string{"('TimeZone', " + literal(zone) + ")"}
	for name, value := range pins {
		values = append(values, fmt.Sprintf("('%s', '%s')", name, value))
	}
	snapshot := ""
	if q.s.Snapshot != "" { // before anything else is asked
		snapshot = "set transaction snapshot" + literal(q.s.Snapshot) + "; "
	}
	open := fmt.Sprintf("begin transaction isolation level repeatable read %s not deferrable; %s"+
		"set local statement_timeout = %d; set local search_path = pg_catalog, pg_temp", mode, snapshot, q.s.Timeout.Milliseconds())
	if q.c.ParameterStatus("server_encoding") == "SQL_ASCII" { // nobody says what its bytes mean: as they are
		open += "; set local client_encoding = 'SQL_ASCII'"
	}
	if _, err := q.c.Exec(ctx, open).ReadAll(); err != nil {
		return classify(cause(err))
	}
	pin := "select set_config(s.name, v.value, true) from (values " + strings.Join(values, ", ") +
		") v(name, value) join pg_settings s on s.name = v.name; " + salvage
	results, err := q.c.Exec(ctx, pin).ReadAll()
	if err != nil {
		return classify(cause(err))
	}
	for _, row := range results[len(results)-1].Rows {
		if _, err := q.c.Exec(ctx, "set local "+string(row[0])+" = off").ReadAll(); err != nil {
			return doubt("%s is on for %s, so damaged pages are read as if they were whole or empty; ask as a superuser, or "+
				"take the setting out", row[0], q.s.User)
		}
	}
	return nil
}

// Ask runs one statement. Values are text as psql prints it, nil for NULL; rows are valid within the callback only.
// Without Look before it, unqualified names are looked for in pg_catalog alone. *QueryError: the statement is wrong.
func (q *session) Ask(ctx context.Context, query string, columns func([]string), row func([][]byte) error) error {
	r := q.c.ExecParams(ctx, query, nil, nil, nil, nil) // the extended protocol takes one statement only
	told := false
	var stopped error
	for stopped == nil && r.NextRow() {
		if !told {
			tell(columns, r.FieldDescriptions())
			told = true
		}
		stopped = row(r.Values())
	}
	if stopped != nil {
		return stopped
	}
	if !told {
		tell(columns, r.FieldDescriptions())
	}
	if _, err := r.Close(); err != nil {
		return q.misplaced(classify(cause(err)))
	}
	return nil
}
