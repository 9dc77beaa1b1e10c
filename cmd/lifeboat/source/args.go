package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/verifier/database"
)

// Dump is what a command line of pg_dump asks for.
type Dump struct {
	Where Where
	Scope database.Scope
	File  string // that it writes; "": standard output
}

// option of a program that dumps: whether it takes a value, and what it means here.
type option struct {
	long  string
	short byte
	value bool
	means func(d *Dump, value string) (problem string)
}

// ParseDump reads the command line of a pg_dump, all that is wrong with it at once.
func ParseDump(args []string) (Dump, []string) {
	d, problems := Dump{}, []string(nil)
	if len(args) == 0 || !strings.HasPrefix(filepath.Base(args[0]), "pg_dump") {
		return d, []string{"after -- stands the command line of pg_dump: lifeboat profile -- pg_dump -Fc -f shop.dump shop"}
	}
	if strings.HasPrefix(filepath.Base(args[0]), "pg_dumpall") {
		return d, []string{"pg_dumpall has no --snapshot, so that it cannot share one: stop what writes, and run lifeboat profile --all-databases beside it"}
	}
	add := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	p := parser{program: "pg_dump", rest: args[1:]}
	p.positional = func(arg string) string {
		if p.named {
			return fmt.Sprintf("pg_dump takes one database, and %q is another", arg)
		}
		p.named, d.Where.Dial = true, arg
		return ""
	}
	p.options = p.pgDump()
	for len(p.rest) > 0 {
		add(p.next(&d))
	}
	if !p.create && (p.format == "" || p.format[0] == 'p') {
		d.Scope.NoDatabase = true
	}
	return d, problems
}

type parser struct {
	program      string
	options      []option
	positional   func(arg string) (problem string)
	rest         []string
	ended, named bool // by --; a database's name was there
	create       bool
	format       string
}

// next takes one argument, with its value.
func (p *parser) next(d *Dump) (problem string) {
	arg := p.rest[0]
	p.rest = p.rest[1:]
	switch {
	case arg == "--" && !p.ended:
		p.ended = true
		return ""
	case !p.ended && strings.HasPrefix(arg, "--"):
		return p.long(d, arg[2:])
	case !p.ended && len(arg) > 1 && arg[0] == '-':
		return p.short(d, arg[1:])
	}
	return p.positional(arg)
}

