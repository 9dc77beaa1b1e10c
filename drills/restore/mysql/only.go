package mysql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/mysql/session"
	"lifeboat/scenarios"
)

// choice is what of a dump was taken where the scenario names parts of it.
type choice struct {
	left  []string           // databases, and objects of those of which some tables are restored
	out   []mysqldump.Object // such objects
	stand []standing         // what was taken and may stand on what was not
}

// standing is a view or a trigger.
type standing struct {
	mysqldump.Object
	on    string // the table of a trigger
	names []mysqldump.Object
}

// leaves tells whether a statement is of what is left out: of another database, or another table of one of which some are named.
func (l *load) leaves(s mysqldump.Statement) bool {
	if len(l.set.Only) == 0 || s.Verb() == "SET" {
		return false
	}
	_, of := s.Target()
	o, table := s.Subject()
	o.Database = cmp.Or(of, o.Database, l.dump.Using(), l.database)
	creates := s.Verb() == "CREATE"
	if !l.takes(o, table) {
		if creates && o.Kind != mysqldump.Trigger && l.tablesOf(o.Database) {
			l.leaveOut(o)
		}
		return true
	}
	if creates && (o.Kind == mysqldump.View || o.Kind == mysqldump.Trigger) {
		l.stand = append(l.stand, standing{o, table, s.Names()})
	}
	return false
}

// takes tells whether an object is restored; table is the one that a trigger stands on.
func (l *load) takes(o mysqldump.Object, table string) bool {
	switch {
	case slices.Contains(l.set.Only, o.Database):
		return true
	case !l.tablesOf(o.Database):
		return false
	}
	switch o.Kind {
	case "", mysqldump.Sequence: // values of columns may come from any sequence
		return true
	case mysqldump.Table, mysqldump.View, mysqldump.Trigger:
		return slices.Contains(l.set.Only, o.Database+"."+cmp.Or(table, o.Name))
	}
	return false
}

// tablesOf tells whether the scenario names tables of a database.
func (l *load) tablesOf(database string) bool {
	return slices.ContainsFunc(l.set.Only, func(name string) bool { return strings.HasPrefix(name, database+".") })
}

// leaveOut remembers an object. That which is made first in the place of a view is a table.
func (l *load) leaveOut(o mysqldump.Object) {
	l.out = slices.DeleteFunc(l.out, func(x mysqldump.Object) bool {
		return x.Database == o.Database && x.Name == o.Name && (x.Kind == o.Kind || x.Kind == mysqldump.Table && o.Kind == mysqldump.View)
	})
	l.out = append(l.out, o)
}

// databases are those that the dump holds.
func (l *load) databases() []string {
	all := slices.Clone(l.dump.Databases())
	if len(all) == 0 {
		all = append(all, l.database)
	}
	slices.Sort(all)
	return all
}

// spelt is an object as people are told of it.
func spelt(o mysqldump.Object) string {
	name := o.Database + "." + o.Name
	if o.Kind != mysqldump.Table {
		name = o.Kind + " " + name
	}
	return name
}

// partly judges what was taken out of a dump that was read to its end, and says what was left out.
func (l *load) partly() error {
	if len(l.set.Only) == 0 {
		return nil
	}
	databases := l.databases()
	held := slices.Clone(databases)
	for _, o := range slices.Concat(l.dump.Objects(), l.out) {
		if o.Kind == mysqldump.Table || o.Kind == mysqldump.View || o.Kind == mysqldump.Sequence {
			held = append(held, cmp.Or(o.Database, l.database)+"."+o.Name)
		}
	}
	for _, name := range l.set.Only {
		if slices.Contains(held, name) {
			continue
		}
		hint := scenarios.Nearest(name, held, "it holds ")
		if hint != "" {
			hint = " (" + hint + ")"
		}
		if strings.Contains(name, ".") {
			return l.lacks(record.LackPart, "it does not hold %s, which restore.only names%s", name, hint)
		}
		return l.lacks(record.LackPart, "it does not hold database %s, which restore.only names%s", name, hint)
	}
	whole := true
	for _, d := range databases {
		if l.tablesOf(d) && !slices.Contains(l.set.Only, d) {
			whole = false
		} else if !slices.Contains(l.set.Only, d) {
			l.left = append(l.left, d)
		}
	}
	var tables, code []string
	for _, o := range l.out {
		if o.Kind == mysqldump.Table {
			tables = append(tables, spelt(o))
		} else {
			code = append(code, spelt(o))
		}
	}
	slices.Sort(code)
	if l.left = slices.Concat(l.left, tables, code); len(l.left) == 0 {
		return nil
	}
	if !l.dump.AnyRows() {
		return l.lacks(record.LackPart, "what restore.only names of it has not one row, which proves nothing")
	}
	if whole {
		l.Note("only database %s of the dump was restored: nothing is known of %s", l.set.Only.String(), dump.Few(l.left))
		return nil
	}
	l.Note("only %s of the dump was restored: nothing is known of %s", l.set.Only.String(), dump.Few(l.left))
	if len(code) > 0 {
		l.Note("views, routines and events beside its tables were left out: %s", dump.Few(code))
	}
	return nil
}

