package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// compareRows holds the rows that an archive's data have against those that its tables got: pg_restore counts
// none, and a server drops what follows a line \. without a word.
func (l *load) compareRows(ctx context.Context) error {
	wanted := map[string]int64{}  // by table: the data of several partitions may go through their root
	empty := l.part != nil        // nothing of a part is data
	for _, e := range l.entries { // what was left out has none here
		if n, ok := l.archive.Rows[e.ID]; ok {
			wanted[e.Target()] += n
			empty = empty && n == 0
		} else if e.Desc == "TABLE DATA" { // not counted
			empty = false
		}
	}
	if empty {
		return l.lacks(record.LackPart, "what restore.only names of it has not one row, which proves nothing")
	}
	if len(wanted) == 0 {
		return nil
	}
	conn, err := l.connect(ctx, l.machine, l.loading)
	if err != nil {
		return fmt.Errorf("connect to database %s on %s: %w", l.loading, l.machine.Name(), err)
	}
	defer hangUp(ctx, conn)
	if err := l.speak(ctx, conn, l.encoding); err != nil {
		return err
	}
	tables, err := l.lessInserted(ctx, conn, wanted)
	for _, table := range tables {
		if err == nil {
			err = l.count(ctx, conn, table, wanted[table])
		}
	}
	return err
}

// lessInserted lists the tables of which the server's statistics do not say that they took their rows. They cost
// no look at the table, and are behind for some milliseconds, or lost: such tables are counted.
func (l *load) lessInserted(ctx context.Context, conn *pgx.Conn, wanted map[string]int64) ([]string, error) {
	const tries, first = 7, 5 * time.Millisecond // which doubles: 0.6 s in all
	tables := slices.Sorted(maps.Keys(wanted))
	for try := range tries {
		var less []string
		const most = 500 // tables of one question
		for part := range slices.Chunk(tables, most) {
			var list []string
			for _, t := range part {
				list = append(list, literal(t))
			}
			counts, err := numbers(ctx, conn, "select pg_stat_get_tuples_inserted(t::regclass) from unnest(array["+
				strings.Join(list, ", ")+"]) with ordinality as x (t, n) order by n")
			if err != nil {
				return nil, fmt.Errorf("ask %s for its statistics: %w", l.machine.Name(), err)
			}
			for i, n := range counts {
				if n != wanted[part[i]] {
					less = append(less, part[i])
				}
			}
		}
		if tables = less; len(tables) == 0 {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(first << try):
		}
	}
	return tables, nil
}

// count looks at a table itself. What inherits from it has data of its own; its partitions have not.
func (l *load) count(ctx context.Context, conn *pgx.Conn, table string, want int64) error {
	kinds, err := numbers(ctx, conn, "select (relkind = 'p')::int from pg_class where oid = "+literal(table)+"::regclass")
	only := "only "
	if err == nil && len(kinds) == 1 && kinds[0] == 1 {
		only = ""
	}
	var got []int64
	if err == nil {
		got, err = numbers(ctx, conn, "select count(*) from "+only+table)
	}
	switch {
	case err != nil:
		return fmt.Errorf("count the rows of %s on %s: %w", table, l.machine.Name(), err)
	case len(got) != 1:
		return fmt.Errorf("count the rows of %s on %s: no answer", table, l.machine.Name())
	case got[0] < want:
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf("%s: it holds %d rows, the table has %d",
			table, want, got[0])}
	}
	return nil
}

// numbers asks for one column of whole numbers, in whatever encoding the session speaks.
func numbers(ctx context.Context, conn *pgx.Conn, query string) ([]int64, error) {
	rows, err := texts(ctx, conn, query)
	var all []int64
	for _, row := range rows {
		n, e := strconv.ParseInt(row[0], 10, 64)
		all, err = append(all, n), errors.Join(err, e)
	}
	return all, err
}

// texts asks without a look at the session's encoding, which pgx insists on otherwise.
func texts(ctx context.Context, conn *pgx.Conn, query string) ([][]string, error) {
	results, err := conn.PgConn().Exec(ctx, query).ReadAll()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for _, r := range results {
		for _, values := range r.Rows {
			row := make([]string, len(values))
			for i, v := range values {
				row[i] = string(v)
			}
			all = append(all, row)
		}
	}
	return all, nil
}

// speak lets a session talk in an encoding: names of the dump are compared, and not translated. "" is UTF8.
func (l *load) speak(ctx context.Context, conn *pgx.Conn, encoding string) error {
	encoding = cmp.Or(encoding, "UTF8")
	if strings.EqualFold(conn.PgConn().ParameterStatus("client_encoding"), encoding) {
		return nil
	}
	_, err := texts(ctx, conn, "set client_encoding = "+literal(encoding))
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "22023":
		return &dump.Damage{Reason: fmt.Sprintf("its encoding %q is unknown to the server", encoding)}
	case errors.As(err, &pg):
		return l.blame("the server", trouble{code: pg.Code, text: pg.Message})
	}
	return err
}
