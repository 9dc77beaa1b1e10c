package mydumper

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
)

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}

// judge holds what was read against what the metadata and the files say of each other.
func (f *Folder) judge() error {
	text, err := f.metadataOf()
	if err != nil {
		return err
	}
	f.Said = understood(text)
	switch {
	case f.Said.Started == "":
		return damage("its file metadata is none of mydumper's: it does not say when it was started")
	case f.Said.Ended == "":
		return damage("it is incomplete: its file metadata does not say that mydumper finished it")
	}
	slices.SortFunc(f.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	for _, look := range []func() error{f.restorable, f.counted, f.made, f.listed, f.whole} {
		if err := look(); err != nil {
			return err
		}
	}
	return nil
}

// restorable names what is not restored of what mydumper can write.
func (f *Folder) restorable() error {
	if f.Said.ansi {
		return lack(record.LackForm, "its names stand in double quotes (sql_mode ANSI_QUOTES at the source): such dumps are not restored")
	}
	for _, o := range f.files {
		switch {
		case o.is == rowsElse:
			return lack(record.LackForm, "rows of it lie in files that LOAD DATA reads, such as %s (mydumper --load-data, --csv): such dumps are not restored", o.path)
		case o.is == notUpdated && strings.TrimSpace(f.texts[o.path]) != "":
			return lack(record.LackWhole, "tables that had not changed for some days are not in it (mydumper --updated-since): %s lists them", o.path)
		case o.is == tablespaces:
			f.note("tablespaces were left out: tables lie where the server puts them")
		}
	}
	return nil
}

// counted takes the numbers of rows of tables that have files of their own for them, as some versions before 0.14 wrote them.
func (f *Folder) counted() error {
	for _, o := range f.files {
		if o.is != rowCount {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(f.texts[o.path]), 10, 64)
		if err != nil {
			return damage("%s does not say how many rows its table has: it is cut off, or another file", o.path)
		}
		f.Said.rows[o.key()], f.Said.Counted = n, true
		f.Said.listed = append(f.Said.listed, o.key())
	}
	return nil
}

// made looks for the files that make the databases, tables and views of which others lie there.
func (f *Folder) made() error {
	schemas, data := 0, ""
	for _, key := range f.keys() {
		if t := f.tables[key]; t.schema != nil {
			schemas++
		} else if len(t.chunks) > 0 && data == "" {
			data = t.chunks[0].path
		}
	}
	switch {
	case data != "" && schemas == 0:
		return lack(record.LackTables, "it holds rows and not the tables that they belong to (mydumper --no-schemas)")
	case data != "":
		return damage("the file that makes the table is missing, of which rows lie there: %s", data)
	}
	for _, o := range f.files {
		if _, known := f.names[o.database]; known || o.database == "" || mysqldump.System(o.database) {
			continue
		}
		if len(f.names) == 0 {
			return lack(record.LackDatabase, "no file of it makes a database: %s-schema-create.sql is not there", o.database)
		}
		return damage("%s-schema-create.sql is missing, which makes the database of %s", o.database, o.path)
	}
	for _, key := range f.keys() {
		if t := f.tables[key]; t.view && !f.has(createsView, key) {
			return damage("%s-schema-view.sql is missing, which makes a view: %s only keeps its place", key, t.schema.path)
		}
	}
	return nil
}

// keys of tables that are restored, sorted.
func (f *Folder) keys() []string {
	all := slices.Sorted(maps.Keys(f.tables))
	return slices.DeleteFunc(all, func(key string) bool { database, _, _ := strings.Cut(key, "."); return mysqldump.System(database) })
}

// has tells whether a file of a kind is there, of a table or of a database.
func (f *Folder) has(is part, key string) bool {
	return slices.ContainsFunc(f.files, func(o file) bool { return o.is == is && (o.key() == key || o.table == "" && o.database == key) })
}

// listed looks for the files of what the metadata list.
func (f *Folder) listed() error {
	for _, key := range f.Said.listed {
		database, _, _ := strings.Cut(key, ".")
		if mysqldump.System(database) || f.has(createsTable, key) || f.has(createsSequence, key) || f.has(createsView, key) {
			continue
		}
		return damage("its metadata list %s, and no file makes that: %s-schema.sql is missing", key, key)
	}
	for _, key := range f.Said.triggers {
		if database, _, _ := strings.Cut(key, "."); !f.has(createsTriggers, key) && !f.has(createsTriggers, database) {
			return damage("its metadata say that table %s has triggers, and %s-schema-triggers.sql is missing", key, key)
		}
	}
	for _, database := range f.Said.post {
		if !mysqldump.System(database) && !f.has(createsPost, database) {
			return damage("its metadata say that database %s has routines or events, and %s-schema-post.sql is missing", database, database)
		}
	}
	return nil
}

// whole holds the rows that were counted against those that the metadata say, and looks for chunks that are missing where they say none: a
// range of keys without rows has no file, so that a gap alone says nothing.
func (f *Folder) whole() error {
	for _, key := range f.keys() {
		t := f.tables[key]
		if t.view {
			continue
		}
		missing := gap(t.chunks)
		want, known := f.Said.rows[key]
		switch {
		case known && want != t.rows:
			return damage("rows of table %s are missing, or are too many: its metadata say %d, and its files hold %d%s", key, want, t.rows, missing)
		case !known && missing != "" && !f.unsure:
			return lack(record.LackChunks, "nobody can know whether rows of table %s are missing%s, and nothing says how many there were (mydumper writes no file "+
				"for a range without rows; take it all the same with restore.unmarked)", key, missing)
		}
	}
	if !f.Said.Counted && len(f.tables) > 0 {
		f.note("it does not say how many rows its tables have, as newer versions of mydumper do: the file of a table's last rows may be missing, and does not show")
	}
	return nil
}

// gap names the first chunk that is missing between others.
func gap(chunks []file) string {
	var all []int
	for _, c := range chunks {
		first, _, _ := strings.Cut(c.chunk, ".")
		if n, err := strconv.Atoi(first); err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	next := 0
	for i, n := range slices.Compact(all) {
		if n > next && (i > 0 || n > 1) { // with --chunk-filesize they begin at 1
			c := chunks[0]
			return fmt.Sprintf(" (%s.%05d.sql is not there)", c.key(), next)
		}
		next = n + 1
	}
	return ""
}
