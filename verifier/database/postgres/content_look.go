package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"lifeboat/verifier/database"
)

// owned are the relations that users have made.
const owned = `with own as (select c.*, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relpersistence <> 't'),
	members as (select d.classid, d.objid from pg_depend d where d.deptype = 'e') `

// No question casts a value to text to print it, since a database may bring a cast.

// counted are those relations by kind.
const counted = owned + `select case when o.oid in (select m.objid from members m where m.classid = 'pg_class'::regclass)
	then 'extension' else o.relkind::text end, count(*) from own o where o.relkind in ('r', 'p', 'v', 'm', 'f') group by 1 order by 1`

// tables that hold rows, the server's own among them, for large objects are there, and those of extensions.
const tables = `select c.oid, n.nspname, c.relname, n.nspname ~ '^pg_' or n.nspname = 'information_schema'
		or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'),
	has_table_privilege(c.oid, 'select'), row_security_active(c.oid)
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'm') and c.relispopulated and c.relpersistence <> 't' and n.nspname !~ '^pg_(toast|temp)'
	order by 2, 3`

// bases are types without the domains over them.
const bases = `with recursive base as (select t.oid, t.oid as real from pg_type t where t.typtype <> 'd'
	union all select t.oid, b.real from pg_type t join base b on t.typbasetype = b.oid and t.typtype = 'd') `

// texts are the columns that hold text, and how it is got without a cast that a database may have brought.
const texts = bases + `select a.attrelid, a.attname, case
	when b.real in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype, 'xml'::regtype)
		or exists (select from pg_cast k where k.castsource = b.real and k.casttarget = 'text'::regtype and k.castmethod = 'b')
		then '%s::text'
	when b.real = 'json'::regtype then 'textin(json_out(%s))'
	when b.real = 'jsonb'::regtype then 'textin(jsonb_out(%s))'
	else 'textin(array_out(%s))' end
	from pg_attribute a join base b on b.oid = a.atttypid
	where a.attnum > 0 and not a.attisdropped and pg_encoding_max_length((select d.encoding from pg_database d
		where d.datname = current_database())) > 1
	and (b.real in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype, 'xml'::regtype,
		'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype, 'varchar[]'::regtype, 'bpchar[]'::regtype)
		or exists (select from pg_cast k where k.castsource = b.real and k.casttarget = 'text'::regtype and k.castmethod = 'b'))
	order by a.attrelid, a.attnum`

// look is one look at all of a database.
type look struct {
	q      *session
	into   *database.Content
	tables []*table
	byID   map[string]*table
	drawn  []*drawn
}

// table that holds rows.
type table struct {
	id, schema, name string
	own              bool // a user's, not the server's or an extension's
	text             []text
	drawn            []*drawn
}

// text is a column that holds some.
type text struct{ column, form string }

func (t *table) String() string     { return t.schema + "." + t.name }
func (t *table) quoted() string     { return quote(t.schema) + "." + quote(t.name) }
func (t *table) of(c string) string { return t.String() + "." + c }

func (l *look) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{l.stands, l.count, l.list, l.sequences, l.rows, l.hold, l.see, l.twice} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stands looks whether what the questions call PostgreSQL's own is that.
func (l *look) stands(ctx context.Context) error {
	return l.q.shadows(ctx, nil, counted+tables+texts+draws+last+seen+grants+doubled+(&table{}).question("row()",
		[]text{{"c", "textin(array_out(json_out(jsonb_out(%s))))"}}, []*drawn{{by: 2}, {by: -2}}))
}

func (l *look) count(ctx context.Context) error {
	return l.q.Ask(ctx, counted, nil, func(v [][]byte) error {
		n, err := strconv.ParseInt(string(v[1]), 10, 64)
		if string(v[0]) == "r" {
			l.into.Tables = n
		} else {
			l.into.Others = append(l.into.Others, database.Found{What: string(v[0]), Count: n})
		}
		return err
	})
}