// long finds an option by its name or by the beginning of it, as getopt_long does.
func (p *parser) long(d *Dump, text string) string {
	name, value, given := strings.Cut(text, "=")
	var found []option
	for _, o := range p.options {
		switch {
		case o.long == name:
			return p.take(d, o, "--"+name, value, given)
		case strings.HasPrefix(o.long, name):
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return fmt.Sprintf("nobody here knows what %s --%s leaves out: take the dump without it", p.program, name)
	case 1:
		return p.take(d, found[0], "--"+name, value, given)
	}
	return fmt.Sprintf("%s --%s may be several options: write it out", p.program, name)
}

// short takes the options of one argument: -Fc, -xO.
func (p *parser) short(d *Dump, letters string) string {
	for i := range len(letters) {
		k := slices.IndexFunc(p.options, func(o option) bool { return o.short == letters[i] })
		if k < 0 {
			return fmt.Sprintf("nobody here knows what %s -%c leaves out: take the dump without it", p.program, letters[i])
		}
		o := p.options[k]
		rest := letters[i+1:]
		if problem := p.take(d, o, "-"+letters[i:i+1], rest, rest != "" && o.value); problem != "" || o.value {
			return problem
		}
	}
	return ""
}

func (p *parser) take(d *Dump, o option, name, value string, given bool) string {
	switch {
	case o.value && !given && len(p.rest) == 0:
		return fmt.Sprintf("%s %s wants a value", p.program, name)
	case o.value && !given:
		value, p.rest = p.rest[0], p.rest[1:]
	case !o.value && given && strings.HasPrefix(name, "--"):
		return fmt.Sprintf("%s %s takes no value", p.program, name)
	}
	if o.means == nil {
		return ""
	}
	return o.means(d, value)
}

// The kinds of options: those that change nothing of what is in a dump, and those that do.
func plain(long string, short byte) option  { return option{long: long, short: short} }
func valued(long string, short byte) option { return option{long: long, short: short, value: true} }

func sets(long string, short byte, set func(d *Dump)) option {
	return option{long: long, short: short, means: func(d *Dump, _ string) string { set(d); return "" }}
}

func takes(long string, short byte, take func(d *Dump, value string)) option {
	return option{long: long, short: short, value: true, means: func(d *Dump, value string) string { take(d, value); return "" }}
}

// pgDump are those of pg_dump 12 to 18, by what they do to a profile.
func (p *parser) pgDump() []option {
	refused := func(long string, short byte, value bool, why string) option {
		return option{long: long, short: short, value: value, means: func(*Dump, string) string { return "pg_dump --" + long + ": " + why }}
	}
	leaves := func(long string) option {
		return sets(long, 0, func(d *Dump) { d.Scope.Other = append(d.Scope.Other, "--"+long) })
	}
	const half = "a profile is of all of what is dumped, or of --schema-only or --data-only: take the dump without it"
	return []option{
		// whose database
		takes("host", 'h', func(d *Dump, v string) { d.Where.Host = v }), takes("port", 'p', func(d *Dump, v string) { d.Where.Port = v }),
		takes("username", 'U', func(d *Dump, v string) { d.Where.User = v }),
		takes("dbname", 'd', func(d *Dump, v string) { p.named, d.Where.Dial = true, v }), plain("no-password", 'w'),
		refused("password", 'W', false, "nobody can be asked twice: give it by PGPASSWORD or PGPASSFILE"),
		// what is in it
		takes("schema", 'n', func(d *Dump, v string) { d.Scope.Schemas = append(d.Scope.Schemas, v) }),
		takes("exclude-schema", 'N', func(d *Dump, v string) { d.Scope.NoSchemas = append(d.Scope.NoSchemas, v) }),
		takes("table", 't', func(d *Dump, v string) { d.Scope.Tables = append(d.Scope.Tables, v) }),
		takes("exclude-table", 'T', func(d *Dump, v string) { d.Scope.NoTables = append(d.Scope.NoTables, v) }),
		takes("exclude-table-data", 0, func(d *Dump, v string) { d.Scope.NoRowsOf = append(d.Scope.NoRowsOf, v) }),
		sets("schema-only", 's', func(d *Dump) { d.Scope.SchemaOnly = true }), sets("no-data", 0, func(d *Dump) { d.Scope.SchemaOnly = true }),
		sets("data-only", 'a', func(d *Dump) { d.Scope.DataOnly = true }), sets("no-schema", 0, func(d *Dump) { d.Scope.DataOnly = true }),
		sets("no-owner", 'O', func(d *Dump) { d.Scope.NoOwner = true }), sets("no-privileges", 'x', func(d *Dump) { d.Scope.NoGrants = true }),
		sets("no-acl", 0, func(d *Dump) { d.Scope.NoGrants = true }), sets("no-comments", 0, func(d *Dump) { d.Scope.NoComments = true }),
		sets("no-blobs", 'B', func(d *Dump) { d.Scope.NoBlobs = true }), sets("no-large-objects", 0, func(d *Dump) { d.Scope.NoBlobs = true }),
		leaves("no-publications"), leaves("no-subscriptions"), leaves("no-tablespaces"), leaves("no-security-labels"), leaves("no-toast-compression"),
		leaves("no-table-access-method"), leaves("no-statistics"), leaves("no-policies"), leaves("no-unlogged-table-data"),
		// how it is written
		takes("file", 'f', func(d *Dump, v string) { d.File = v }), takes("format", 'F', func(_ *Dump, v string) { p.format = v }),
		sets("create", 'C', func(*Dump) { p.create = true }), plain("clean", 'c'), plain("if-exists", 0), valued("jobs", 'j'), valued("compress", 'Z'),
		valued("encoding", 'E'), valued("superuser", 'S'), plain("verbose", 'v'), plain("no-reconnect", 'R'), plain("blobs", 'b'),
		plain("large-objects", 0), plain("inserts", 0), plain("column-inserts", 0), plain("attribute-inserts", 0), valued("rows-per-insert", 0),
		plain("on-conflict-do-nothing", 0), plain("disable-dollar-quoting", 0), plain("disable-triggers", 0), plain("quote-all-identifiers", 0),
		plain("use-set-session-authorization", 0), plain("load-via-partition-root", 0), plain("strict-names", 0), plain("no-sync", 0),
		valued("sync-method", 0), valued("lock-wait-timeout", 0), valued("role", 0), valued("restrict-key", 0), plain("statistics", 0),
		plain("with-statistics", 0),
		// what cannot go with a profile
		refused("snapshot", 0, true, "lifeboat gives its own: delete it"),
		refused("serializable-deferrable", 0, false, "it waits for a snapshot of its own: delete it, lifeboat's is as consistent"),
		refused("section", 0, true, half), refused("extension", 'e', true, half), refused("exclude-extension", 0, true, half),
		refused("table-and-children", 0, true, "name the tables with --table"),
		refused("exclude-table-and-children", 0, true, "name the tables with --exclude-table"),
		refused("exclude-table-data-and-children", 0, true, "name the tables with --exclude-table-data"),
		refused("filter", 0, true, "write its lines as options: --table, --exclude-table …"),
		refused("include-foreign-data", 0, true, "rows of another server are in no snapshot of this one: take the dump without it"),
		refused("enable-row-security", 0, false, "rows that are hidden from the user would be in neither: dump as a user who sees all of them"),
		refused("extra-float-digits", 0, true, "with other digits a copy holds other numbers: take the dump without it"),
		refused("binary-upgrade", 0, false, "it is for pg_upgrade alone"), refused("statistics-only", 0, false, "there is nothing in it to compare"),
		refused("sequence-data", 0, false, half),
		refused("help", '?', false, "run pg_dump by itself for that"), refused("version", 'V', false, "run pg_dump by itself for that"),
	}
}
