package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// The questions about content. A value is hashed as the text that its type's own output function makes of it: concat calls that, and no cast.
const (
	hashed    = `select count(*), sum(hashtextextended(textin(array_out(array[1]::int8[])), 0)), min(1), max(1), num_nulls(1), concat(1)`
	columnsOf = bases + `select a.attrelid, a.attname, b.real in ('float4'::regtype, 'float8'::regtype),
		b.real in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype,
		'float8'::regtype, 'numeric'::regtype, 'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
		from pg_attribute a join base b on b.oid = a.atttypid
		where a.attrelid in (select unnest('{%s}'::oid[])) and a.attnum > 0 and not a.attisdropped order by a.attname collate "C"`
	keyOf = `select k.conrelid, a.attname, pg_table_size(c.oid), has_table_privilege(c.oid, 'select'), row_security_active(c.oid), c.oid
		from pg_class c left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
		left join pg_attribute a on a.attrelid = c.oid and a.attnum in (select unnest(k.conkey))
		where c.oid in (select unnest('{%s}'::oid[])) order by a.attname collate "C"`
	lastOf = `select last_value, is_called from `
)

// atOnce columns are asked for in one pass: a question's answer has at most 1664, and a table 1600.
const atOnce = 400

// stored is a table whose rows are read.
type stored struct {
	relationInScope
	columns []storedColumn
	key     []string
	bytes   int64
	unread  string // why its rows cannot be
	sample  *database.Sample
}

type storedColumn struct {
	name    string
	extreme bool // it has a least and a most
	float   bool // its zeros may have a sign, which pg_dump --inserts loses
}

// content reads every table that holds rows, and the large objects.
func (r *profiling) content(ctx context.Context) error {
	all, err := r.stored(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.unread == "" {
			t.sample = r.sample(t)
		}
		found := database.ProfiledTable{Name: t.title(), Unread: t.unread, Sample: t.sample}
		if t.unread == "" {
			err, fatal := r.q.try(ctx, func() error { return r.read(ctx, t, &found) })
			if fatal != nil {
				return fmt.Errorf("read table %s: %w", found.Name, fatal)
			}
			if err != nil {
				found = database.ProfiledTable{Name: found.Name, Unread: r.q.Hide(err.Error())}
			}
		}
		r.into.Tables = append(r.into.Tables, found)
	}
	if r.blobs() {
		return r.largeObjects(ctx)
	}
	return nil
}

func (t *stored) title() string { return named(nil, nil, []byte(t.schema), []byte(t.name)) }

