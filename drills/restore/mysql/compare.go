package mysql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/mysql/session"
)

// catalogue lists, for each kind of object of a dump, what a server has of that kind in a database, and of tables the engine.
var catalogue = map[string]string{
	mysqldump.Table: `select table_name, coalesce(engine, '') from information_schema.tables
		where table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') and table_schema = `, // mydumper makes a sequence as a table with SEQUENCE=1
	mysqldump.View:      "select table_name, '' from information_schema.tables where table_type = 'VIEW' and table_schema = ",
	mysqldump.Sequence:  "select table_name, '' from information_schema.tables where table_type = 'SEQUENCE' and table_schema = ",
	mysqldump.Trigger:   "select trigger_name, '' from information_schema.triggers where trigger_schema = ",
	mysqldump.Procedure: "select routine_name, '' from information_schema.routines where routine_type = 'PROCEDURE' and routine_schema = ",
	mysqldump.Function:  "select routine_name, '' from information_schema.routines where routine_type = 'FUNCTION' and routine_schema = ",
	mysqldump.Package:   "select routine_name, '' from information_schema.routines where routine_type like 'PACKAGE%' and routine_schema = ",
	mysqldump.Event:     "select event_name, '' from information_schema.events where event_schema = ",
}

// rowless are engines that hold no rows of their own.
var rowless = []string{"BLACKHOLE", "FEDERATED", "CONNECT", "SPIDER", "MRG_MyISAM", "MRG_MYISAM"}

// compare looks for every object that the dump makes, in the database where it puts it, and counts the rows of every table.
func (l *load) compare(ctx context.Context) error {
	var fold bool
	if row, err := session.Texts(ctx, l.conn, "select @@global.lower_case_table_names"); err != nil || len(row) != 1 {
		return fmt.Errorf("look for what was restored on %s: %w", l.machine.Name(), err)
	} else if fold = row[0][0] != "0"; fold {
		l.Note("names of tables are in lower case on this server")
	}
	there := map[string]map[string]string{} // by kind and database
	var missing []string
	for _, o := range l.dump.Objects() {
		database := cmp.Or(o.Database, l.database)
		of := o.Kind + " " + database
		if there[of] == nil {
			rows, err := session.Texts(ctx, l.conn, catalogue[o.Kind]+session.Literal(database))
			if err != nil {
				return fmt.Errorf("look for what was restored on %s: %w", l.machine.Name(), err)
			}
			there[of] = map[string]string{}
			for _, r := range rows {
				there[of][strings.ToLower(r[0])] = r[1] // names of routines and events are alike in both cases
				there[of]["="+r[0]] = r[1]
			}
		}
		key := "=" + o.Name
		if fold || o.Kind != mysqldump.Table && o.Kind != mysqldump.View && o.Kind != mysqldump.Sequence && o.Kind != mysqldump.Trigger {
			key = strings.ToLower(o.Name)
		}
		engine, ok := there[of][key]
		if !ok {
			missing = append(missing, o.Kind+" "+o.Name)
			continue
		}
		if o.Kind == mysqldump.Table {
			if err := l.count(ctx, o, database, engine); err != nil {
				return err
			}
		}
	}
	if len(missing) > 0 {
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf(
			"%d object(s) that it names are not there after the load: %s", len(missing), dump.Few(missing))}
	}
	return nil
}

// count compares the rows that the dump adds to a table with those that it has.
func (l *load) count(ctx context.Context, o mysqldump.Object, database, engine string) error {
	for _, r := range rowless {
		if engine == r {
			return nil
		}
	}
	want, unsure := l.dump.Rows(o)
	from := "select count(*) from " + session.Name(database) + "." + session.Name(o.Name)
	row, err := session.Texts(ctx, l.conn, from)
	if err != nil {
		return fmt.Errorf("count the rows of %s on %s: %w", o.Name, l.machine.Name(), err)
	}
	has, err := strconv.ParseInt(row[0][0], 10, 64)
	if err != nil {
		return fmt.Errorf("count the rows of %s on %s: %w", o.Name, l.machine.Name(), err)
	}
	if has == want {
		return nil
	}
	if all, err := session.Texts(ctx, l.conn, from+" for system_time all"); err == nil && all[0][0] == strconv.FormatInt(want, 10) {
		return nil // it is versioned, and the dump holds the rows that were, too (--dump-history)
	}
	if unsure && has > 0 && has < want {
		l.Note("of %d rows of table %s %d are left: others of them took their place, or they were passed over (--replace, --insert-ignore)", want, o.Name,
			has)
		return nil
	}
	return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf("table %s: it holds %d rows, the table has %d", o.Name, want, has)}
}

// atEnd says what the dump as a whole does not hold, and what was made of it.
func (l *load) atEnd(ctx context.Context) error {
	d := l.dump
	if want := l.set.Database; want != "" && !contains(l.made, want) {
		return l.lacks(record.LackDatabase, "it holds %s, and not %s, which restore.database names", dump.Few(d.Databases()), want)
	}
	if len(d.Objects()) == 0 {
		return l.lacks(record.LackDatabase, "it makes no table and nothing else in any database")
	}
	left := d.Left
	if l.folder != nil {
		left = slices.Concat(left, l.folder.Notes)
	}
	for _, text := range left {
		l.Notes, l.Said = append(l.Notes, text), append(l.Said, *record.SaidOf(text))
	}
	if d.Position != "" {
		l.Note("it is as of this position of the server that was dumped: %s", d.Position)
	}
	for _, what := range d.Pointing {
		l.Note("it leads to another server, which is not reached from here: %s", what)
	}
	if !d.Known() {
		l.Note("it says neither at its beginning nor at its end what it is (--compact): whether its end is missing is not known")
	}
	if !d.AnyRows() {
		l.Note("it holds no row of any table (mysqldump --no-data): that it could be restored says nothing of data")
	}
	for _, o := range d.Objects() {
		if o.Kind == mysqldump.Event {
			l.Note("its events do not run here (event_scheduler is off)")
			break
		}
	}
	if from := l.stranger(); from != "" && from != "unknown" {
		l.Note("it was dumped from %s, and this server is %s", from, l.product())
	}
	return l.dropUnfilled(ctx)
}

// dropUnfilled takes away the database that the image made at its first start, where the dump fills others and it is empty: it would look
// like one that the backup lost.
func (l *load) dropUnfilled(ctx context.Context) error {
	who, err := l.login(l.machine.Name(), nil)
	if err != nil || who.database == "" || contains(l.made, who.database) {
		return err
	}
	for _, of := range catalogue {
		if there, err := session.Texts(ctx, l.conn, of+session.Literal(who.database)); err != nil || len(there) > 0 {
			return err
		}
	}
	const schema = "select schema_name from information_schema.schemata where schema_name = "
	if there, err := session.Texts(ctx, l.conn, schema+session.Literal(who.database)); err != nil || len(there) == 0 {
		return err
	}
	if _, err := l.conn.ExecContext(ctx, "drop database "+session.Name(who.database)); err != nil {
		return fmt.Errorf("drop the empty database %s: %w", who.database, err)
	}
	l.Note("the database %s, which the image makes at its first start, was dropped: it was empty, and the dump does not fill it", who.database)
	return nil
}

func contains(all []string, one string) bool {
	return slices.ContainsFunc(all, func(a string) bool { return strings.EqualFold(a, one) })
}
