package pgdump

import (
	"regexp"
	"slices"
	"strings"
)

var encoding = regexp.MustCompile(`^SET client_encoding = '([^']*)';`)

// Encoding of the dumped database; "" when the dump does not say.
func (a *Archive) Encoding() string {
	for _, e := range a.Entries {
		if m := encoding.FindStringSubmatch(e.Defn); e.Desc == "ENCODING" && m != nil {
			return m[1]
		}
	}
	return ""
}

// oldQuotes tells whether a backslash escapes within its texts.
func (a *Archive) oldQuotes() bool {
	for _, e := range a.Entries {
		if e.Desc == "STDSTRINGS" {
			return strings.Contains(e.Defn, "'off'")
		}
	}
	return false
}

var locale = regexp.MustCompile(`\b(?:LOCALE|LC_COLLATE) = '([^']*)'`)

// Locale by which the dumped database sorted; "" when the dump does not say.
func (a *Archive) Locale() string {
	for _, e := range a.Entries {
		if m := locale.FindStringSubmatch(e.Defn); e.Desc == "DATABASE" && m != nil {
			return m[1]
		}
	}
	return ""
}

// Extensions that the dumped database had installed.
func (a *Archive) Extensions() []string {
	var names []string
	for _, e := range a.Entries {
		if e.Desc == "EXTENSION" {
			names = append(names, e.Tag)
		}
	}
	return names
}

// OfDatabase gives the statements about the database itself and its owner;
// pg_restore leaves them out unless it makes the database.
func (a *Archive) OfDatabase() (statements []string, owner string) {
	for _, e := range a.Entries {
		switch {
		case e.Desc == "DATABASE":
			owner = e.Owner
		case e.Desc == "DATABASE PROPERTIES",
			slices.Contains([]string{"ACL", "COMMENT", "SECURITY LABEL"}, e.Desc) && strings.HasPrefix(e.Tag, "DATABASE "):
			statements = append(statements, Split(e.Defn)...)
		}
	}
	return statements, owner
}
