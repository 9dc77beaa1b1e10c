package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"lifeboat/verifier/database"
)

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
