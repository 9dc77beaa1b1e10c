package mysql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// Held lists the databases of a server that are its users'; where s.Database is set, that one.
func (Dialect) Held(ctx context.Context, s database.Server) (all []database.Held, err error) {
	want := s.Database
	s.Database = ""
	err = in(ctx, s, "read only", func(ctx context.Context, q *session) error {
		return q.Ask(ctx, `select s.schema_name, coalesce(sum(t.data_length), 0) from information_schema.schemata s
			left join information_schema.tables t on t.table_schema = s.schema_name group by s.schema_name order by 1`, nil, func(v [][]byte) error {
			if name := string(v[0]); !System(name) && (want == "" || want == name) {
				n, err := strconv.ParseFloat(string(v[1]), 64)
				all = append(all, database.Held{Name: name, Bytes: int64(n)})
				return err
			}
			return nil
		})
	})
	return all, err
}

// Content reads all of the database of s. An error means that nothing is known of it.
func (Dialect) Content(ctx context.Context, s database.Server) (database.Content, error) {
	found := database.Content{Database: s.Database}
	l := &look{into: &found, s: s}
	if err := in(ctx, s, "read only", l.all); err != nil {
		if len(found.Wrong) == 0 {
			return found, err
		}
		found.Unread = append(found.Unread, database.Wrong{Where: s.Database, Says: err.Error()}) // what was found stays found
		return found, nil
	}
	if err := in(ctx, s, "read only", l.verify); err != nil {
		found.Unread = append(found.Unread, database.Wrong{Where: s.Database, Says: err.Error()})
	}
	return found, nil
}

// look is one look at all of a database.
type look struct {
	q      *session
	s      database.Server
	into   *database.Content
	tables []*table
	views  []string
}

// table that holds rows.
type table struct {
	name    string
	columns []column
	next    *int64 // AUTO_INCREMENT; nil: it has none
	key     bool   // it has a primary key, or a unique one
}

type column struct {
	name, charset string // charset is "" where it holds no text
	increments    bool
}

