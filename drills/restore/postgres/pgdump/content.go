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

// OfDatabase gives the statement that makes the database, "" where there is none, and those that say something of it,
// its owner first; pg_restore leaves them out unless it makes the database.
func (a *Archive) OfDatabase() (create string, about []string) {
	for _, e := range a.Entries {
		switch {
		case e.Desc == "DATABASE":
			for _, s := range Split(e.Defn) {
				if _, ok := Parse(s).CreatesDatabase(); ok {
					create = s
				}
			}
			if e.Owner != "" {
				about = append(about, "ALTER DATABASE "+quoteName(e.Tag)+" OWNER TO "+quoteName(e.Owner))
			}
		case e.Desc == "DATABASE PROPERTIES",
			slices.Contains([]string{"ACL", "COMMENT", "SECURITY LABEL"}, e.Desc) && strings.HasPrefix(e.Tag, "DATABASE "):
			about = append(about, Split(e.Defn)...)
		}
	}
	return create, about
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
