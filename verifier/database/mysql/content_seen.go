package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// seen writes down what may be so at the source, where there is any.
func (l *look) seen(f database.Found) {
	const most = 5
	if f.Count == 0 {
		return
	}
	f.Names = f.Names[:min(len(f.Names), most)]
	l.into.Seen = append(l.into.Seen, f)
}

// look looks at views, and at what has no key.
func (l *look) look(ctx context.Context) error {
	invalid, bare := database.Found{What: "view_invalid"}, database.Found{What: "no_key"}
	for _, v := range l.views {
		err := l.q.Ask(ctx, "select * from "+quote(l.s.Database)+"."+quote(v)+" limit 0", nil, func([][]byte) error { return nil })
		switch {
		case err == nil:
		case number(err) == 0:
			return err
		default:
			invalid.Count++
			invalid.Names = append(invalid.Names, v)
		}
	}
	for _, t := range l.tables {
		if !t.key {
			bare.Count++
			bare.Names = append(bare.Names, t.name)
		}
	}
	l.seen(invalid)
	l.seen(bare)
	events := database.Found{What: "runs_by_itself"}
	err := l.q.Ask(ctx, "select concat('event ', event_name) from information_schema.events where event_schema = "+literal(l.s.Database)+" order by 1", nil,
		func(v [][]byte) error {
			events.Count++
			events.Names = append(events.Names, string(v[0]))
			return nil
		})
	l.seen(events)
	return err
}

// reference is a foreign key.
type reference struct {
	table, name, toDatabase, to string
	from, at                    []string
}

// refer counts rows whose foreign key leads to none: dumps switch the server's own look at that off while they are loaded.
func (l *look) refer(ctx context.Context) error {
	var all []*reference
	err := l.q.Ask(ctx, `select table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name
		from information_schema.key_column_usage where table_schema = `+literal(l.s.Database)+` and referenced_table_name is not null
		order by 1, 2, ordinal_position`, nil, func(v [][]byte) error {
		r := &reference{table: string(v[0]), name: string(v[1]), toDatabase: string(v[3]), to: string(v[4])}
		if n := len(all); n > 0 && all[n-1].table == r.table && all[n-1].name == r.name {
			r = all[n-1]
		} else {
			all = append(all, r)
		}
		r.from, r.at = append(r.from, string(v[2])), append(r.at, string(v[5]))
		return nil
	})
	if err != nil {
		return err
	}
	orphans := database.Found{What: "orphans"}
	for _, r := range all {
		var has, same []string
		for i := range r.from {
			has = append(has, "c."+quote(r.from[i])+" is not null")
			same = append(same, "p."+quote(r.at[i])+" = c."+quote(r.from[i]))
		}
		query := "select count(*) from " + quote(l.s.Database) + "." + quote(r.table) + " c where " + strings.Join(has, " and ") +
			" and not exists (select 1 from " + quote(r.toDatabase) + "." + quote(r.to) + " p where " + strings.Join(same, " and ") + ")"
		err := l.q.Ask(ctx, query, nil, func(v [][]byte) error {
			n, err := strconv.ParseInt(string(v[0]), 10, 64)
			if n > 0 {
				orphans.Count += n
				orphans.Names = append(orphans.Names, r.table+"."+r.name)
			}
			return err
		})
		if number(err) == 1146 { // the other table is not there
			l.wrong(database.Unreadable, r.table+"."+r.name, err.Error())
			continue
		}
		if fatal := l.note(ctx, r.table+"."+r.name, err); fatal != nil {
			return fmt.Errorf("read table %s: %w", r.table, fatal)
		}
	}
	l.seen(orphans)
	return nil
}

// verify has the server look through its tables and their indexes itself.
func (l *look) verify(ctx context.Context, q *session) error {
	if _, err := q.conn.ExecContext(ctx, "rollback"); err != nil {
		return err
	}
	for _, t := range l.tables {
		err := q.Ask(ctx, "check table "+quote(l.s.Database)+"."+quote(t.name)+" extended", nil, func(v [][]byte) error {
			kind, says := strings.ToLower(string(v[2])), string(v[3])
			switch {
			case strings.Contains(strings.ToLower(says), "upgrade required"), strings.Contains(strings.ToLower(says), "rebuild required"):
				l.into.Unlooked = append(l.into.Unlooked, t.name+": "+says) // another version of the server wrote it
			case kind == "error", kind == "status" && strings.HasPrefix(says, "Corrupt"):
				l.wrong(database.DamagedTable, t.name, says)
			case kind == "note", kind == "status" && says != "OK" && says != "Table is already up to date":
				l.into.Unlooked = append(l.into.Unlooked, t.name+": "+says)
			}
			return nil
		})
		if fatal := l.note(ctx, t.name, err); fatal != nil {
			return fmt.Errorf("read table %s: %w", t.name, fatal)
		}
	}
	return nil
}
