package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"lifeboat/verifier/database"
)

// drawn is a column whose default is the next value of a sequence that a column owns.
type drawn struct {
	schema, sequence string
	by               int64  // its increment
	last             string // value when the look began: others than those in its steps it never gives
	column           string
	table            *table
	most             *int64 // the column's furthest value; nil: there is none
}

// draws are those columns, in every table that holds rows: a partition draws what its root draws unless it has a default of
// its own. A default that makes something of the value is none, nor is a sequence that begins anew at its end, or one of an extension.
const draws = bases + `, used as (select d.refobjid as seq, f.adrelid as rel, a.attname
		from pg_attrdef f join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
		join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass
		join pg_class c on c.oid = d.refobjid and c.relkind = 'S'
		where pg_get_expr(f.adbin, f.adrelid) ~ '^\(?nextval\(''.*''::regclass\)(\)::[a-z]+)?$'
		union select d.objid, d.refobjid, a.attname
		from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
		join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attidentity <> ''
		where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'),
	tree as (select u.seq, u.rel, u.attname from used u
		union select t.seq, i.inhrelid, t.attname from tree t join pg_inherits i on i.inhparent = t.rel
		join pg_class c on c.oid = i.inhrelid and c.relispartition
		where not exists (select from used u where u.rel = i.inhrelid and u.attname = t.attname))
	select t.rel, t.attname, n.nspname, c.relname, q.seqincrement
	from tree t join pg_class r on r.oid = t.rel and r.relkind = 'r'
	join pg_attribute a on a.attrelid = t.rel and a.attname = t.attname and not a.attisdropped
	join base b on b.oid = a.atttypid and b.real in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
	join pg_sequence q on q.seqrelid = t.seq and not q.seqcycle
	join pg_class c on c.oid = t.seq join pg_namespace n on n.oid = c.relnamespace
	where exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = t.seq
		and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i'))
	and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = t.seq and d.deptype = 'e')
	order by n.nspname, c.relname, t.rel, t.attname`

// last is what a sequence gave last, and whether it did: a new one has not given its first value.
const last = `select last_value, is_called from `

// furthest is the value of a column that is nearest to the end of its sequence.
func (d *drawn) furthest(column string) string {
	f := "max"
	if d.by < 0 {
		f = "min"
	}
	filter := ""
	if d.by != 1 && d.by != -1 {
		filter = " filter (where mod(" + column + "::numeric - " + d.last + ", " + strconv.FormatInt(d.by, 10) + ") = 0)"
	}
	return f + "(" + column + "::int8)" + filter
}

func (l *look) sequences(ctx context.Context) error {
	err := l.q.Ask(ctx, draws, nil, func(v [][]byte) error {
		by, err := strconv.ParseInt(string(v[4]), 10, 64)
		if t := l.byID[string(v[0])]; t != nil {
			l.drawn = append(l.drawn, &drawn{schema: string(v[2]), sequence: string(v[3]), by: by, table: t, column: string(v[1])})
		}
		return err
	})
	if err != nil {
		return err
	}
	return l.last(ctx, l.drawn, func(d *drawn, value string, _ bool, err error) error {
		if err != nil {
			l.note(d.schema+"."+d.sequence, err)
			return nil
		}
		d.last = value
		d.table.drawn = append(d.table.drawn, d)
		return nil
	})
}

// last tells what each sequence gave last, and whether it did.
func (l *look) last(ctx context.Context, of []*drawn, told func(d *drawn, value string, called bool, err error) error) error {
	var questions []string
	for _, d := range of {
		questions = append(questions, last+quote(d.schema)+"."+quote(d.sequence))
	}
	_, fatal := l.q.tries(ctx, questions, func(i int, rows [][][]byte, err error) error {
		if len(rows) == 0 {
			return told(of[i], "", false, err)
		}
		return told(of[i], string(rows[0][0]), string(rows[0][1]) == "t", nil)
	})
	return fatal
}

// hold holds the sequences against their columns. What one gives while the rows are read is asked for afterwards, so that a
// database in use is not behind; the rows are those of the beginning.
func (l *look) hold(ctx context.Context) error {
	reached := slices.DeleteFunc(slices.Clone(l.drawn), func(d *drawn) bool { return d.most == nil })
	return l.last(ctx, reached, func(d *drawn, value string, called bool, err error) error {
		at, no := strconv.ParseInt(value, 10, 64)
		switch {
		case code(err) == "42P01": // gone since
		case err != nil:
			l.note(d.schema+"."+d.sequence, err)
		case no != nil:
			return fmt.Errorf("read sequence %s.%s: %w", d.schema, d.sequence, no)
		case d.behind(at, called):
			l.into.Wrong = append(l.into.Wrong, database.Wrong{Fault: database.Behind, Where: l.q.Hide(d.schema + "." + d.sequence),
				At: at, Column: l.q.Hide(d.table.of(d.column)), Most: *d.most})
		}
		return nil
	})
}

// behind tells whether a sequence goes on with what is no further than its column.
func (d *drawn) behind(at int64, called bool) bool {
	switch {
	case d.by < 0 && called:
		return at > *d.most
	case d.by < 0:
		return at >= *d.most
	case called:
		return at < *d.most
	}
	return at <= *d.most
}
