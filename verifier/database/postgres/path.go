package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/internal/lazy"
	"lifeboat/verifier/database"
)

// Look makes ready for a query that names what it likes: its unqualified names are looked for in pg_catalog and then
// in the schemas of Path, without one in public, whatever the role or the database is set to. *DoubtError: a name in
// it stands for more than one thing there, so that its answer could be that of something else.
func (q *session) Look(ctx context.Context, query string) error {
	schemas := q.s.Path
	if schemas == nil {
		schemas = []string{"public"}
	}
	if err := q.shadows(ctx, schemas, query); err != nil {
		return err
	}
	path := []string{"pg_catalog"}
	for _, s := range schemas {
		path = append(path, quote(s))
	}
	_, err := q.c.Exec(ctx, "set local search_path = "+strings.Join(append(path, "pg_temp"), ", ")).ReadAll()
	return classify(cause(err))
}

// ambiguous lists what means something else in this database than in a fresh one: tables that are in several schemas
// or not on the path, and functions and operators for PostgreSQL's own types under names of its own. Those that an
// extension brings are for types of its own, or wanted. 16384 is the first number of an object that users make.
const ambiguous = `with path as (select oid, nspname from pg_namespace where nspname in (%s))
	select case when bool_or(n.oid in (select oid from path)) then 'table' else 'elsewhere' end, c.relname::text,
		string_agg(n.nspname || '.' || c.relname, ' and ' order by n.nspname)
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	group by c.relname having count(*) > 1 or not bool_or(n.oid in (select oid from path))
	union all
	select 'function', p.proname::text, path.nspname || '.' || p.proname
	from pg_proc p join path on path.oid = p.pronamespace
	where p.oid >= 16384 and not exists (select from unnest(p.proargtypes::oid[]) a(t) where a.t >= 16384)
	and exists (select from pg_proc o where o.proname = p.proname and o.oid < 16384)
	and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
		and d.deptype = 'e')
	union all
	select 'operator', p.oprname::text, path.nspname || '.' || p.oprname
	from pg_operator p join path on path.oid = p.oprnamespace
	where p.oid >= 16384 and p.oprleft < 16384 and p.oprright < 16384
	and exists (select from pg_operator o where o.oprname = p.oprname and o.oid < 16384)
	and not exists (select from pg_depend d where d.classid = 'pg_operator'::regclass and d.objid = p.oid
		and d.deptype = 'e')`

// shadows finds what a query could take for something else.
func (q *session) shadows(ctx context.Context, schemas []string, query string) error {
	var list []string
	for _, s := range append([]string{"pg_catalog"}, schemas...) {
		list = append(list, literal(s))
	}
	words := unqualified(query)
	var found error
	err := q.Ask(ctx, fmt.Sprintf(ambiguous, strings.Join(list, ", ")), nil, func(v [][]byte) error {
		kind, name, all := string(v[0]), string(v[1]), string(v[2])
		switch used := slices.Contains(words, name); {
		case kind == "elsewhere" && used:
			q.elsewhere = append(q.elsewhere, all)
		case kind == "table" && used && q.s.Path == nil:
			found = doubt("database %s has %s: name one of them with its schema, or give search_path", q.s.Database, all)
		case kind == "function" && used, kind == "operator" && strings.Contains(query, name):
			found = doubt("database %s has the %s %s, which stands in for PostgreSQL's own: name tables with their schemas, "+
				"give search_path: [], and look at what it does", q.s.Database, kind, all)
		}
		return nil
	})
	return errors.Join(found, err)
}

// undefined is the SQLSTATE of a table that is not on the path.
const undefined = "42P01"

// misplaced tells where a table is that a query looked for in vain.
func (q *session) misplaced(err error) error {
	var pg *pgconn.PgError
	if len(q.elsewhere) == 0 || !errors.As(err, &pg) || pg.Code != undefined {
		return err
	}
	return doubt("%v, but %s is there: name it with its schema, or give search_path", err, strings.Join(q.elsewhere, ", "))
}

var (
	word   = lazy.Regexp(`"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*`)
	dotted = lazy.Regexp(`\.\s*$`)
)

// unqualified are the words of a query that may be names without a schema; also those that stand in a text or a
// comment of it, since whoever tells those apart wrongly would miss a name.
func unqualified(query string) []string {
	var words []string
	for _, at := range word().FindAllStringIndex(query, -1) {
		if dotted().MatchString(query[:at[0]]) {
			continue
		}
		w := query[at[0]:at[1]]
		if strings.HasPrefix(w, `"`) {
			words = append(words, strings.ReplaceAll(w[1:len(w)-1], `""`, `"`))
			continue
		}
		words = append(words, strings.ToLower(w))
	}
	return words
}

// kinds of what may bear a table's name, as pg_class calls them.
var kinds = map[string]string{"v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence"}

// relations that bear a name: schema, kind, and whether row security hides rows of it from whoever asks.
const relations = `select n.nspname::text, c.relkind::text, row_security_active(c.oid)::text
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relname = %s and `

// inSchemas are all but PostgreSQL's own.
const inSchemas = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`

// Table finds a table by its name as it is really spelled, and gives it quoted and with its schema. A name without one
// is that of the first schema of Path that has it, or without a Path of the only schema; what a role or a database is
// set to search takes no part. *DoubtError: it is in several schemas, it is no table, or rows of it are hidden
// from this user. Any other error is the server's answer.
func (q *session) Table(ctx context.Context, name string) (string, error) {
	if err := q.shadows(ctx, nil, own); err != nil {
		return "", err
	}
	schema, table, qualified := strings.Cut(name, ".")
	where := "n.nspname = " + literal(schema)
	if !qualified {
		table, where = name, inSchemas
	}
	var found []relation
	err := q.Ask(ctx, fmt.Sprintf(relations, literal(table))+where, nil, func(v [][]byte) error {
		found = append(found, relation{schema: string(v[0]), kind: string(v[1]), hidden: string(v[2]) == "true"})
		return nil
	})
	if !qualified && q.s.Path != nil {
		found = first(found, q.s.Path)
	}
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("there is no table %s in database %s", name, q.s.Database)
	case len(found) > 1:
		var all []string
		for _, r := range found {
			all = append(all, r.schema+"."+table)
		}
		return "", doubt("database %s has %s: name one of them with its schema, or give search_path", q.s.Database,
			strings.Join(all, " and "))
	}
	one := found[0]
	if kind, other := kinds[one.kind]; other {
		return "", doubt("%s.%s in database %s is %s, not a table, so it holds no rows of its own: name the table, or ask "+
			"with a query", one.schema, table, q.s.Database, kind)
	}
	if one.hidden {
		return "", doubt("row security hides rows of %s.%s from %s: ask as the table's owner or as a superuser", one.schema,
			table, q.s.User)
	}
	return quote(one.schema) + "." + quote(table), nil
}

// relation that bears the name of a table.
type relation struct {
	schema, kind string
	hidden       bool // some of its rows, by row security
}

func doubt(format string, args ...any) error {
	return &database.DoubtError{Reason: fmt.Sprintf(format, args...)}
}

// own are the names that the questions of checks use themselves.
const own = "count max to_char pg_typeof timezone timestamptz"

// first keeps the relation of the first schema of a path that has one.
func first(all []relation, path []string) []relation {
	for _, schema := range path {
		for _, r := range all {
			if r.schema == schema {
				return []relation{r}
			}
		}
	}
	return nil
}