func (l *look) list(ctx context.Context) error {
	l.byID = map[string]*table{}
	err := l.q.Ask(ctx, tables, nil, func(v [][]byte) error {
		t := &table{id: string(v[0]), schema: string(v[1]), name: string(v[2]), own: string(v[3]) == "f"}
		allowed, hidden := string(v[4]) == "t", string(v[5]) == "t"
		switch {
		case !allowed && t.own:
			l.unread(t.String(), fmt.Sprintf("%s may not read it: ask as a superuser", l.q.s.User))
		case hidden:
			l.unread(t.String(), fmt.Sprintf("row security hides rows of it from %s: ask as a superuser", l.q.s.User))
		case allowed:
			l.tables, l.byID[t.id] = append(l.tables, t), t
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.q.Ask(ctx, texts, nil, func(v [][]byte) error {
		// Names in the server's own tables may be in the encoding of another database.
		if t := l.byID[string(v[0])]; t != nil && t.own {
			t.text = append(t.text, text{column: string(v[1]), form: string(v[2])})
		}
		return nil
	})
}

func (l *look) unread(where, says string) {
	l.into.Unread = append(l.into.Unread, database.Wrong{Where: where, Says: l.q.Hide(says)})
}

// note writes down what came of reading something.
func (l *look) note(where string, err error) {
	if fault := blame(err); fault != "" {
		l.wrong(fault, where, err.Error())
		return
	}
	l.unread(where, err.Error())
}

func (l *look) wrong(fault database.Fault, where, says string) {
	l.into.Wrong = append(l.into.Wrong, database.Wrong{Fault: fault, Where: where, Says: l.q.Hide(says)})
}

// seen is what may be so at the source, by kind and name. What an extension brings is its own affair.
const seen = owned + `, mine as (select o.oid, o.nspname, o.relname, o.relkind, o.relispopulated, o.relispartition, o.relacl from own o
		where o.oid not in (select m.objid from members m where m.classid = 'pg_class'::regclass))
	select 'not_valid', format('%s.%s.%s', r.nspname, r.relname, k.conname)
		from pg_constraint k join mine r on r.oid = k.conrelid where not k.convalidated
	union all select 'triggers_off', format('%s.%s.%s', r.nspname, r.relname, g.tgname)
		from pg_trigger g join mine r on r.oid = g.tgrelid where g.tgenabled = 'D'
	union all select 'index_invalid', format('%s.%s', r.nspname, r.relname)
		from pg_index i join mine r on r.oid = i.indexrelid where not i.indisvalid
	union all select 'view_unfilled', format('%s.%s', r.nspname, r.relname) from mine r where r.relkind = 'm' and not r.relispopulated
	union all select 'no_key', format('%s.%s', r.nspname, r.relname) from mine r
		where r.relkind in ('r', 'p') and not r.relispartition
		and not exists (select from pg_constraint k where k.conrelid = r.oid and k.contype = 'p')
	order by 1, 2`

// grants are those on what users have made, and those that what they make next will have.
const grants = owned + `select (select count(*) from own o where o.relacl is not null)
	+ (select count(*) from pg_namespace n where n.nspacl is not null and n.nspname !~ '^pg_'
		and n.nspname not in ('public', 'information_schema'))
	+ (select count(*) from pg_default_acl)`

func (l *look) see(ctx context.Context) error {
	err := l.q.Ask(ctx, seen, nil, func(v [][]byte) error {
		l.found(string(v[0]), string(v[1]))
		return nil
	})
	if err != nil || l.into.Tables == 0 {
		return err
	}
	return l.q.Ask(ctx, grants, nil, func(v [][]byte) error {
		if string(v[0]) == "0" {
			l.into.Seen = append(l.into.Seen, database.Found{What: "no_grant"})
		}
		return nil
	})
}

// mostNamed things of one kind are named.
const mostNamed = 10

// found counts one thing more of a kind.
func (l *look) found(what, name string) {
	i := slices.IndexFunc(l.into.Seen, func(f database.Found) bool { return f.What == what })
	if i < 0 {
		i = len(l.into.Seen)
		l.into.Seen = append(l.into.Seen, database.Found{What: what})
	}
	f := &l.into.Seen[i]
	if f.Count++; len(f.Names) < mostNamed {
		f.Names = append(f.Names, l.q.Hide(name))
	}
}

// doubled counts, of some values of a column, those that are more than ASCII, and of these those in which the bytes of one
// character of UTF-8 stand as a character each, as Windows-1252 and ISO 8859-1 show them.
const doubled = `select count(*), count(*) filter (where v ~ '%s')
	from (select left(%s, 2000) collate "C" as v from (select t.%s as c from only %s t limit 2000) s) x
	where octet_length(v) <> length(v)`

// follows are the characters of the bytes 80 to BF there.
const follows = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"

// twiceEncoded is a first byte of UTF-8 and those that follow it.
const twiceEncoded = "[\u00c2\u00c3]" + follows + "|[\u00e0-\u00ef]" + follows + "{2}|[\u00f0-\u00f4]" + follows + "{3}"

// twice looks for text that was encoded twice. A capital before a quotation mark looks alike, so a few values are nothing.
func (l *look) twice(ctx context.Context) error {
	if l.q.c.ParameterStatus("server_encoding") != "UTF8" {
		return nil
	}
	var questions, columns []string
	for _, t := range l.tables {
		for _, x := range t.text {
			columns = append(columns, t.of(x.column))
			questions = append(questions, fmt.Sprintf(doubled, twiceEncoded, fmt.Sprintf(x.form, "c"), quote(x.column), t.quoted()))
		}
	}
	_, fatal := l.q.tries(ctx, questions, func(i int, rows [][][]byte, _ error) error { // what cannot be read is known by now
		for _, v := range rows {
			all, _ := strconv.ParseInt(string(v[0]), 10, 64)
			twice, _ := strconv.ParseInt(string(v[1]), 10, 64)
			if twice >= 3 && twice*10 >= all {
				l.found("text_twice", columns[i])
			}
		}
		return nil
	})
	return fatal
}
