package pgdump

import (
	"slices"
	"strings"
)

// Statement is one statement of a dump, cut into tokens once.
type Statement struct {
	Text string
	f    *roleFinder
}

// Parse looks at a statement.
func Parse(text string) Statement { return Statement{Text: text, f: &roleFinder{t: tokens(text)}} }

// word is the token at i; "" behind the end.
func (s Statement) word(i int) string {
	if i < 0 || i >= len(s.f.t) {
		return ""
	}
	return s.f.t[i].text
}

// Extension is the name in a CREATE EXTENSION statement; "" in any other.
func (s Statement) Extension() string {
	if !s.f.starts("create", "extension") {
		return ""
	}
	i := 2
	if s.f.is(2, "if") {
		i = 5
	}
	return strings.TrimSpace(s.word(i))
}

// OfExtension is the extension that a statement makes or comments on; "" in any other.
func (s Statement) OfExtension() string {
	if s.f.starts("comment", "on", "extension") {
		return s.word(3)
	}
	return s.Extension()
}

// Schema is the name in a CREATE SCHEMA statement; "" in any other.
func (s Statement) Schema() string {
	if !s.f.starts("create", "schema") {
		return ""
	}
	return s.word(2)
}

// Label is the provider of a SECURITY LABEL statement; "" in any other.
func (s Statement) Label() string {
	if !s.f.starts("security", "label", "for") {
		return ""
	}
	return s.word(3)
}

// Setting is what a SET statement of a session sets, and to what; "" in any other.
func (s Statement) Setting() (name, value string) {
	if !s.f.starts("set") || len(s.f.t) < 4 || !s.f.is(2, "=") && !s.f.is(2, "to") {
		return "", ""
	}
	return s.word(1), s.word(3)
}

// Tablespace tells that a statement makes a tablespace, or says something of one.
func (s Statement) Tablespace() (string, bool) {
	switch {
	case s.f.starts("create", "tablespace"), s.f.starts("alter", "tablespace"):
		return s.word(2), true
	case s.f.starts("comment", "on", "tablespace"):
		return s.word(3), true
	case s.f.starts("grant"), s.f.starts("revoke"), s.f.starts("security", "label"):
		if i := s.f.find(1, "on"); s.f.is(i+1, "tablespace") {
			return s.word(i + 2), true
		}
	}
	return "", false
}

// Database is the database that a statement says something of, and which it does not make or drop; "" in any other.
func (s Statement) Database() string {
	switch {
	case s.f.starts("alter", "database"):
		return s.word(2)
	case s.f.starts("alter", "role"), s.f.starts("alter", "user"):
		if i := s.f.find(2, "in"); s.f.is(i+1, "database") {
			return s.word(i + 2)
		}
	case s.f.starts("comment", "on", "database"):
		return s.word(3)
	case s.f.starts("grant"), s.f.starts("revoke"), s.f.starts("security", "label"):
		if i := s.f.find(1, "on"); s.f.is(i+1, "database") {
			return s.word(i + 2)
		}
	}
	return ""
}

// superusers own what only they may, by the words after ALTER.
var superusers = [][]string{{"event", "trigger"}, {"foreign", "data", "wrapper"}, {"subscription"}}

// SuperuserOwns is the role that a statement makes the owner of what only a superuser may own, and what that is.
func (s Statement) SuperuserOwns() (role, what string) {
	for _, words := range superusers {
		n := 1 + len(words)
		if s.f.starts(append([]string{"alter"}, words...)...) && s.f.is(n+1, "owner") && s.f.is(n+2, "to") {
			return s.word(n + 3), strings.Join(words, " ") + " " + s.word(n)
		}
	}
	return "", ""
}

// Cleans tells that a statement is one of those that pg_dump --clean begins with: it takes away what a former restore
// left. Elsewhere than at a dump's beginning some of them are content.
func (s Statement) Cleans() bool {
	switch {
	case s.f.starts("drop"):
		return true
	case s.f.starts("alter", "role"), s.f.starts("alter", "user"): // of pg_dumpall: one may be called drop
		return false
	case s.f.starts("alter"):
		return s.f.find(2, "drop") < len(s.f.t) || s.f.find(2, "disable") < len(s.f.t) ||
			s.f.is(1, "database") && s.f.is(3, "is_template")
	case s.f.starts("create", "or", "replace", "view"): // takes a view apart that depends on what is dropped next
		return true
	case s.f.starts("update", "pg_catalog", ".", "pg_database"):
		return true
	case s.f.starts("select"):
		return slices.ContainsFunc(s.f.t, func(t token) bool { return t.text == "lo_unlink" })
	}
	return false
}

// CleansDatabase tells that a statement takes a whole database or its schema public away, or prepares that.
func (s Statement) CleansDatabase() bool {
	public := s.f.starts("drop", "schema", "public") || s.f.starts("drop", "schema", "if", "exists", "public")
	return public || s.f.starts("drop", "database") || s.f.starts("alter", "database") || s.f.starts("update")
}

