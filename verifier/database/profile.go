package database

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lifeboat/internal/lazy"
)

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

// Shares of a sample are of this many.
const Shares = 1 << 20

// SampleOf says which rows of a table are hashed, which has so many bytes, this primary key and these columns; nil: all. A copy's are those of
// the profile that it will be held against.
func (o ProfileOptions) SampleOf(database, table string, bytes int64, key, columns []string) *Sample {
	if o.Like != nil {
		for _, d := range o.Like.Databases {
			for _, one := range d.Tables {
				if d.Database != database || one.Name != table || one.Sample == nil {
					continue
				}
				same := *one.Sample
				if !slices.ContainsFunc(same.By, func(c string) bool { return !slices.Contains(columns, c) }) {
					return &same
				}
			}
		}
		return nil
	}
	if o.Whole <= 0 || bytes <= o.Whole {
		return nil
	}
	if len(key) == 0 {
		key = columns
	}
	parts := max(1, int64(float64(o.Whole)/float64(bytes)*Shares))
	return &Sample{Share: float64(parts) / Shares, Seed: o.Seed, By: key}
}

// Extreme writes values alike that compare alike.
func Extreme(v []byte) string {
	text := string(v)
	if strings.Contains(text, ".") && !strings.ContainsAny(text, ":e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// Fingerprint stands for what must be the same and need not be shown.
func Fingerprint(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text))[:7+16] }

// token of what a server writes of an expression: text, a quoted name, a name or number, or one sign.
var token = lazy.Regexp(`E?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|::|.`)

// neutral is what a thing is, whichever version's server says it. Since 14 a procedure's arguments are said to lead in.
func (k key) neutral(is string) string {
	text := neutral(is)
	if k.kind == "procedure" {
		text = strings.TrimPrefix(strings.ReplaceAll(text, ", IN ", ", "), "IN ")
	}
	return text
}

// neutral leaves out of a thing what servers of different major versions write differently though it is the same: brackets, casts, blanks, and
// the tables before columns (since 16 a view of one table names it no more). What two of one version write is compared as it is.
func neutral(is string) string {
	var kept []string
	all := token().FindAllString(is, -1)
	for i := 0; i < len(all); i++ {
		switch t := all[i]; {
		case strings.TrimSpace(t) == "" || t == "(" || t == ")":
		case t == "::": // and the type, with its schema
			for typed := false; i+1 < len(all); i++ {
				next := all[i+1]
				words := strings.TrimSpace(next) == "" && i+2 < len(all) && slices.Contains(typeWords, all[i+2])
				if !words && !strings.Contains(".[]", next) && (!name(next) || typed && !slices.Contains(typeWords, next) && all[i] != ".") {
					break
				}
				typed = true
			}
		case t == "." && len(kept) > 0 && name(kept[len(kept)-1]):
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " ")
}

// typeWords follow the first word of a type's name.
var typeWords = []string{"varying", "precision", "without", "with", "time", "zone"}

// major is the version of a server without what changes no words: of PostgreSQL one number, of the others two.
func (p Profile) major() string {
	parts := strings.SplitN(p.Server, ".", 3)
	if p.Kind == "postgres" {
		return parts[0]
	}
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// name tells whether a token is one.
func name(t string) bool { return t[0] == '"' || lazyName().MatchString(t) }

var lazyName = lazy.Regexp(`^[\p{L}\p{N}_$]+$`)

// ReadProfile reads the file of a profile strictly. What it cannot read is a problem of the profile, and says nothing of a backup.
func ReadProfile(raw []byte) (*Profile, error) {
	var about struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return nil, errors.New("it is no profile, or not all of one")
	}
	if about.Version != ProfileVersion {
		return nil, fmt.Errorf("it is of version %d, and this lifeboat reads %d", about.Version, ProfileVersion)
	}
	var p Profile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("it is no profile: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the profile")
	}
	if len(p.Databases) == 0 {
		return nil, errors.New("it tells of no database")
	}
	return &p, nil
}

// Size counts tables, and their rows.
func (p Profile) Size() (tables int, rows int64) {
	for _, d := range p.Databases {
		for _, t := range d.Tables {
			if t.HoldsRows() {
				tables, rows = tables+1, rows+t.Rows
			}
		}
	}
	return tables, rows
}

// HoldsRows is false for large objects, which are no table.
func (t ProfiledTable) HoldsRows() bool { return t.Name != blobs }

// Bytes are the file of a profile.
func (p Profile) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	return append(b, '\n'), nil
}
