// Package mydumper reads the folders that mydumper writes: a file for each database, table, view and chunk of rows, and one that says what all of them
// are. It names what is missing or cut before anything boots, and gives the rest as one text, in the order in which it can be loaded.
package mydumper

import (
	"path"
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// part is what a file of the folder holds.
type part int

const (
	nothing    part = iota // of mydumper's
	metadata               // of all of it
	partial                // the metadata of a run that was not ended
	rowCount               // of one table
	createsOne             // database
	createsTable
	createsSequence
	rowsOf // a table
	rowsElse
	createsPost // routines and events of a database
	createsView
	createsTriggers
	tablespaces
	notUpdated // tables that were left out
)

// The end of a file's name says what it holds.
var endings = []struct {
	suffix string
	is     part
}{{"-schema-create.sql", createsOne}, {"-schema-create-tablespace.sql", tablespaces}, {"-schema-post.sql", createsPost},
	{"-schema-triggers.sql", createsTriggers}, {"-schema-view.sql", createsView},
	{"-schema-sequence.sql", createsSequence}, {"-schema.sql", createsTable}, {"-metadata", rowCount}}

// file is one of the folder, by its name.
type file struct {
	path            string
	is              part
	database, table string // as they are spelled in names of files: others than these where a name has odd characters
	chunk           string // of rows: "00003" or "00003.00001"; "": the only one
}

var (
	packed = []string{".gz", ".zst", ".xz", ".bz2", ".lz4"}
	number = lazy.Regexp(`^\d+$`)
)

// fileOf tells what a file is.
func fileOf(at string) file {
	f := file{path: at}
	name := path.Base(at)
	switch name {
	case "metadata":
		f.is = metadata
		return f
	case "metadata.partial", "metadata.header":
		f.is = partial
		return f
	case "not_updated_tables":
		f.is = notUpdated
		return f
	}
	if ext := path.Ext(name); slices.Contains(packed, ext) {
		name = strings.TrimSuffix(name, ext)
	}
	for _, e := range endings {
		if of, ok := strings.CutSuffix(name, e.suffix); ok && of != "" {
			f.is = e.is
			f.database, f.table, _ = strings.Cut(of, ".")
			return f
		}
	}
	switch path.Ext(name) {
	case ".sql":
		return f.rows(name)
	case ".dat", ".csv": // what LOAD DATA reads
		f.is = rowsElse
	}
	return f
}

// rows takes DATABASE.TABLE.sql, DATABASE.TABLE.00001.sql, DATABASE.TABLE.00001.00002.sql and what 0.10 makes of them with --chunk-filesize,
// DATABASE.TABLE.00000.sql.00002.sql, apart.
func (f file) rows(name string) file {
	words := strings.Split(strings.TrimSuffix(name, ".sql"), ".")
	if len(words) < 2 || words[0] == "" || words[1] == "" {
		return f
	}
	end := len(words)
	for end > 2 && (number().MatchString(words[end-1]) || words[end-1] == "sql") {
		end--
	}
	chunk := slices.DeleteFunc(slices.Clone(words[end:]), func(w string) bool { return w == "sql" })
	f.is, f.database, f.table, f.chunk = rowsOf, words[0], strings.Join(words[1:end], "."), strings.Join(chunk, ".")
	return f
}

// key names a table in a folder.
func (f file) key() string { return f.database + "." + f.table }
