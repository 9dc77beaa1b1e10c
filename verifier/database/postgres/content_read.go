package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// question reads a table: its rows' number and bytes, how many are like themselves, its columns of text, and the furthest
// value of each column that draws from a sequence. A row is compared with itself, image by image, since that unpacks every value
// and runs no code of a type. The offset keeps the row from being made twice.
func (t *table) question(row string, texts []text, drawn []*drawn) string {
	from, as := []string{row}, []string{"r"}
	ask := []string{"count(*)", "coalesce(sum(pg_column_size(s.r)), 0)", "count(*) filter (where s.r *= s.r)"}
	add := func(column string) string {
		name := fmt.Sprintf("c%d", len(as))
		from, as = append(from, "t."+quote(column)), append(as, name)
		return "s." + name
	}
	for _, x := range texts {
		ask = append(ask, "count(convert_to("+fmt.Sprintf(x.form, add(x.column))+", getdatabaseencoding()))")
	}
	for _, d := range drawn {
		ask = append(ask, d.furthest(add(d.column)))
	}
	return "select " + strings.Join(ask, ", ") + " from (select " + strings.Join(from, ", ") + " from only " + t.quoted() + " t offset 0) s(" +
		strings.Join(as, ", ") + ")"
}

// whole is a row as a value. It holds no columns that were dropped.
const whole = "row(t.*)"

// rows reads every table.
func (l *look) rows(ctx context.Context) error {
	var questions []string
	for _, t := range l.tables {
		questions = append(questions, t.question(whole, t.text, t.drawn))
	}
	done, fatal := l.q.tries(ctx, questions, func(i int, rows [][][]byte, err error) (fatal error) {
		return l.read(ctx, l.tables[i], rows, err)
	})
	if fatal != nil {
		return fmt.Errorf("read table %s: %w", l.tables[done], fatal)
	}
	return nil
}

// read takes what came of reading a table. An internal error may mean that a row is too large for one value, and nothing else: then it is read
// column by column, which also names the column.
func (l *look) read(ctx context.Context, t *table, rows [][][]byte, err error) (fatal error) {
	var n size
	for _, row := range rows {
		n, err = l.take(t, row, len(t.text), t.drawn)
	}
	switch {
	case err == nil:
		l.add(t, n)
		return nil
	case code(err) == "42P01": // undefined_table: dropped or renamed since it was listed
		return nil
	case code(err) != "XX000" && blame(err) != database.Misencoded:
		l.note(t.String(), err)
		return nil
	}
	return l.columns(ctx, t)
}

// size of what was read.
type size struct{ rows, bytes int64 }

func (l *look) add(t *table, n size) {
	if t.own {
		l.into.Rows += n.rows
		l.into.Bytes += n.bytes
	}
}

// pass asks one question about a table.
func (l *look) pass(ctx context.Context, t *table, row string, texts []text, drawn []*drawn) (n size, err, fatal error) {
	err, fatal = l.q.try(ctx, func() error {
		return l.q.Ask(ctx, t.question(row, texts, drawn), nil, func(v [][]byte) (err error) {
			n, err = l.take(t, v, len(texts), drawn)
			return err
		})
	})
	return n, err, fatal
}

// take reads the answer to a question about a table, with so many columns of text in it.
func (l *look) take(t *table, v [][]byte, texts int, drawn []*drawn) (n size, err error) {
	if n.rows, err = strconv.ParseInt(string(v[0]), 10, 64); err != nil {
		return n, err
	}
	if n.bytes, err = strconv.ParseInt(string(v[1]), 10, 64); err != nil {
		return n, err
	}
	if string(v[2]) != string(v[0]) {
		l.wrong(database.Unreadable, t.String(), "a row of it is read in two ways")
	}
	for i, d := range drawn {
		if d.table, d.most = t, nil; v[3+texts+i] != nil {
			most, err := strconv.ParseInt(string(v[3+texts+i]), 10, 64)
			if err != nil {
				return n, err
			}
			d.most = &most
		}
	}
	return n, nil
}

// columns reads a table column by column.
func (l *look) columns(ctx context.Context, t *table) (fatal error) {
	var names []string
	err := l.q.Ask(ctx, "select a.attname from pg_attribute a where a.attrelid = "+t.id+
		" and a.attnum > 0 and not a.attisdropped order by a.attnum", nil, func(v [][]byte) error {
		names = append(names, string(v[0]))
		return nil
	})
	if err != nil {
		return err
	}
	var sum size
	for _, c := range names {
		n, err, fatal := l.pass(ctx, t, "row(t."+quote(c)+")", nil, nil)
		switch {
		case fatal != nil:
			return fatal
		case code(err) == "42P01", code(err) == "42703":
			return nil // gone since
		case code(err) == "XX000":
			l.wrong(database.Unreadable, t.of(c), err.Error())
			return nil
		case err != nil:
			l.note(t.of(c), err)
			return nil
		}
		sum = size{n.rows, sum.bytes + n.bytes}
	}
	l.add(t, sum)
	for _, x := range t.text {
		_, err, fatal := l.pass(ctx, t, "row()", []text{x}, nil)
		if fatal != nil {
			return fatal
		}
		if blame(err) == database.Misencoded {
			l.note(t.of(x.column), err)
		} // anything else is too large as text, since its bytes were read
	}
	_, err, fatal = l.pass(ctx, t, "row()", nil, t.drawn)
	if err != nil {
		l.note(t.String(), err)
	}
	return fatal
}
