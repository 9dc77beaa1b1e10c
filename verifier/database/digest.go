package database

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Digest is an order-independent SHA-256 over rows: the sum of the rows' own
// digests modulo 2^256, with their number and the columns.
type Digest struct {
	sum  [4]uint64 // least significant first
	rows uint64
	head []byte
}

// Columns takes the columns' names.
func (d *Digest) Columns(all []string) {
	for _, c := range all {
		d.head = binary.BigEndian.AppendUint32(d.head, uint32(len(c)))
		d.head = append(d.head, c...)
	}
}

// Row takes a row.
func (d *Digest) Row(values [][]byte) error {
	var b []byte
	for _, v := range values {
		if v == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		b = append(b, v...)
	}
	h := sha256.Sum256(b)
	carry := uint64(0)
	for i := range d.sum {
		part := binary.LittleEndian.Uint64(h[i*8:])
		sum := d.sum[i] + part
		next := uint64(0)
		if sum < part {
			next = 1
		}
		if sum += carry; sum < carry {
			next = 1
		}
		d.sum[i], carry = sum, next
	}
	d.rows++
	return nil
}

// Rows taken so far.
func (d *Digest) Rows() int64 { return int64(d.rows) }

// String is sha256:… over all of it.
func (d *Digest) String() string {
	b := append([]byte(nil), d.head...)
	for _, part := range d.sum {
		b = binary.BigEndian.AppendUint64(b, part)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(binary.BigEndian.AppendUint64(b, d.rows)))
}

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
