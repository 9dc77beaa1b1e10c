package pgdump

import (
	"fmt"
	"strings"
)

// kinds are all that pg_dump 9.6 to 18 writes as the kind of an entry. pg_restore
// ignores in silence what it does not know, and one flipped bit makes that of a table.
var kinds = set("ACCESS METHOD", "ACL", "AGGREGATE", "BLOB", "BLOB COMMENTS", "BLOB METADATA", "BLOBS", "CAST",
	"CHECK CONSTRAINT", "COLLATION", "COMMENT", "CONSTRAINT", "CONVERSION", "DATABASE", "DATABASE PROPERTIES",
	"DEFAULT", "DEFAULT ACL", "DOMAIN", "ENCODING", "EVENT TRIGGER", "EXTENSION", "FK CONSTRAINT",
	"FOREIGN DATA WRAPPER", "FOREIGN SERVER", "FOREIGN TABLE", "FUNCTION", "INDEX", "INDEX ATTACH", "LANGUAGE",
	"MATERIALIZED VIEW", "MATERIALIZED VIEW DATA", "NOT NULL CONSTRAINT", "OPERATOR", "OPERATOR CLASS",
	"OPERATOR FAMILY", "POLICY", "PROCEDURAL LANGUAGE", "PROCEDURE", "PUBLICATION", "PUBLICATION TABLE",
	"PUBLICATION TABLES IN SCHEMA", "ROW SECURITY", "RULE", "SCHEMA", "SEARCHPATH", "SECURITY LABEL", "SEQUENCE",
	"SEQUENCE OWNED BY", "SEQUENCE SET", "SERVER", "SHELL TYPE", "STATISTICS", "STATISTICS DATA", "STDSTRINGS",
	"SUBSCRIPTION", "SUBSCRIPTION TABLE", "TABLE", "TABLE ATTACH", "TABLE DATA", "TABLESPACE",
	"TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM",
	"TRIGGER", "TYPE", "USER MAPPING", "VIEW")

// newest is the last version of pg_dump whose kinds are all known here.
const newest = 18

// known refuses what is none of the kinds. Of a pg_dump that is newer than they are it may be one.
func known(kind, tool string) error {
	var major int
	_, _ = fmt.Sscanf(tool, "%d", &major) // 0: it is not said
	switch {
	case kinds[kind]:
		return nil
	case major > newest:
		return fmt.Errorf("%w: it was made by pg_dump %s, and has an object of the kind %q, which came after version %d", ErrUnsupported, tool, kind, newest)
	}
	return damage("it has an object of the unknown kind %q", kind)
}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// check finds contradictions within a table of contents.
func (a *Archive) check() error {
	seen := map[int]bool{}
	found := map[string]bool{}
	a.lexer = Plain{oldQuotes: a.oldQuotes(), unsafe: leads(a.Encoding())}
	for _, e := range a.Entries {
		if e.ID <= 0 || seen[e.ID] {
			return damage("its table of contents has two entries %d", e.ID)
		}
		seen[e.ID] = true
		if err := known(e.Desc, a.tool); err != nil {
			return err
		}
		found[e.Desc] = true
		if err := a.checkEntry(e); err != nil {
			return err
		}
	}
	// Every pg_dump of every version writes these first; without them nothing else would be read rightly.
	if !found["ENCODING"] || !found["STDSTRINGS"] {
		return damage("its table of contents is empty")
	}
	return nil
}

func (a *Archive) checkEntry(e Entry) error {
	if err := a.programs(e); err != nil {
		return err
	}
	switch e.Desc {
	case "TABLE DATA":
		if !e.HasData {
			return damage("its table of contents has no data for %s", e.Name())
		}
		if e.Copy != "" && !a.names(e.Copy, e) {
			return damage("its table of contents contradicts itself: the data of %s go to %s", e.Name(), firstLine(e.Copy))
		}
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE", "SEQUENCE SET":
		if !a.names(e.Defn, e) {
			return damage("its table of contents contradicts itself: %s is made by %s", e.Name(), firstLine(e.Defn))
		}
	}
	if e.HasData && a.Format != Custom && (e.File == "" || strings.ContainsAny(e.File, "/\\")) {
		return damage("its table of contents gives the data of %s the file %q", e.Name(), e.File)
	}
	return nil
}

// names tells whether a statement speaks of the entry that it belongs to. Quoting
// doubles quotes, so only names without them are compared.
func (a *Archive) names(statement string, e Entry) bool {
	if strings.ContainsAny(e.Tag+e.Namespace, `"'\`) {
		return true
	}
	plain := strings.ReplaceAll(statement, `"`, "")
	if a.Minor < 13 { // CVE-2018-1058: before it, pg_restore set the search path for each entry
		return strings.Contains(plain, e.Tag)
	}
	return strings.Contains(plain, e.Namespace+"."+e.Tag)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	const most = 120
	if len(line) > most {
		line = line[:most] + "…"
	}
	return line
}
