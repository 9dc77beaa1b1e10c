package postgres

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/verifier/database"
)

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
