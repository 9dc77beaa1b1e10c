package mysql

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// sequenceValue is the kind of what heeds no transaction: where a sequence stands, or the next number of AUTO_INCREMENT.
const sequenceValue = "sequence value"

// here is the condition that something belongs to the database: the names of databases differ in upper and lower case.
func (d *one) here(column string) string {
	name := literal(d.into.Database)
	return " where " + column + " = " + name + " and binary " + column + " = " + name
}

// itself is what the database gives to tables and routines that are made in it.
func (d *one) itself(ctx context.Context) error {
	return d.q.Ask(ctx, "select default_character_set_name, default_collation_name from information_schema.schemata"+d.here("schema_name"), nil,
		func(v [][]byte) error {
			if !d.scope.NoDatabase {
				d.add("database", "character set", kept(string(v[0]), string(v[1])))
			}
			return nil
		})
}

// relation is a table, a view or a sequence.
type relation struct {
	name, kind, engine, collation string
	next                          string // AUTO_INCREMENT
	bytes                         int64
}

// foreigners are engines whose rows lie elsewhere, or nowhere, so that dumps hold none; some of their options are passwords.
var foreigners = []string{"FEDERATED", "CONNECT", "SPIDER", "BLACKHOLE", "MRG_MYISAM", "OQGRAPH", "VP", "S3"}

