package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zlib"

	"lifeboat/drills/restore/mysql/mysqldump"
)

// mostText of a statement is looked at.
const mostText = 64 << 10

// statement of an event that holds one: the database in use, and the beginning of the text.
func (e *event) statement() (database, text string, err error) {
	const fixed, ofLoad = 13, 13
	b, skip := e.body, fixed
	if e.kind == loadQueryEvent {
		skip += ofLoad
	}
	if len(b) < skip {
		return "", "", damage("a statement at %d is too short", e.at)
	}
	names, vars := int(b[8]), int(binary.LittleEndian.Uint16(b[11:]))
	if b = b[skip:]; len(b) < vars+names+1 {
		return "", "", damage("a statement at %d is too short", e.at)
	}
	database, b = string(b[vars:vars+names]), b[vars+names+1:]
	if e.kind == queryPackedEvent {
		if b, err = unpacked(b); err != nil {
			return "", "", damage("a compressed statement at %d cannot be read: %v", e.at, err)
		}
	}
	return database, string(b[:min(len(b), mostText)]), nil
}

// unpacked is a text that log_bin_compress packed: a byte that says how long its length is, the length, and zlib's.
func unpacked(b []byte) ([]byte, error) {
	const lengthBits = 7
	if len(b) == 0 || len(b) < 1+int(b[0]&lengthBits) {
		return nil, io.ErrUnexpectedEOF
	}
	z, err := zlib.NewReader(bytes.NewReader(b[1+int(b[0]&lengthBits):]))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, mostText))
	if err != nil {
		return nil, err
	}
	return text, z.Close()
}

// ends tells of a statement whether a transaction ends with it.
func ends(text string) bool {
	switch upper := strings.ToUpper(strings.TrimSpace(text)); {
	case upper == "COMMIT", upper == "ROLLBACK", strings.HasPrefix(upper, "XA COMMIT"), strings.HasPrefix(upper, "XA ROLLBACK"):
		return true
	}
	return false
}

// Keep is what of the logs is replayed, since the backup holds it. The zero one keeps nothing.
type Keep struct {
	Everything bool     // a copy of a whole server
	Whole      bool     // all databases but the server's own
	Databases  []string // some
}

// fate of an event.
type fate int

const (
	undecided fate = iota // it goes with its transaction
	kept
	others   // of a database that the backup does not hold
	accounts // of the server's own
)

// fate of what an event does; of says of which database it is.
func (k Keep) fate(e *event) (f fate, of string, err error) {
	switch {
	case k.Everything:
		return kept, "", nil
	case e.kind == tableMapEvent:
		const names = 8
		if len(e.body) <= names || len(e.body) < names+1+int(e.body[names]) {
			return undecided, "", damage("the event at %d is too short for the name of a table", e.at)
		}
		of = string(e.body[names+1 : names+1+int(e.body[names])])
		return k.database(of), of, nil
	case e.kind != queryEvent && e.kind != queryPackedEvent && e.kind != loadQueryEvent:
		return undecided, "", nil
	}
	of, text, err := e.statement()
	if err != nil {
		return undecided, "", err
	}
	s := mysqldump.Parse(text)
	if into := s.Into(); into != "" {
		of = into
	}
	switch s.Verb() {
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA", "START":
		return undecided, "", nil
	}
	if aboutAccounts(text) {
		return accounts, of, nil
	}
	if f = k.database(of); f == others && slices.ContainsFunc(k.Databases, s.Mentions) {
		f = kept // it fails where it needs what is not there
	}
	return f, of, nil
}

func (k Keep) database(name string) fate {
	same := func(other string) bool { return strings.EqualFold(name, other) }
	switch {
	case mysqldump.System(name):
		return accounts
	case k.Whole, slices.ContainsFunc(k.Databases, same):
		return kept
	}
	return others
}

// aboutAccounts tells whether a statement makes, changes or drops accounts, or says what they may do.
func aboutAccounts(text string) bool {
	words := strings.Fields(strings.ToUpper(text))
	words = append(words, "", "", "", "")
	switch words[0] {
	case "GRANT", "REVOKE":
		return true
	case "SET":
		return words[1] == "PASSWORD" || words[1] == "DEFAULT" && words[2] == "ROLE"
	case "CREATE", "ALTER", "DROP", "RENAME":
		what := words[1:]
		if what[0] == "OR" && what[1] == "REPLACE" {
			what = what[2:]
		}
		return what[0] == "USER" || what[0] == "ROLE"
	}
	return false
}

// mixed says that a transaction changes what the backup holds and what it does not.
func mixed(g gtid, has, not string) error {
	return lackLogs("transaction %s changes database %s, which the backup holds, and %s, which it does not", g, orNone(has), orNone(not))
}

func orNone(name string) string {
	if name == "" {
		return "(none)"
	}
	return fmt.Sprintf("%q", name)
}
