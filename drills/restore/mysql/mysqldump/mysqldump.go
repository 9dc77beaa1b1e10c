// Package mysqldump reads what mysqldump, mariadb-dump and their like write: statement by statement, without a server, to the end. It tells
// what a dump makes and adds, whether it is whole, and refuses what no program that dumps writes.
package mysqldump

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// Dump is what a dump tells as it is read. The fields below are filled by Read.
type Dump struct {
	// Out takes the dump, without what is left out; nil: it is only read.
	Out io.Writer
	// OnStatement is called before Out has a statement that is passed on; leave tells that it must not have it, and before is one that it
	// has first. Of one that adds rows only the beginning may be known.
	OnStatement func(s Statement) (before string, leave bool, err error)

	Tool     string   // such as MySQL or MariaDB; "": no header says it
	Server   string   // the version of the server that was dumped
	Name     string   // the database that the header names; "": none, or several
	Ended    string   // the closing line's time; "": none
	Position string   // of the server that was dumped, where the dump says it
	Left     []string // what was left out, one kind a line
	Pointing []string // what leads to other servers: engines and CREATE SERVER
	Whole    bool     // it holds the server's own database, and so all of them
	Plain    bool     // it has no header: it was made without comments
	Homeless string   // the table of the first rows that came before any table was made; "": none did

	headers int
	closed  bool            // by its closing line
	saved   map[string]bool // variables that it saved and has to restore at its end
	before  string          // what Out has before the present statement
	use     string          // the database in use; "": the one that it is loaded into
	tables  bool            // it made one
	objects map[[2]string]Object
	rows    map[Object]int64
	unsure  map[Object]bool // tables whose rows are replaced or passed over
	own     []string        // databases that it makes or uses
	strange string          // a second dump's database, which nothing leads to
}

// New makes one that has read nothing.
func New() *Dump {
	return &Dump{saved: map[string]bool{}, objects: map[[2]string]Object{}, rows: map[Object]int64{}, unsure: map[Object]bool{}}
}

// Part makes one of a part of a dump: what makes its tables stands in another.
func Part() *Dump {
	d := New()
	d.tables = true
	return d
}

// Read reads a dump to its end. *dump.Damage: what is wrong with it.
func (d *Dump) Read(r io.Reader) error { return newScanner(d).read(d.broken(r)) }

// Objects are what must be there after the load. A Database of "" is the one that it is loaded into.
func (d *Dump) Objects() []Object {
	return slices.SortedFunc(maps.Values(d.objects), func(a, b Object) int {
		return strings.Compare(a.Kind+"\x00"+a.Database+"\x00"+a.Name, b.Kind+"\x00"+b.Database+"\x00"+b.Name)
	})
}

// Rows are how many rows it adds to a table; unsure: it may be fewer in the end.
func (d *Dump) Rows(table Object) (n int64, unsure bool) { return d.rows[table], d.unsure[table] }

// Added are the tables that it adds rows to.
func (d *Dump) Added() []Object {
	return slices.SortedFunc(maps.Keys(d.rows), func(a, b Object) int { return strings.Compare(a.Database+"\x00"+a.Name, b.Database+"\x00"+b.Name) })
}

// Using is the database in use; "": the one that it is loaded into.
func (d *Dump) Using() string { return d.use }

// AnyRows tells whether it adds any.
func (d *Dump) AnyRows() bool { return len(d.rows) > 0 }

// Databases are those that it makes or uses by name, the server's own left out.
func (d *Dump) Databases() []string { return d.own }

// Mixed is the database of another dump that stands behind the first and makes or uses none; "": there is none.
func (d *Dump) Mixed() string { return d.strange }

// Known tells whether it can be told that the dump is whole: by its closing line, or as it restores at its end what it saved at its beginning.
func (d *Dump) Known() bool { return d.closed || len(d.saved) > 0 }

var (
	tool     = lazy.Regexp(`^-- (MySQL|MariaDB) dump \S+`)
	header   = lazy.Regexp(`^-- Host: (\S*)\s+Database: (.*)$`)
	version  = lazy.Regexp(`^-- Server version\s+(\S+)`)
	closing  = lazy.Regexp(`^-- Dump completed(?: on\s+(\d{4}-\d\d-\d\d)\s+(\d{1,2}:\d\d:\d\d))?\s*$`)
	position = lazy.Regexp(`^-- ((?:CHANGE (?:MASTER|REPLICATION SOURCE) TO|SET GLOBAL gtid_slave_pos|SET @@GLOBAL.GTID_PURGED).*?);?$`)
)

// comment is called with each line that is one; within: inside a statement.
func (d *Dump) comment(line string, within bool) error {
	if within {
		return nil
	}
	if m := tool().FindStringSubmatch(line); m != nil {
		d.Tool, d.closed = m[1], false
		d.headers++
		return nil
	}
	if m := header().FindStringSubmatch(line); m != nil {
		if name := strings.TrimSpace(m[2]); d.headers > 1 && name != d.Name {
			d.strange = name // until it leads somewhere
		} else {
			d.Name = name
		}
		return nil
	}
	if m := version().FindStringSubmatch(line); m != nil {
		d.Server = m[1]
		return nil
	}
	if m := closing().FindStringSubmatch(line); m != nil {
		if d.closed = true; m[1] != "" {
			clock := m[2]
			if len(clock) == len("1:02:03") {
				clock = "0" + clock
			}
			d.Ended = m[1] + " " + clock
		}
		return nil
	}
	if m := position().FindStringSubmatch(line); m != nil {
		d.at(m[1])
		return nil
	}
	if strings.HasPrefix(line, "-- insufficient privileges to") {
		return &dump.Damage{Reason: fmt.Sprintf("it is incomplete: whoever dumped it might not read all of it: %q", clip(line[3:]))}
	}
	return nil
}

// at remembers a position, without what may be a password.
func (d *Dump) at(text string) {
	if strings.Contains(strings.ToUpper(text), "PASSWORD") || d.Position != "" && strings.Contains(d.Position, text) {
		return
	}
	if d.Position != "" {
		d.Position += "; "
	}
	d.Position += brief(text)
}

// close is the end of the dump.
func (d *Dump) close() error {
	d.Plain = d.headers == 0
	switch {
	case d.Homeless != "" && d.tables:
		return &dump.Damage{Reason: fmt.Sprintf("rows of table %s come before any table is made: what made it is missing", d.Homeless)}
	case d.closed:
		return nil
	case d.headers > 0:
		return &dump.Damage{Reason: "it is incomplete: its closing line (-- Dump completed) is missing"}
	}
	for _, name := range slices.Sorted(maps.Keys(d.saved)) {
		if d.saved[name] {
			return &dump.Damage{Reason: fmt.Sprintf("it is incomplete: it saves %s at its beginning and never restores it", name)}
		}
	}
	return nil
}

// note remembers that something was left out.
func (d *Dump) note(what string) {
	if !slices.Contains(d.Left, what) {
		d.Left = append(d.Left, what)
	}
}

func hostile(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf("it holds what no program that dumps writes: %s", fmt.Sprintf(format, args...))}
}
