// Package pgdump reads the dumps of PostgreSQL's pg_dump without interpreting
// them: it finds what a dump promises (objects, owners, roles, data) and
// whether the bytes keep that promise. It runs nothing.
package pgdump

import (
	"errors"
	"fmt"
	"strings"

	"lifeboat/drills/restore/dump"
)

// Entry is one object of a dump.
type Entry struct {
	ID        int    // within the dump; 0 in plain dumps
	Desc      string // TABLE, TABLE DATA, ACL, …
	Tag       string // its name
	Namespace string // its schema; "" for what has none
	Owner     string
	Defn      string // the SQL that makes it; empty in plain dumps
	Copy      string // COPY … FROM stdin; empty where there is no such data
	File      string // of the data, in folder and tar dumps
	HasData   bool
	Needs     []int  // entries that it depends on, in archives
	Database  string // of a plain dump that connects to one: where it is; "": where the dump is loaded
	offset    int64  // of the data; negative: not told
}

// Name is how messages call an entry.
func (e Entry) Name() string {
	if e.Namespace == "" {
		return fmt.Sprintf("%s %s", e.Desc, e.Tag)
	}
	return fmt.Sprintf("%s %s.%s", e.Desc, e.Namespace, e.Tag)
}

// OfDatabase tells that an entry is about the database itself and nothing in it.
func (e Entry) OfDatabase() bool {
	switch e.Desc {
	case "DATABASE", "DATABASE PROPERTIES":
		return true
	case "ACL", "COMMENT", "SECURITY LABEL":
		return strings.HasPrefix(e.Tag, "DATABASE ")
	}
	return false
}

// Data tells that an entry belongs to the data of a dump, which need tables that are there.
func (e Entry) Data() bool {
	switch e.Desc {
	case "TABLE DATA", "SEQUENCE SET", "BLOB", "BLOBS", "BLOB METADATA", "BLOB COMMENTS":
		return true
	case "ACL", "COMMENT", "SECURITY LABEL":
		return strings.HasPrefix(e.Tag, "LARGE OBJECT")
	}
	return false
}

// Late tells that an entry belongs to what comes after the data of a dump, and stands on a table.
func (e Entry) Late() bool {
	switch e.Desc {
	case "INDEX", "INDEX ATTACH", "CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "POLICY", "ROW SECURITY",
		"MATERIALIZED VIEW DATA":
		return true
	}
	return false
}

// Target is the table that the data of an entry are loaded into, as SQL: not always its own, since data of
// partitions may go through their root.
func (e Entry) Target() string {
	s := strings.TrimSpace(e.Copy)
	if len(s) < len("COPY ") {
		return ""
	}
	s = s[len("COPY "):]
	qualified := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			_, n := quoted(s[i:], '"')
			i += n - 1
		case ' ', '(':
			if !qualified && e.Namespace != "" { // in archives before 1.13
				return quoteName(e.Namespace) + "." + s[:i]
			}
			return s[:i]
		case '.':
			qualified = true
		}
	}
	return s
}

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}

// ErrUnsupported is wrapped by the error for a dump that may be good and that
// this package cannot read.
var ErrUnsupported = errors.New("this kind of dump cannot be read")
