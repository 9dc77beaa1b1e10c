package mysql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/verifier/database"
)

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
