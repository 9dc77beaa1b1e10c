package database

import (
	"slices"
	"strings"
)

// Options are those of pg_dump that chose the part; none of the whole.
func (s Scope) Options() []string {
	var all []string
	for _, of := range []struct {
		option   string
		patterns []string
	}{{"--schema", s.Schemas}, {"--exclude-schema", s.NoSchemas}, {"--table", s.Tables}, {"--exclude-table", s.NoTables}, {"--exclude-table-data", s.NoRowsOf}} {
		for _, p := range of.patterns {
			all = append(all, of.option+"="+p)
		}
	}
	for _, of := range []struct {
		option string
		given  bool
	}{{"--schema-only", s.SchemaOnly}, {"--data-only", s.DataOnly}, {"--no-owner", s.NoOwner}, {"--no-privileges", s.NoGrants},
		{"--no-comments", s.NoComments}, {"--no-blobs", s.NoBlobs}} {
		if of.given {
			all = append(all, of.option)
		}
	}
	return slices.Concat(all, s.Other)
}

// String is how pg_dump was told; "" of the whole.
func (s Scope) String() string { return strings.Join(s.Options(), " ") }