// CreatesDatabase tells whether a statement is CREATE DATABASE, and of which name.
func (s Statement) CreatesDatabase() (string, bool) {
	if !s.f.starts("create", "database") || len(s.f.t) < 3 {
		return "", false
	}
	return s.word(2), true
}

// DatabaseOwner is the role that an ALTER DATABASE makes the owner; "" in any other statement.
func (s Statement) DatabaseOwner() string {
	if !s.f.starts("alter", "database") || !s.f.is(3, "owner") || !s.f.is(4, "to") {
		return ""
	}
	return s.word(5)
}

// Becomes is the role that SET SESSION AUTHORIZATION makes of the session; "" in any other statement, and for DEFAULT.
func (s Statement) Becomes() string {
	if !s.f.starts("set", "session", "authorization") || s.f.is(3, "default") {
		return ""
	}
	return s.word(3)
}

// databaseOptions of CREATE DATABASE, by how the server spells them. What is not here is left to the server.
var databaseOptions = []string{"encoding", "locale_provider", "locale", "lc_collate", "lc_ctype", "icu_locale", "icu_rules",
	"builtin_locale"}

// DatabaseOptions are what a CREATE DATABASE says of text, as SQL; besides them the owner and the tablespace that it
// names, "" where it names none.
func (s Statement) DatabaseOptions() (text, owner, tablespace string) {
	var all []string
	for i := 3; i+2 < len(s.f.t); i++ {
		if !s.f.is(i+1, "=") {
			continue
		}
		key, value := s.word(i), s.word(i+2)
		switch {
		case s.f.t[i].quoted:
		case key == "owner":
			owner = value
		case key == "tablespace":
			tablespace = value
		case slices.Contains(databaseOptions, key):
			all = append(all, key+" '"+strings.ReplaceAll(value, "'", "''")+"'")
		}
	}
	return strings.Join(all, " "), owner, tablespace
}

// Global is what a statement of pg_dumpall is about that belongs to no database.
type Global int

// The statements about roles; whatever else there is belongs to a database.
const (
	NoGlobal    Global = iota
	MakesRole          // CREATE ROLE
	ChangesRole        // ALTER ROLE, COMMENT ON ROLE, SECURITY LABEL … ON ROLE
	Membership         // GRANT a TO b
	Parameter          // GRANT SET ON PARAMETER
)

// Global tells what a statement of pg_dumpall is about, and which role, of those that are about one.
func (s Statement) Global() (Global, string) {
	switch {
	case s.f.starts("create", "role"), s.f.starts("create", "user") && !s.f.is(2, "mapping"):
		return MakesRole, s.word(2)
	case s.f.starts("alter", "role"), s.f.starts("alter", "user") && !s.f.is(2, "mapping"):
		return ChangesRole, s.word(2)
	case s.f.starts("comment", "on", "role"):
		return ChangesRole, s.word(3)
	case s.f.starts("security", "label"):
		if i := s.f.find(2, "on"); s.f.is(i+1, "role") {
			return ChangesRole, s.word(i + 2)
		}
	case s.f.starts("grant"), s.f.starts("revoke"):
		on := s.f.find(1, "on")
		if s.f.is(on+1, "parameter") {
			return Parameter, ""
		}
		if to := s.f.find(1, "to"); on == len(s.f.t) && to < len(s.f.t) {
			return Membership, s.word(to + 1)
		}
	}
	return NoGlobal, ""
}

// OfServer tells that a statement is about roles, or rights that belong to no database.
func (s Statement) OfServer() bool {
	kind, _ := s.Global()
	return kind != NoGlobal && s.Database() == ""
}

// Brief is the statement without the value that it sets, which may be a secret.
func (s Statement) Brief() string {
	i := s.f.find(2, "set")
	if !s.f.starts("alter") || i == len(s.f.t) {
		return firstLine(s.Text)
	}
	return "ALTER " + strings.ToUpper(s.word(1)) + " " + s.word(2) + " SET " + s.word(i+1)
}

// Grant gives a membership as every server takes it: without who granted it, and without the options that came with
// PostgreSQL 16 (INHERIT and SET, both true unless somebody said otherwise).
func (s Statement) Grant() (group, member string, admin bool) {
	to := s.f.find(1, "to")
	admin = s.f.find(to, "admin") < len(s.f.t) && !s.f.is(s.f.find(to, "admin")+1, "false")
	return s.word(1), s.word(to + 1), admin
}

// CopyTarget is the table, schema.name, that a COPY fills; "" in any other statement.
func (s Statement) CopyTarget() string {
	switch {
	case !s.f.starts("copy"):
		return ""
	case s.f.is(2, "."):
		return s.word(1) + "." + s.word(3)
	}
	return s.word(1)
}
