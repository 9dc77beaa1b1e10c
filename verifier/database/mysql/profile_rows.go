package mysql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// stored is a table.
type stored struct {
	relation
	columns []storedColumn
	unread  string // why its rows cannot be read
	sample  *database.Sample
}

type storedColumn struct {
	name, kind, kept string
	key              bool // of the primary key
	moment           bool // since when, or until when, a row of a versioned table is the one that counts: a copy's are its own
}

// types of which a value is short, and is the text that dumps have; those of which there is a least and a most; of any other a digest is taken first.
var (
	numbers = []string{"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "date", "time", "datetime", "timestamp", "year"}
	texts   = []string{"char", "varchar", "enum", "set", "binary", "varbinary"}
)

// atOnce columns are asked for in one pass: a question's answer has at most 4096.
const atOnce = 400

// holds tells whether a dump holds a table or a view at all.
func (d *one) holds(name string) bool {
	return (len(d.scope.Tables) == 0 || d.among(d.scope.Tables, name)) && !d.among(d.scope.NoTables, name)
}

// among looks for a table in a list of their names, with their databases before them or without.
func (d *one) among(all []string, name string) bool {
	return slices.Contains(all, name) || slices.Contains(all, d.into.Database+"."+name)
}

// store takes a table whose rows are to be read.
func (d *one) store(t *stored, held bool) {
	switch {
	case slices.Contains(foreigners, strings.ToUpper(t.engine)):
	case held && !d.scope.SchemaOnly && !d.among(d.scope.NoRowsOf, t.name):
		d.tables = append(d.tables, t)
	case d.o.Like != nil:
		d.into.Outside = append(d.into.Outside, t.name)
	}
}

// content reads every table that holds rows.
func (d *one) content(ctx context.Context) error {
	for _, t := range d.tables {
		found, err := d.read(ctx, t)
		if err != nil {
			return fmt.Errorf("read table %s: %w", found.Name, err)
		}
		d.into.Tables = append(d.into.Tables, found)
	}
	outside := d.into.Outside
	d.into.Outside = nil
	for _, name := range outside {
		if err := d.q.Ask(ctx, "select 1 from "+quote(name)+" limit 1", nil, func([][]byte) error {
			d.into.Outside = append(d.into.Outside, named(name))
			return nil
		}); err != nil {
			return fmt.Errorf("read table %s: %w", named(name), err)
		}
	}
	slices.SortFunc(d.into.Tables, func(a, b database.ProfiledTable) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// read reads a table. Its definition is let go of afterwards, so that others may change it while the rest is read.
func (d *one) read(ctx context.Context, t *stored) (found database.ProfiledTable, err error) {
	found = database.ProfiledTable{Name: named(t.name), Unread: t.unread}
	if t.unread != "" {
		return found, nil
	}
	if _, err := d.q.conn.ExecContext(ctx, "savepoint lifeboat"); err != nil {
		return found, cause(err)
	}
	err = d.hash(ctx, t, &found)
	if number(err) != 0 && ctx.Err() == nil && !(Dialect{}).Silent(err) {
		found, err = database.ProfiledTable{Name: found.Name, Unread: d.q.Hide(err.Error())}, nil
	}
	if err == nil {
		_, err = d.q.conn.ExecContext(ctx, "rollback to savepoint lifeboat")
		err = cause(err)
	}
	return found, err
}

// hash reads the rows of a table: in one pass, unless a sample of them is hashed or it has very many columns.
func (d *one) hash(ctx context.Context, t *stored, into *database.ProfiledTable) error {
	var all []storedColumn
	var key, names []string
	for _, c := range t.columns {
		if c.moment {
			continue
		}
		all, names = append(all, c), append(names, c.name)
		into.Columns = append(into.Columns, database.ProfiledColumn{Name: c.name})
		if c.key {
			key = append(key, c.name)
		}
	}
	t.columns = all
	into.Sample = d.o.SampleOf(d.into.Database, into.Name, t.bytes, key, names)
	t.sample = into.Sample
	passes := []pass{{to: len(all), rows: true, hashes: true, counts: true}}
	if t.sample != nil || len(all) > atOnce {
		passes = []pass{{rows: true}}
		for from := 0; from < len(all); from += atOnce {
			to := min(from+atOnce, len(all))
			passes = append(passes, pass{from: from, to: to, hashes: true}, pass{from: from, to: to, counts: true})
		}
	}
	for _, p := range passes {
		if err := d.pass(ctx, t, p, into); err != nil {
			return err
		}
	}
	return nil
}

// pass is one look at some columns of a table: at the hash of whole rows, at the columns' own, at how many values there are and their extremes.
type pass struct {
	from, to             int
	rows, hashes, counts bool
}

// value is what of a column is hashed: what dumps write, but for the sign of a zero, which they lose.
func (c storedColumn) value() string {
	if c.kind == "float" || c.kind == "double" {
		return "if(" + quote(c.name) + " = 0, '0', " + quote(c.name) + ")"
	}
	return quote(c.name)
}

// part is what a column gives to the text of its row: nothing that another value, or another column's, could give as well.
func (c storedColumn) part() string {
	switch v := c.value(); {
	case slices.Contains(numbers, c.kind):
		return "ifnull(" + v + ", '-')"
	case slices.Contains(texts, c.kind):
		return "ifnull(concat(length(" + v + "), ':', cast(" + v + " as binary)), '-')"
	default:
		return "ifnull(sha2(" + v + ", 256), '-')"
	}
}

func parts(all []storedColumn) string {
	var list []string
	for _, c := range all {
		list = append(list, c.part())
	}
	return "concat(" + strings.Join(list, ", ',', ") + ", ',')"
}

// question asks for the number of rows, and for what a pass looks at.
func (t *stored) question(p pass) string {
	ask, where := []string{"count(*)"}, ""
	if p.rows {
		ask = append(ask, "coalesce(sum(cast(conv(left(sha2("+parts(t.columns)+", 256), 16), 16, 10) as unsigned)), 0)")
	}
	for _, c := range t.columns[p.from:p.to] {
		if p.hashes {
			ask = append(ask, "coalesce(sum(crc32("+c.value()+")), 0)")
		}
		if p.counts {
			ask = append(ask, "count("+quote(c.name)+")")
			if slices.Contains(numbers, c.kind) {
				ask = append(ask, "min("+quote(c.name)+")", "max("+quote(c.name)+")")
			}
		}
	}
	if t.sample != nil && !p.counts {
		var by []storedColumn
		for _, name := range t.sample.By {
			by = append(by, t.columns[slices.IndexFunc(t.columns, func(c storedColumn) bool { return c.name == name })])
		}
		where = fmt.Sprint(" where crc32(sha2(concat('", t.sample.Seed, ",', ", parts(by), "), 256)) % ", database.Shares, " < ",
			int64(t.sample.Share*database.Shares))
	}
	return "select " + strings.Join(ask, ", ") + " from " + quote(t.name) + where
}

func (d *one) pass(ctx context.Context, t *stored, p pass, into *database.ProfiledTable) error {
	return d.q.Ask(ctx, t.question(p), nil, func(v [][]byte) (err error) {
		at := 0
		next := func() []byte { at++; return v[at-1] }
		count := func() (n int64) {
			var e error
			if n, e = strconv.ParseInt(string(next()), 10, 64); err == nil {
				err = e
			}
			return n
		}
		rows := count()
		if p.counts || t.sample == nil {
			into.Rows = rows
		} else {
			t.sample.Rows = rows
		}
		if p.rows {
			into.Hash = string(next())
		}
		for i := p.from; i < p.to; i++ {
			c := &into.Columns[i]
			if p.hashes {
				c.Hash = string(next())
			}
			if p.counts {
				c.Nulls = rows - count()
				if slices.Contains(numbers, t.columns[i].kind) {
					c.Least, c.Most = database.Extreme(next()), database.Extreme(next())
				}
			}
		}
		return err
	})
}
