package database

// Content is what was found in a database by reading all of it.
type Content struct {
	Database string  `json:"database"`
	Tables   int64   `json:"tables"`           // of users, that can hold rows: see Others
	Others   []Found `json:"others,omitempty"` // that are no such table: views, foreign tables, roots of partitions, parts of extensions
	Rows     int64   `json:"rows"`             // of those tables, each read whole
	Bytes    int64   `json:"bytes"`            // of those rows, unpacked

	Wrong  []Wrong `json:"wrong,omitempty"`  // whatever the source was like
	Unread []Wrong `json:"unread,omitempty"` // could not be asked, so that nobody knows
	Seen   []Found `json:"seen,omitempty"`   // may be so at the source
	// Unlooked says at what amcheck did not look and why: not every server has it.
	Unlooked []string `json:"unlooked,omitempty"`
}

// Fault is what is wrong with content.
type Fault string

// The faults that nothing at the source explains.
const (
	Unreadable   Fault = "read"     // rows, or a catalogue
	Misencoded   Fault = "text"     // is not in the database's encoding
	DamagedHeap  Fault = "heap"     // says amcheck of a table
	DamagedTree  Fault = "index"    // says amcheck of a btree
	DamagedTable Fault = "check"    // says CHECK TABLE
	Emptied      Fault = "pages"    // zeros in the place of rows
	Behind       Fault = "sequence" // goes on with what its column holds already
)

// Wrong is something that is not as it must be, or that could not be asked.
type Wrong struct {
	Fault Fault  `json:"fault,omitempty"`
	Where string `json:"where"` // schema.table, with .column where that is known
	Says  string `json:"says,omitempty"`
	// Of a sequence: where it stands, the column that draws from it, and what that holds.
	At     int64  `json:"at,omitempty"`
	Column string `json:"column,omitempty"`
	Most   int64  `json:"most,omitempty"`
}

// Found counts things of one kind.
type Found struct {
	What  string   `json:"what"`
	Count int64    `json:"count"`
	Names []string `json:"names,omitempty"` // the first of them
}

// Held is a database of a server.
type Held struct {
	Name  string
	Bytes int64 // 0: this user may not know
}
