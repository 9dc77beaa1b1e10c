package postgres

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/verifier/database"
)

// options of pg_dump that leave out a kind of things.
var options = map[string][]string{
	"--no-publications": {"publication"}, "--no-subscriptions": nil, "--no-tablespaces": nil, "--no-security-labels": {"security label"},
	"--no-toast-compression": {compression}, "--no-table-access-method": {accessMethod}, "--no-statistics": nil, "--no-policies": {"policy"},
	"--no-unlogged-table-data": {unloggedRows},
}

// Parts of things that an option leaves out.
const (
	compression  = "compression"
	accessMethod = "access method of tables"
	unloggedRows = "rows of unlogged tables"
)

// leftOut are the kinds that a dump does not hold.
func leftOut(s database.Scope) (map[string]bool, error) {
	left := map[string]bool{"owner": s.NoOwner, "grant": s.NoGrants, "default privileges": s.NoGrants, "comment": s.NoComments}
	for _, o := range s.Other {
		kinds, known := options[o]
		if !known {
			return nil, fmt.Errorf("profile the database: nobody knows here what %s leaves out of a dump: take the dump without it", o)
		}
		for _, k := range kinds {
			left[k] = true
		}
	}
	return left, nil
}

// relationInScope is one that a dump holds.
type relationInScope struct {
	id, schema, name, kind string
	filled                 bool // its rows, or where a sequence stands, are held as well
}

// scoped are the relations and schemas that a dump holds, as pg_dump chooses: an identity's sequence goes with its table, and another
// that a column owns goes with it too.
const scoped = `with c as (select c.oid, c.relname, c.relkind, c.relpersistence, n.nspname, n.oid as ns, %s as wanted,
		(select d.refobjid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and c.relkind = 'S'
			and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i') limit 1) as owner,
		exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and c.relkind = 'S'
			and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype = 'i') as identity, not %s as filled
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and c.relpersistence <> 't'
	and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
	select c.oid, c.nspname, c.relname, c.relkind, c.filled and (c.relpersistence <> 'u' or %t) from c
	left join c t on t.oid = c.owner where case when c.identity then coalesce(t.wanted, false) else c.wanted or coalesce(t.wanted, false) end
	union all select n.oid, n.nspname, null, 'n', false from pg_namespace n where %s and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and not exists (select from pg_depend d where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
	order by 2, 3`

func (r *profiling) choose(ctx context.Context) error {
	visible, err := r.visible(ctx)
	if err != nil {
		return err
	}
	s := r.scope
	of := func(patterns []string) string { return anyOf(patterns, visible) }
	wanted, schemas := "true", "true"
	switch {
	case len(s.Tables) > 0:
		wanted, schemas = of(s.Tables), "false"
	default:
		if len(s.Schemas) > 0 {
			schemas = anySchema(s.Schemas)
		}
		if len(s.NoSchemas) > 0 {
			schemas += " and not " + anySchema(s.NoSchemas)
		}
		wanted = schemas
	}
	if len(s.NoTables) > 0 {
		wanted += " and not " + of(s.NoTables)
	}
	unfilled := "false"
	if len(s.NoRowsOf) > 0 {
		unfilled = of(s.NoRowsOf)
	}
	ask := fmt.Sprintf(scoped, "("+wanted+")", unfilled, !r.left[unloggedRows], "("+schemas+")")
	return r.q.Ask(ctx, ask, nil, func(v [][]byte) error {
		if string(v[3]) == "n" {
			r.namespaces = append(r.namespaces, string(v[0]))
			return nil
		}
		r.relations = append(r.relations, relationInScope{id: string(v[0]), schema: string(v[1]), name: string(v[2]), kind: string(v[3]),
			filled: string(v[4]) == "t" && !s.SchemaOnly})
		return nil
	})
}

// storing are the tables with pages of rows. An extension's own are not among them.
const storing = `select c.oid, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and pg_relation_size(c.oid) > 0
	and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
	order by 2, 3`

// outside are the tables of a copy whose rows its profile does not cover.
func (r *profiling) outside(ctx context.Context) error {
	if r.o.Like == nil || r.scope.String() == "" {
		return nil
	}
	covered := map[string]bool{}
	for _, x := range r.relations {
		covered[x.id] = x.filled
	}
	return r.q.Ask(ctx, storing, nil, func(v [][]byte) error {
		if !covered[string(v[0])] {
			r.into.Outside = append(r.into.Outside, named(nil, nil, v[1], v[2]))
		}
		return nil
	})
}

// visible is the condition under which a pattern without a schema is about a relation: pg_dump sees by the search path of its own
// session. A copy holds nothing else.
func (r *profiling) visible(ctx context.Context) (string, error) {
	s := r.scope
	if r.o.Like != nil || len(s.Tables)+len(s.NoTables)+len(s.NoRowsOf) == 0 {
		return "true", nil
	}
	if err := r.q.Ask(ctx, "select set_config('search_path', s.reset_val, true) from pg_settings s where s.name = 'search_path'", nil, skip); err != nil {
		return "", err
	}
	ids := []string{"0"}
	err := r.q.Ask(ctx, "select c.oid from pg_catalog.pg_class c where pg_catalog.pg_table_is_visible(c.oid)", nil, func(v [][]byte) error {
		ids = append(ids, string(v[0]))
		return nil
	})
	if err != nil {
		return "", err
	}
	_, err = r.q.c.Exec(ctx, "set local search_path = pg_catalog, pg_temp").ReadAll()
	return "c.oid in (select unnest('{" + strings.Join(ids, ",") + "}'::oid[]))", err
}

func anySchema(patterns []string) string {
	var all []string
	for _, p := range patterns {
		parts := pattern(p)
		all = append(all, "n.nspname ~"+expression(parts[len(parts)-1]))
	}
	return "(" + strings.Join(all, " or ") + ")"
}

func anyOf(patterns []string, visible string) string {
	var all []string
	for _, p := range patterns {
		parts := pattern(p)
		is := "c.relname ~" + expression(parts[len(parts)-1])
		if len(parts) > 1 {
			is += " and n.nspname ~" + expression(parts[len(parts)-2])
		} else {
			is += " and " + visible
		}
		all = append(all, "("+is+")")
	}
	return "(" + strings.Join(all, " or ") + ")"
}

// expression quotes a regular expression, whose backslashes stay.
func expression(e string) string {
	return " '" + strings.ReplaceAll(strings.ReplaceAll(e, "\x00", ""), "'", "''") + "'"
}

// pattern makes regular expressions of a pattern of psql and pg_dump, one for each part between dots: letters are small, * and ? are any, and
// what stands in quotes is itself. The rest of a regular expression stays one, but for $.
func pattern(text string) []string {
	parts, quoted := []string{""}, false
	runes := []rune(text)
	add := func(s string) { parts[len(parts)-1] += s }
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case c == '"' && quoted && i+1 < len(runes) && runes[i+1] == '"':
			add(`"`)
			i++
		case c == '"':
			quoted = !quoted
		case quoted && strings.ContainsRune(`|*+?()[]{}.^$\`, c):
			add(`\` + string(c))
		case quoted:
			add(string(c))
		case c == '*':
			add(".*")
		case c == '?':
			add(".")
		case c == '.':
			parts = append(parts, "")
		case c == '$':
			add(`\$`)
		case c >= 'A' && c <= 'Z':
			add(strings.ToLower(string(c)))
		case c == '[' && i+1 < len(runes) && runes[i+1] == ']':
			add(`\[\]`)
			i++
		default:
			add(string(c))
		}
	}
	for i, p := range parts {
		parts[i] = "^(" + p + ")$"
	}
	return parts
}