func (r *profiling) stored(ctx context.Context) (all []*stored, err error) {
	byID := map[string]*stored{}
	var ids []string
	for _, one := range r.relations {
		if one.filled && one.kind == "r" {
			t := &stored{relationInScope: one}
			all, byID[one.id], ids = append(all, t), t, append(ids, one.id)
		}
	}
	list := strings.Join(ids, ",")
	if err := r.q.Ask(ctx, fmt.Sprintf(columnsOf, list), nil, func(v [][]byte) error {
		if t := byID[string(v[0])]; t != nil {
			t.columns = append(t.columns, storedColumn{name: string(v[1]), float: string(v[2]) == "t", extreme: string(v[3]) == "t"})
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return all, r.q.Ask(ctx, fmt.Sprintf(keyOf, list), nil, func(v [][]byte) (err error) {
		t := byID[string(v[5])]
		switch {
		case t == nil:
			return nil
		case string(v[3]) != "t":
			t.unread = fmt.Sprintf("%s may not read it: ask as a superuser", r.q.s.User)
		case string(v[4]) == "t":
			t.unread = fmt.Sprintf("row security hides rows of it from %s: ask as a superuser", r.q.s.User)
		}
		if v[1] != nil {
			t.key = append(t.key, string(v[1]))
		}
		t.bytes, err = strconv.ParseInt(string(v[2]), 10, 64)
		return err
	})
}

// sample says which rows of a table are hashed; nil: all.
func (r *profiling) sample(t *stored) *database.Sample {
	var columns []string
	for _, c := range t.columns {
		columns = append(columns, c.name)
	}
	return r.o.SampleOf(r.into.Database, t.title(), t.bytes, t.key, columns)
}

// hash of a value; NULL has none.
func hash(value string) string { return "hashtextextended(concat(" + value + ") collate \"C\", 0)" }

// together hashes several hashes, in their order.
func together(hashes []string, seed int64) string {
	return "hashtextextended(textin(array_out(array[" + strings.Join(hashes, ", ") + "]::int8[])) collate \"C\", " + strconv.FormatInt(seed, 10) + ")"
}

// read reads a table: in one pass, unless it has very many columns.
func (r *profiling) read(ctx context.Context, t *stored, into *database.ProfiledTable) error {
	if len(t.columns) > atOnce {
		if err := r.pass(ctx, t, t.columns, into, wholeRows); err != nil {
			return err
		}
		for some := range slices.Chunk(t.columns, atOnce) {
			if err := r.pass(ctx, t, some, into, eachColumn); err != nil {
				return err
			}
		}
		return nil
	}
	return r.pass(ctx, t, t.columns, into, wholeRows|eachColumn)
}

// What a pass looks at.
type view int

const (
	wholeRows view = 1 << iota
	eachColumn
)

// question about a table: its rows, those that were chosen, the hash of whole rows, and of each column the hash, how many values there
// are, and the extremes.
func (t *stored) question(columns []storedColumn, what view) string {
	chosen, from := "", "only "+quote(t.schema)+"."+quote(t.name)+" t"
	if t.sample != nil {
		var by, all []string
		for _, c := range t.sample.By {
			by = append(by, "case when num_nulls(t."+quote(c)+") = 0 then "+hash("t."+quote(c))+" end")
		}
		for i, c := range t.columns {
			all = append(all, fmt.Sprintf("t.%s as v%d", quote(c.name), i))
		}
		within := fmt.Sprint(" & ", database.Shares-1, ") < ", int64(t.sample.Share*database.Shares))
		from = "(select " + strings.Join(all, ", ") + ", (" + together(by, t.sample.Seed) + within + " as chosen from " + from + " offset 0) t"
		chosen = "t.chosen and "
	}
	inner, hashes, outer := []string{"1 as one"}, []string{}, []string{"count(*)", "0", "0"}
	for i, c := range columns {
		value := "t." + quote(c.name)
		if t.sample != nil {
			value = fmt.Sprintf("t.v%d", slices.IndexFunc(t.columns, func(o storedColumn) bool { return o.name == c.name }))
		}
		h, v := fmt.Sprintf("h%d", i), fmt.Sprintf("c%d", i)
		printed := value
		if c.float {
			printed += " + '0'"
		}
		inner = append(inner, "case when "+chosen+"num_nulls("+value+") = 0 then "+hash(printed)+" end as "+h)
		hashes = append(hashes, "s."+h)
		if what&eachColumn == 0 {
			continue
		}
		inner = append(inner, value+" as "+v)
		outer = append(outer, "coalesce(sum(s."+h+"), 0)", "count(s."+v+")")
		if c.extreme {
			outer = append(outer, "min(s."+v+")", "max(s."+v+")")
		}
	}
	if what&wholeRows != 0 {
		filter := ""
		if t.sample != nil {
			inner, filter = append(inner, "t.chosen"), " filter (where s.chosen)"
		}
		outer[1], outer[2] = "count(*)"+filter, "coalesce(sum("+together(hashes, 1)+")"+filter+", 0)"
	}
	return "select " + strings.Join(outer, ", ") + " from (select " + strings.Join(inner, ", ") + " from " + from + " offset 0) s"
}

func (r *profiling) pass(ctx context.Context, t *stored, columns []storedColumn, into *database.ProfiledTable, what view) error {
	return r.q.Ask(ctx, t.question(columns, what), nil, func(v [][]byte) (err error) {
		if into.Rows, err = strconv.ParseInt(string(v[0]), 10, 64); err != nil {
			return err
		}
		if what&wholeRows != 0 {
			into.Hash = string(v[2])
			if t.sample != nil {
				if t.sample.Rows, err = strconv.ParseInt(string(v[1]), 10, 64); err != nil {
					return err
				}
			}
		}
		if what&eachColumn == 0 {
			return nil
		}
		at := 3
		for _, c := range columns {
			filled, err := strconv.ParseInt(string(v[at+1]), 10, 64)
			if err != nil {
				return err
			}
			one := database.ProfiledColumn{Name: c.name, Hash: string(v[at]), Nulls: into.Rows - filled}
			at += 2
			if c.extreme {
				one.Least, one.Most = database.Extreme(v[at]), database.Extreme(v[at+1])
				at += 2
			}
			into.Columns = append(into.Columns, one)
		}
		return nil
	})
}
