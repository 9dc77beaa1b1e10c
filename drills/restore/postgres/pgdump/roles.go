package pgdump

import (
	"slices"
	"strings"
)

// Roles lists the roles that a statement of pg_dump needs: owners, grantees,
// those of policies, default privileges and user mappings, each once.
func (s Statement) Roles() []string {
	f := &roleFinder{t: s.f.t}
	switch {
	case f.starts("grant"), f.starts("revoke"):
		f.after(0, "to", "from", "by") // GRANTED BY
	case f.starts("alter", "default", "privileges"):
		f.after(0, "role", "user")
		f.after(0, "to", "from")
	case f.starts("create", "policy"), f.starts("alter", "policy"):
		f.after(f.find(0, "on"), "to")
	case f.starts("set", "session", "authorization"):
		f.list(3)
	case f.starts("set", "role"):
		f.list(2)
	case f.starts("create", "schema"):
		f.after(0, "authorization")
	case f.starts("create", "user", "mapping"):
		f.after(0, "for")
	case f.starts("alter", "role"), f.starts("alter", "user"):
		if !f.is(2, "mapping") {
			f.list(2)
		}
	case f.starts("alter"):
		for i := range f.t {
			if f.is(i, "owner") && f.is(i+1, "to") {
				f.list(i + 2)
			}
		}
	}
	return f.found
}

type roleFinder struct {
	t     []token
	found []string
}

// is tells whether a word stands at i, outside parentheses.
func (f *roleFinder) is(i int, word string) bool {
	return i < len(f.t) && !f.t[i].quoted && f.t[i].depth == 0 && f.t[i].text == word
}

func (f *roleFinder) starts(words ...string) bool {
	for i, w := range words {
		if !f.is(i, w) {
			return false
		}
	}
	return true
}

// find gives where a word stands, or the end.
func (f *roleFinder) find(from int, word string) int {
	for i := from; i < len(f.t); i++ {
		if f.is(i, word) {
			return i
		}
	}
	return len(f.t)
}

// after reads the lists behind the words. An object may be called like one of them,
// but then pg_dump quotes its name.
func (f *roleFinder) after(from int, words ...string) {
	for i := from; i < len(f.t); i++ {
		for _, w := range words {
			if f.is(i, w) {
				f.list(i + 1)
			}
		}
	}
}

// notRoles are words that stand where a role's name can.
var notRoles = set("public", "current_user", "session_user", "current_role", "user", "none", "default", "all")

// list reads names with commas between them.
func (f *roleFinder) list(i int) {
	for {
		if f.is(i, "group") || f.is(i, "role") {
			i++
		}
		if i >= len(f.t) || f.t[i].depth != 0 {
			return
		}
		name := f.t[i]
		if name.quoted || isWord(name.text[0]) && !notRoles[name.text] {
			if name.text != "" && !slices.Contains(f.found, name.text) {
				f.found = append(f.found, name.text)
			}
		}
		if !f.is(i+1, ",") {
			return
		}
		i += 2
	}
}

// Roles lists the roles that the archive's objects need, each once, in the order of the archive.
func (a *Archive) Roles() []string {
	var all []string
	seen := map[string]bool{"": true} // there may be millions of entries
	add := func(names ...string) {
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
	}
	for _, e := range a.Entries {
		add(e.Owner)
		switch e.Desc {
		case "ACL", "DEFAULT ACL", "POLICY", "USER MAPPING", "DATABASE PROPERTIES", "SCHEMA":
			for _, statement := range Split(e.Defn) {
				add(Parse(statement).Roles()...)
			}
		}
	}
	return all
}

// Split cuts SQL into statements, without their semicolons.
func Split(sql string) []string {
	var all []string
	p := NewPlain()
	p.OnStatement = func(s Statement) error {
		all = append(all, s.Text)
		return nil
	}
	for line := range strings.Lines(sql + "\n;\n") {
		if p.Line([]byte(line), true) != nil {
			break
		}
	}
	return all
}