func (l *look) all(ctx context.Context, q *session) error {
	l.q = q
	// What MySQL tells of its tables is a day old otherwise; MariaDB knows no such setting.
	_, _ = q.conn.ExecContext(ctx, "set session information_schema_stats_expiry = 0")
	for _, part := range []func(context.Context) error{l.list, l.rows, l.look, l.refer} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// list finds what there is.
func (l *look) list(ctx context.Context) error {
	others, here := map[string]int64{}, literal(l.s.Database)
	byName := map[string]*table{}
	err := l.q.Ask(ctx, `select table_name, table_type, coalesce(engine, ''), auto_increment from information_schema.tables
		where table_schema = `+here+" order by 1", nil, func(v [][]byte) error {
		name, kind, engine := string(v[0]), string(v[1]), string(v[2])
		switch {
		case kind == "VIEW":
			others["v"]++
			l.views = append(l.views, name)
		case slices.Contains([]string{"FEDERATED", "CONNECT", "SPIDER"}, engine):
			others["f"]++
		case kind == "BASE TABLE", kind == "SYSTEM VERSIONED":
			t := &table{name: name}
			if n, err := strconv.ParseInt(string(v[3]), 10, 64); err == nil && v[3] != nil {
				t.next = &n
			}
			l.tables, byName[name] = append(l.tables, t), t
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.into.Tables = int64(len(l.tables))
	for _, what := range []string{"v", "f"} {
		if others[what] > 0 {
			l.into.Others = append(l.into.Others, database.Found{What: what, Count: others[what]})
		}
	}
	return l.q.Ask(ctx, `select table_name, column_name, coalesce(character_set_name, ''), extra, column_key from information_schema.columns
		where table_schema = `+here+" order by table_name, ordinal_position", nil, func(v [][]byte) error {
		if t := byName[string(v[0])]; t != nil {
			t.columns = append(t.columns, column{name: string(v[1]), charset: string(v[2]), increments: strings.Contains(string(v[3]), "auto_increment")})
			t.key = t.key || string(v[4]) == "PRI"
		}
		return nil
	})
}

// question reads a table: its rows' number and bytes, how many texts of each column are in its encoding, how many there are, and how many
// are text that was encoded twice; and the furthest value of the column that increments.
func (t *table) question(database string) string {
	ask, bytes, twice, most := []string{"count(*)"}, []string{"0"}, []string{"0"}, "null"
	for _, c := range t.columns {
		name := quote(c.name)
		bytes = append(bytes, "coalesce(sum(length("+name+")), 0)")
		if c.increments {
			most = "max(" + name + ")"
		}
		if c.charset == "" || c.charset == "binary" {
			continue
		}
		ask = append(ask, "count("+name+")", "count(convert(cast("+name+" as binary) using "+c.charset+"))")
		if c.charset == "utf8mb4" || c.charset == "utf8mb3" || c.charset == "utf8" {
			once := "convert(cast(convert(" + name + " using latin1) as binary) using utf8mb4)"
			twice = append(twice, "coalesce(sum(char_length("+once+") < char_length("+name+")), 0)")
		}
	}
	ask = append(ask, strings.Join(bytes, " + "), strings.Join(twice, " + "), most)
	return "select " + strings.Join(ask, ", ") + " from " + quote(database) + "." + quote(t.name)
}

// rows reads every table.
func (l *look) rows(ctx context.Context) error {
	twice := database.Found{What: "text_twice"}
	for _, t := range l.tables {
		err := l.q.Ask(ctx, t.question(l.s.Database), nil, func(v [][]byte) error {
			var n []int64
			for _, value := range v {
				f, _ := strconv.ParseFloat(string(value), 64)
				i, err := strconv.ParseInt(string(value), 10, 64)
				if err != nil { // a sum is a decimal
					i = int64(f)
				}
				n = append(n, i)
			}
			l.into.Rows += n[0]
			at := 1
			for _, c := range t.columns {
				if c.charset == "" || c.charset == "binary" {
					continue
				}
				if n[at] != n[at+1] {
					l.wrong(database.Misencoded, t.name+"."+c.name, fmt.Sprintf("%d values are not %s", n[at]-n[at+1], c.charset))
				}
				at += 2
			}
			l.into.Bytes += n[at]
			if n[at+1] > 0 {
				twice.Count += n[at+1]
				twice.Names = append(twice.Names, t.name)
			}
			if v[at+2] != nil && t.next != nil && *t.next < n[at+2] {
				l.into.Wrong = append(l.into.Wrong, database.Wrong{Fault: database.Behind, Where: t.name + " (AUTO_INCREMENT)", At: *t.next,
					Column: t.name, Most: n[at+2]})
			}
			return nil
		})
		if fatal := l.note(ctx, t.name, err); fatal != nil {
			return fmt.Errorf("read table %s: %w", t.name, fatal)
		}
	}
	l.seen(twice)
	return nil
}

// broken are the errors of a table that cannot be read (ER_NOT_KEYFILE, ER_CRASHED_ON_USAGE and their like).
var broken = []int{1030, 1033, 1034, 1035, 1194, 1195, 1712, 1812, 1877, 1932}

// note writes down what came of reading something; fatal: nothing more can be asked.
func (l *look) note(ctx context.Context, where string, err error) (fatal error) {
	switch n := number(err); {
	case err == nil:
	case slices.Contains(broken, n):
		l.wrong(database.Unreadable, where, err.Error())
	case n == 0, ctx.Err() != nil, Dialect{}.Silent(err):
		return err
	default:
		l.into.Unread = append(l.into.Unread, database.Wrong{Where: where, Says: l.q.Hide(err.Error())})
	}
	return nil
}

func (l *look) wrong(fault database.Fault, where, says string) {
	l.into.Wrong = append(l.into.Wrong, database.Wrong{Fault: fault, Where: where, Says: l.q.Hide(says)})
}