// part is what of the backup was restored, where that is not all of it.
func (l *load) part() *record.Part {
	if len(l.left) == 0 {
		return nil
	}
	return &record.Part{Only: l.set.Only.String(), Left: dump.Few(l.left)}
}

// without is what something names of what was left out; "": nothing.
func (l *load) without(x standing) string {
	for _, n := range x.names {
		database := cmp.Or(n.Database, x.Database)
		if slices.ContainsFunc(l.out, func(o mysqldump.Object) bool { return o.Is(database, n.Name) }) ||
			database != x.Database && slices.Contains(l.left, database) {
			return database + "." + n.Name
		}
	}
	return ""
}

// stands refuses a view that reads what was left out: it cannot be made.
func (l *load) stands(s mysqldump.Statement) error {
	if len(l.stand) == 0 || s.Verb() != "CREATE" {
		return nil
	}
	x := l.stand[len(l.stand)-1]
	if o, _ := s.Subject(); o.Kind != mysqldump.View || o.Name != x.Name {
		return nil
	}
	if to := l.without(x); to != "" {
		return l.lacks(record.LackPart, "view %s reads %s, which restore.only leaves out: name that, too", x.Database+"."+x.Name, to)
	}
	return nil
}

// untie takes away what was restored and leads to what was not: the first row that is added would fail by it.
func (l *load) untie(ctx context.Context) error {
	if len(l.left) == 0 {
		return nil
	}
	do := func(what, statement string) error {
		if _, err := l.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("take %s away: %w", what, err)
		}
		return nil
	}
	for _, x := range l.stand {
		to := l.without(x)
		if to == "" || x.Kind != mysqldump.Trigger {
			continue
		}
		if err := do(spelt(x.Object), "drop trigger "+session.Name(x.Database)+"."+session.Name(x.Name)); err != nil {
			return err
		}
		l.Note("trigger %s of table %s was left out: it names %s, which was not restored", x.Name, x.Database+"."+x.on, to)
	}
	for _, database := range l.made {
		keys, err := session.Texts(ctx, l.conn, danglingKeys+session.Literal(database))
		if err != nil {
			return fmt.Errorf("look for foreign keys on %s: %w", l.machine.Name(), err)
		}
		for _, k := range keys {
			table, key, to := k[0], k[1], mysqldump.Object{Database: k[2], Name: k[3]}
			if !slices.Contains(l.left, to.Database) && !slices.ContainsFunc(l.out, func(o mysqldump.Object) bool { return o.Is(to.Database, to.Name) }) {
				continue // the dump itself does not have it
			}
			if err := do("foreign key "+key, "alter table "+session.Name(database)+"."+session.Name(table)+" drop foreign key "+session.Name(key)); err != nil {
				return err
			}
			l.Note("foreign key %s was left out: it leads to a table that was not restored", database+"."+table+" "+key)
		}
	}
	return nil
}

// danglingKeys are the foreign keys of a database whose table is not there.
const danglingKeys = `select r.table_name, r.constraint_name, r.unique_constraint_schema, r.referenced_table_name
	from information_schema.referential_constraints r left join information_schema.tables t
	on t.table_schema = r.unique_constraint_schema and t.table_name = r.referenced_table_name
	where t.table_name is null and r.constraint_schema = `
