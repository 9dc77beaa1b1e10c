package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// catalogue lists, for each kind of entry in a dump's table of contents, what a
// database has of that kind: schema (or "") and name as the dump writes it.
var catalogue = map[string]string{
	"TABLE":             relations("'r', 'p'"),
	"VIEW":              relations("'v'"),
	"MATERIALIZED VIEW": relations("'m'"),
	"SEQUENCE":          relations("'S'"),
	"FOREIGN TABLE":     relations("'f'"),
	"INDEX":             relations("'i', 'I'"),
	"SCHEMA":            "select '', nspname::text from pg_namespace",
	"EXTENSION":         "select '', extname::text from pg_extension",
	"TYPE":              types, "DOMAIN": types,
	"FUNCTION": functions, "PROCEDURE": functions, "AGGREGATE": functions,
	"CONSTRAINT": constraints, "FK CONSTRAINT": constraints, "CHECK CONSTRAINT": constraints,
	"TRIGGER": ofTable("tgname", "pg_trigger", "tgrelid"),
	"POLICY":  ofTable("polname", "pg_policy", "polrelid"),
	"RULE":    ofTable("rulename", "pg_rewrite", "ev_class"),
	"DEFAULT": `select n.nspname::text, c.relname || ' ' || a.attname from pg_attrdef d
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
		join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace`,
	"ROW SECURITY": `select n.nspname::text, c.relname::text from pg_class c
		join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity`,
	"PUBLICATION":   "select '', pubname::text from pg_publication",
	"EVENT TRIGGER": "select '', evtname::text from pg_event_trigger",
	"STATISTICS": `select n.nspname::text, s.stxname::text from pg_statistic_ext s
		join pg_namespace n on n.oid = s.stxnamespace`,
	"MATERIALIZED VIEW DATA": `select n.nspname::text, c.relname::text from pg_class c
		join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and c.relispopulated`,
}

const (
	types = `select n.nspname::text, t.typname::text from pg_type t join pg_namespace n on n.oid = t.typnamespace`
	// The dump's list of arguments is not spelt like any function of the server: names must do.
	functions   = `select n.nspname::text, p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace`
	constraints = `select n.nspname::text, coalesce(c.relname, t.typname) || ' ' || o.conname from pg_constraint o
		left join pg_class c on c.oid = o.conrelid left join pg_type t on t.oid = o.contypid
		join pg_namespace n on n.oid = o.connamespace`
)

func relations(kinds string) string {
	return `select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in (` + kinds + `)`
}

func ofTable(name, catalogue, table string) string {
	return fmt.Sprintf(`select n.nspname::text, c.relname || ' ' || x.%s from %s x join pg_class c on c.oid = x.%s
		join pg_namespace n on n.oid = c.relnamespace`, name, catalogue, table)
}

// compare looks for every object that the dump names, in the database where the dump puts it: a damaged
// table of contents can make pg_restore leave something out in silence.
func (l *load) compare(ctx context.Context) error {
	wanted := map[string]map[string][]pgdump.Entry{} // by database and kind
	encodings := map[string]string{}
	for _, e := range l.entries {
		if _, ok := catalogue[e.Desc]; !ok && e.Desc != tableData {
			continue
		}
		t := l.at
		if e.Database != "" {
			t = l.called(e.Database)
		}
		database := t.loading
		encodings[database] = t.encoding
		if wanted[database] == nil {
			wanted[database] = map[string][]pgdump.Entry{}
		}
		wanted[database][e.Desc] = append(wanted[database][e.Desc], e)
	}
	var missing []string
	for _, database := range slices.Sorted(maps.Keys(wanted)) {
		names, err := l.missing(ctx, database, encodings[database], wanted[database])
		if err != nil {
			return err
		}
		missing = append(missing, names...)
	}
	if len(missing) > 0 {
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf(
			"%d object(s) that it names are not there after the load: %s", len(missing), dump.Few(missing))}
	}
	return nil
}

// missing lists the entries that a database does not have.
func (l *load) missing(ctx context.Context, database, encoding string,
	wanted map[string][]pgdump.Entry) ([]string, error) {
	conn, err := l.connect(ctx, l.machine, database)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s on %s: %w", database, l.machine.Name(), err)
	}
	defer hangUp(ctx, conn)
	if err := l.speak(ctx, conn, encoding); err != nil {
		return nil, err
	}
	if err := l.withoutRows(ctx, conn, wanted["TABLE"], wanted[tableData]); err != nil {
		return nil, err
	}
	delete(wanted, tableData)
	var missing []string
	for _, kind := range slices.Sorted(maps.Keys(wanted)) { // two runs on one backup say the same
		there, err := list(ctx, conn, catalogue[kind])
		if err != nil {
			return nil, fmt.Errorf("look for what was restored on %s: %w", l.machine.Name(), err)
		}
		for _, e := range wanted[kind] {
			if !there[key(e)] {
				missing = append(missing, e.Name())
			}
		}
	}
	return missing, nil
}

const tableData = "TABLE DATA"

// withoutRows tells of tables whose rows were not dumped, while those of others were: pg_dump writes where they begin of an empty table, too, and of
// partitioned ones alone it does not.
func (l *load) withoutRows(ctx context.Context, conn *pgx.Conn, tables, data []pgdump.Entry) error {
	tables = slices.DeleteFunc(slices.Clone(tables), func(e pgdump.Entry) bool {
		return slices.Contains(l.set.LeaveOut.Tables, e.Namespace+"."+e.Tag)
	})
	given := map[string]bool{}
	for _, e := range data {
		given[key(e)] = true
	}
	if len(data) == 0 || !slices.ContainsFunc(tables, func(e pgdump.Entry) bool { return !given[key(e)] }) {
		return nil
	}
	own, err := list(ctx, conn, relations("'r'"))
	if err != nil {
		return fmt.Errorf("look for what was restored on %s: %w", l.machine.Name(), err)
	}
	var without []string
	for _, e := range tables {
		if own[key(e)] && !given[key(e)] {
			without = append(without, e.Namespace+"."+e.Tag)
		}
	}
	if len(without) > 0 {
		l.noteOnce("the rows of %d of its tables were not dumped (pg_dump --exclude-table-data or --no-unlogged-table-data), and nothing is known of them: %s",
			len(without), dump.Few(without))
	}
	return nil
}

// key is how an entry stands in the catalogue's lists.
func key(e pgdump.Entry) string {
	tag := e.Tag
	switch e.Desc {
	case "FUNCTION", "PROCEDURE", "AGGREGATE":
		tag, _, _ = strings.Cut(tag, "(")
	}
	return oneLine(e.Namespace + "\x00" + tag)
}

// oneLine is a name as plain dumps head it: breaks are blanks there.
func oneLine(name string) string {
	if !strings.ContainsAny(name, "\n\r") {
		return name
	}
	return strings.NewReplacer("\n", " ", "\r", " ").Replace(name)
}

func list(ctx context.Context, conn *pgx.Conn, query string) (map[string]bool, error) {
	rows, err := texts(ctx, conn, query)
	names := map[string]bool{}
	for _, row := range rows {
		names[oneLine(row[0]+"\x00"+row[1])] = true
	}
	return names, err
}
