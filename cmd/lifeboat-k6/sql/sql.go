// Package sql is the JavaScript module "k6/x/lifeboat/sql": PostgreSQL and MySQL for flows.
//
//	import sql from 'k6/x/lifeboat/sql';
//	const db = sql.open('pgx', __ENV.DSN);          // or 'mysql'
//	export default () => {
//	  db.exec('insert into orders(item) values ($1)', 7);
//	  const rows = db.query('select count(*) n from orders');   // [{n: 12}]
//	};
//
// An error of the database is an exception. A statement may take until its iteration's timeout, at most 5 s without
// one.
// Integers beyond 2^53, which JavaScript would round, come as text. Where k6's option noConnectionReuse is set, as in a
// pulse, every statement makes a connection of its own: an open one would not notice that new ones are refused.
package sql

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"go.k6.io/k6/v2/js/modules"

	"lifeboat-k6/flow"
	"lifeboat-k6/stream"
)

const (
	defaultLimit = 5 * time.Second
	exact        = 1 << 53 // JavaScript's numbers are exact up to here
)

// Module is what k6 registers; one for the process.
type Module struct{ s *stream.Stream }

// New returns the module that reports to s.
func New(s *stream.Stream) *Module { return &Module{s} }

// NewModuleInstance is called once for every virtual user.
func (m *Module) NewModuleInstance(vu modules.VU) modules.Instance { return &instance{s: m.s, vu: vu} }

type instance struct {
	s  *stream.Stream
	vu modules.VU
}

// Exports is what a script can import.
func (i *instance) Exports() modules.Exports { return modules.Exports{Default: i} }

// Open returns a database of one connection for this virtual user. It does not connect yet.
func (i *instance) Open(driver, dsn string) (*DB, error) {
	if driver != "pgx" && driver != "mysql" {
		return nil, fmt.Errorf("open database: unknown driver %q; known are pgx and mysql", driver)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s database: %w", driver, err)
	}
	db.SetMaxOpenConns(1)
	return &DB{db: db, in: i}, nil
}

// DB is what sql.open returns.
type DB struct {
	db *sql.DB
	in *instance
}

// limited returns a statement's time limit, and sees to it that connections are kept only where they may be.
func (d *DB) limited() (context.Context, context.CancelFunc) {
	ctx := d.in.vu.Context()
	if st := d.in.vu.State(); st != nil {
		if st.Options.NoConnectionReuse.Bool {
			d.db.SetMaxIdleConns(-1)
		}
		if at, ok := d.in.s.Deadline(st.VUID); ok {
			return context.WithDeadline(ctx, at)
		}
	}
	return context.WithTimeout(ctx, defaultLimit)
}

func (d *DB) report(verb string, start time.Time, err error) {
	d.in.s.SQL(verb, start, flow.Where(d.in.vu), err)
}

// Exec runs a statement and returns how many rows it touched.
func (d *DB) Exec(query string, args ...any) (n int64, err error) {
	defer func(start time.Time) { d.report("exec", start, err) }(time.Now())
	ctx, cancel := d.limited()
	defer cancel()
	res, err := d.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query runs a statement and returns its rows as objects.
func (d *DB) Query(query string, args ...any) (out []map[string]any, err error) {
	defer func(start time.Time) { d.report("query", start, err) }(time.Now())
	ctx, cancel := d.limited()
	defer cancel()
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, err := scan(rows, cols)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func scan(rows *sql.Rows, cols []string) (map[string]any, error) {
	values, targets := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	row := make(map[string]any, len(cols))
	for i, c := range cols {
		switch v := values[i].(type) {
		case []byte:
			row[c] = string(v)
		case int64:
			row[c] = v
			if v > exact || v < -exact {
				row[c] = strconv.FormatInt(v, 10)
			}
		case time.Time:
			row[c] = v.Format(time.RFC3339Nano)
		default:
			row[c] = v
		}
	}
	return row, nil
}

// Close closes the connection.
func (d *DB) Close() error { return d.db.Close() }
