package mysqldump

import (
	"slices"
	"strings"
)

// Subject is the object that a statement makes, takes away, fills, changes or locks; a Kind of "" is none, as of SET and COMMIT. of is the table
// that a trigger stands on.
func (s Statement) Subject() (o Object, of string) {
	kind, at := Table, 0
	if m := s.creates(); m.kind != "" && m.kind != Database {
		if kind, at = m.kind, m.at; kind == Trigger {
			on := at + slices.IndexFunc(s.tokens[at:], func(t token) bool { return t.is("ON") })
			_, of = s.name(on + 1)
		}
	} else if dropped, i := s.drops(); i > 0 && dropped != Database && dropped != "schema" {
		kind, at = dropped, i
	} else if at = s.adds(); at == 0 {
		switch {
		case s.begins("LOCK", "TABLES"), s.begins("ALTER", "TABLE"), s.begins("TRUNCATE", "TABLE"), s.begins("ANALYZE", "TABLE"), s.begins("DELETE", "FROM"):
			at = 2
		case s.begins("DO", "SETVAL"), s.begins("SELECT", "SETVAL"):
			kind, at = Sequence, 3
		}
	}
	if at == 0 {
		return Object{}, ""
	}
	database, name := s.name(at)
	return Object{Kind: kind, Database: database, Name: name}, of
}

// leading are the words that stand before the name of a table, a view or a procedure.
var leading = []string{"FROM", "JOIN", "INTO", "UPDATE", "CALL", "TABLE", "REFERENCES", "STRAIGHT_JOIN"}

// Names are the tables, views and routines that the text of a view or a trigger speaks of, as far as their places tell; a Database of "" is its
// own, and no Kind is known. It may name columns and functions of the server, too.
func (s Statement) Names() (all []Object) {
	for i := range s.tokens {
		before := i - 1
		for before >= 0 && s.tokens[before].kind == '(' {
			before--
		}
		led := before >= 0 && slices.ContainsFunc(leading, s.tokens[before].is)
		database, name := s.name(i)
		end := i + 1
		if database != "" {
			end += 2
		}
		called := end < len(s.tokens) && s.tokens[end].kind == '('
		if name != "" && (led || called) && !(i > 0 && s.tokens[i-1].kind == '.') {
			all = append(all, Object{Database: database, Name: name})
		}
	}
	return all
}

// Is tells whether two names are one: those of routines are alike in both cases, and so are those of tables on some servers.
func (o Object) Is(database, name string) bool {
	return strings.EqualFold(o.Database, database) && strings.EqualFold(o.Name, name)
}
