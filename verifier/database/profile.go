package database

import "time"

// ProfileVersion is that of the profiles written today.
const ProfileVersion = 1

// Profile is what the databases of a server were at one moment: their structure exactly, their content as fingerprints. It holds no
// row; of values only the extremes of columns of time and numbers.
type Profile struct {
	Version   int                `json:"version"`
	Kind      string             `json:"kind"`   // of whose words it is in: postgres, mysql, mariadb
	Server    string             `json:"server"` // its version, as it says it
	Taken     time.Time          `json:"taken"`
	Hash      string             `json:"hash"`               // a known text's, by the server's own function: content is compared only where it agrees
	Shared    bool               `json:"shared,omitempty"`   // taken in a dump's snapshot, which sequences do not heed: in the copy they may be further
	Position  string             `json:"position,omitempty"` // of the source's binary log at that moment, where it has one and tells
	Scope     Scope              `json:"scope,omitzero"`     // of a partial dump: what is described, and no more
	Roles     []Thing            `json:"roles,omitempty"`
	Databases []ProfiledDatabase `json:"databases"`
}

// ProfiledDatabase is one database of a profile.
type ProfiledDatabase struct {
	Database string          `json:"database"`
	Encoding string          `json:"encoding"`
	Things   []Thing         `json:"things"` // sorted by kind and name
	Tables   []ProfiledTable `json:"tables"` // those that hold rows, sorted by name
	// Outside are tables of a copy that hold rows which its partial profile says nothing of, sorted by name.
	Outside []string `json:"outside,omitempty"`
}

// Thing is a part of the structure: a column, a key, a grant.
type Thing struct {
	Kind string `json:"kind"` // of a fixed list: schema, table, column, default, constraint, index, …
	Name string `json:"name"` // schema.table.column, each quoted where it must be; of an owner, a grant or a comment with a word before it
	Is   string `json:"is"`   // all that is to be the same about it; bodies and options, which may hold secrets, as their digest
}

// ProfiledTable is the content of a table.
type ProfiledTable struct {
	Name    string           `json:"name"` // as a Thing's
	Rows    int64            `json:"rows"` // counted, also where only a sample was hashed
	Hash    string           `json:"hash"` // of whole rows, whatever their order; "": not hashed, see Unread
	Columns []ProfiledColumn `json:"columns,omitempty"`
	Sample  *Sample          `json:"sample,omitempty"` // the hashes are of these rows; nil: of all
	Unread  string           `json:"unread,omitempty"` // why its rows were not looked at
}

// ProfiledColumn is the content of a column.
type ProfiledColumn struct {
	Name  string `json:"name"`
	Hash  string `json:"hash"`  // of its values, whatever their order
	Nulls int64  `json:"nulls"` // rows in which it is NULL
	// The extremes of a column of time or numbers, as text under fixed settings; "": it has none.
	Least string `json:"least,omitempty"`
	Most  string `json:"most,omitempty"`
}

// Sample says which rows of a large table were hashed: those whose own hash, with the seed, falls into the share. The same rows are
// chosen in a copy, wherever they lie in it.
type Sample struct {
	Share float64 `json:"share"` // 0 to 1
	Seed  int64   `json:"seed"`
	Rows  int64   `json:"rows"` // that were chosen
	// By are the columns whose hash chooses: of the primary key, else all.
	By []string `json:"by"`
}

// Scope is the part of a database that a dump holds, as pg_dump's options choose it. The zero value is all of it.
type Scope struct {
	Schemas    []string `json:"schemas,omitempty"`     // patterns of --schema
	NoSchemas  []string `json:"no_schemas,omitempty"`  // of --exclude-schema
	Tables     []string `json:"tables,omitempty"`      // of --table
	NoTables   []string `json:"no_tables,omitempty"`   // of --exclude-table
	NoRowsOf   []string `json:"no_rows_of,omitempty"`  // of --exclude-table-data
	SchemaOnly bool     `json:"schema_only,omitempty"` // no rows at all
	DataOnly   bool     `json:"data_only,omitempty"`   // no structure
	NoOwner    bool     `json:"no_owner,omitempty"`
	NoGrants   bool     `json:"no_grants,omitempty"`
	NoComments bool     `json:"no_comments,omitempty"`
	NoBlobs    bool     `json:"no_blobs,omitempty"`
	// NoDatabase is a dump that does not make its database, in plain SQL without --create: locale, owner, grants and settings of
	// the database itself are not in it.
	NoDatabase bool     `json:"no_database,omitempty"`
	Other      []string `json:"other,omitempty"` // other options that leave something out, by name: nothing is claimed about their part
}

// ProfileOptions say how a profile is read.
type ProfileOptions struct {
	Scope Scope
	// Databases of a server that are read, where Server names none; nil: all. Of PostgreSQL all are.
	Databases []string
	Snapshot  string // that another session exported, to read in; "": one of its own
	// Whole is the size in bytes up to which every row of a table is hashed; a larger one is sampled. 0: every row of every table.
	Whole int64
	Seed  int64 // of samples
	// Like is the profile that the copy will be held against: its scope and its samples are read again. nil: Scope counts.
	Like *Profile
}

// Difference is one way in which a copy is not what its profile says.
type Difference struct {
	ID    string `json:"id"`    // of the catalogue of messages: profile.…
	Where string `json:"where"` // database and thing
	Was   string `json:"was,omitempty"`
	Now   string `json:"now,omitempty"`
}
