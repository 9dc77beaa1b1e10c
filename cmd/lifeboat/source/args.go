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