func (d *one) relations(ctx context.Context) error {
	var all []relation
	if err := d.q.Ask(ctx, `select table_name, table_type, coalesce(engine, ''), coalesce(table_collation, ''), coalesce(auto_increment, ''),
		coalesce(data_length, 0) from information_schema.tables`+d.here("table_schema")+" order by 1", nil, func(v [][]byte) error {
		bytes, err := strconv.ParseInt(string(v[5]), 10, 64)
		all = append(all, relation{string(v[0]), string(v[1]), string(v[2]), string(v[3]), string(v[4]), bytes})
		return err
	}); err != nil {
		return err
	}
	columns, err := d.columns(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		made := ""
		if d.holds(t.name) {
			if made, err = d.made(ctx, t); err != nil {
				return fmt.Errorf("read what makes %s: %w", named(t.name), err)
			}
		}
		switch {
		case t.kind == "VIEW" && made != "":
			rest, by := defined(strings.ReplaceAll(made, quote(d.into.Database)+".", "")) // it is named where the definer may not see what is viewed
			d.add("view", named(t.name), strings.TrimPrefix(rest, "CREATE "))
			d.add("definer", "view "+named(t.name), by)
		case t.kind == "SEQUENCE" && made != "":
			err = d.sequence(ctx, t.name)
		case t.kind == "BASE TABLE", t.kind == "SYSTEM VERSIONED":
			one := &stored{relation: t, columns: columns[t.name]}
			if made != "" {
				d.table(one, made)
			}
			d.store(one, made != "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// columns of all tables, by the tables' names; each table's are in the order of their names.
func (d *one) columns(ctx context.Context) (map[string][]storedColumn, error) {
	all := map[string][]storedColumn{}
	err := d.q.Ask(ctx, `select table_name, column_name, data_type, coalesce(character_set_name, ''), coalesce(collation_name, ''),
		coalesce(generation_expression, ''), column_key from information_schema.columns`+d.here("table_schema"), nil, func(v [][]byte) error {
		c := storedColumn{name: string(v[1]), kind: strings.ToLower(string(v[2])), kept: kept(string(v[3]), string(v[4])), key: string(v[6]) == "PRI"}
		row := strings.ToUpper(string(v[5]))
		c.moment = row == "ROW START" || row == "ROW END"
		all[string(v[0])] = append(all[string(v[0])], c)
		return nil
	})
	for _, columns := range all {
		slices.SortFunc(columns, func(a, b storedColumn) int { return strings.Compare(a.name, b.name) })
	}
	return all, err
}

// made is the statement that makes a table or a view, as dumps have it. Of what cannot be made any more it says so, as a copy's would.
func (d *one) made(ctx context.Context, t relation) (text string, err error) {
	what := "table "
	if t.kind == "VIEW" {
		what = "view "
	}
	err = d.q.Ask(ctx, "show create "+what+quote(t.name), nil, func(v [][]byte) error {
		if text = string(v[1]); t.kind == "VIEW" {
			text += ", " + kept(string(v[2]), string(v[3]))
		}
		return nil
	})
	if number(err) == 1356 { // a view of what is not there
		return "CREATE of what is not there", nil
	}
	return text, err
}

func (d *one) table(t *stored, made string) {
	inside, options, parts := clauses(made)
	var order []string
	for _, c := range inside {
		name := named(t.name, c.name)
		switch {
		case c.name == "":
			name = named(t.name)
		case c.kind == "column":
			order = append(order, named(c.name))
			i := slices.IndexFunc(t.columns, func(o storedColumn) bool { return o.name == c.name })
			if i < 0 {
				t.unread = fmt.Sprintf("column %s of it is hidden from %s", c.name, d.q.s.User)
				break
			}
			c.is = strings.Join(strings.Fields(columnOf(c.is)+", "+t.columns[i].kept), " ")
			c.is = strings.TrimSuffix(c.is, ",")
		}
		d.add(c.kind, name, c.is)
	}
	if slices.Contains(foreigners, strings.ToUpper(t.engine)) {
		options = t.engine + " " + database.Fingerprint([]byte(options))
	}
	d.add("table", named(t.name), optionsOf(options), kept("", t.collation))
	d.add("columns", named(t.name), strings.Join(order, ", "))
	if parts != "" {
		d.add("partitions", named(t.name), strings.Join(strings.Fields(parts), " "))
	}
	if t.next != "" {
		d.add(sequenceValue, named(t.name), "next "+t.next+" by 1")
	}
}

func (d *one) sequence(ctx context.Context, name string) error {
	return d.q.Ask(ctx, "select minimum_value, maximum_value, start_value, increment, cache_size, cycle_option, next_not_cached_value from "+quote(name), nil,
		func(v [][]byte) error {
			d.add("sequence", named(name), "from "+words(v[:2], " to "), "starts with "+words(v[2:4], " by "), "cache "+words(v[4:6], ", cycle "))
			d.add(sequenceValue, named(name), "next "+string(v[6])+" by "+string(v[3]))
			return nil
		})
}

// keptAs is how the text of a routine is understood. What its database gives to it is the database's own, where a dump does not make that.
func (d *one) keptAs(client, connection, database []byte) string {
	if d.scope.NoDatabase {
		database = nil
	}
	return kept(string(client), strings.TrimSpace(string(connection)+" "+string(database)))
}

// leaves notes whether a database has any of what its dump leaves out.
func (d *one) leaves(ctx context.Context, kind, column string) error {
	return d.q.Ask(ctx, "select 1 from information_schema."+kind+d.here(column)+" limit 1", nil, func([][]byte) error {
		d.lacking["--skip-"+kind] = true
		return nil
	})
}

func (d *one) triggers(ctx context.Context) error {
	if d.left("triggers") {
		return d.leaves(ctx, "triggers", "trigger_schema")
	}
	if err := d.seen("triggers", "TRIGGER"); err != nil {
		return err
	}
	return d.q.Ask(ctx, `select trigger_name, event_object_table, action_timing, event_manipulation, action_order, action_statement, sql_mode, definer,
		character_set_client, collation_connection, database_collation from information_schema.triggers`+d.here("trigger_schema"), nil, func(v [][]byte) error {
		name := named(string(v[1]), string(v[0]))
		if !d.holds(string(v[1])) {
			return nil
		}
		d.add("trigger", name, words(v[2:5], " "), body(v[5]), string(v[6]), d.keptAs(v[8], v[9], v[10]))
		d.add("definer", "trigger "+name, string(v[7]))
		return nil
	})
}

func words(v [][]byte, between string) string { return string(bytes.Join(v, []byte(between))) }

// body stands for the text of a routine, which may hold secrets.
func body(text []byte) string { return database.Fingerprint([]byte(strings.TrimSpace(string(text)))) }

func (d *one) routines(ctx context.Context) error {
	if d.left("routines") {
		return d.leaves(ctx, "routines", "routine_schema")
	}
	var all [][2]string
	if err := d.q.Ask(ctx, "select routine_name, routine_type from information_schema.routines"+d.here("routine_schema"), nil, func(v [][]byte) error {
		all = append(all, [2]string{string(v[0]), string(v[1])})
		return nil
	}); err != nil {
		return err
	}
	for _, r := range all {
		err := d.q.Ask(ctx, "show create "+r[1]+" "+quote(r[0]), nil, func(v [][]byte) error {
			if v[2] == nil {
				return d.hidden("the text of "+r[0]+" and perhaps other routines", "SELECT on mysql.*")
			}
			text, by := defined(string(v[2]))
			kind := strings.ToLower(r[1])
			d.add(kind, named(r[0]), body([]byte(text)), string(v[1]), d.keptAs(v[3], v[4], v[5]))
			d.add("definer", kind+" "+named(r[0]), by)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read routine %s: %w", r[0], err)
		}
	}
	if len(all) > 0 || !d.mariadb && d.seen("routines", "SELECT", "SHOW_ROUTINE") == nil {
		return nil
	}
	// Where there is none, somebody who sees no routine of others must not say so.
	for _, g := range d.grants {
		if granted(g, "mysql", []string{"SELECT"}) || granted(g, d.into.Database, []string{"SHOW CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"}) {
			return nil
		}
	}
	return d.hidden("routines", "SELECT on mysql.*")
}

func (d *one) events(ctx context.Context) error {
	if d.left("events") {
		return d.leaves(ctx, "events", "event_schema")
	}
	if err := d.seen("events", "EVENT"); err != nil {
		return err
	}
	return d.q.Ask(ctx, `select event_name, event_type, coalesce(execute_at, ''), coalesce(interval_value, ''), coalesce(interval_field, ''), coalesce(starts, ''),
		coalesce(ends, ''), status, on_completion, time_zone, event_definition, sql_mode, event_comment, definer, character_set_client, collation_connection,
		database_collation from information_schema.events`+d.here("event_schema"), nil, func(v [][]byte) error {
		name := named(string(v[0]))
		d.add("event", name, strings.Join(strings.Fields(words(v[1:10], " ")), " "), body(v[10]),
			string(v[11]), string(v[12]), d.keptAs(v[14], v[15], v[16]))
		d.add("definer", "event "+name, string(v[13]))
		return nil
	})
}
