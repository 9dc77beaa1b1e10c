package mysqldump

import (
	"fmt"
	"strings"

	"lifeboat/drills/restore/dump"
)

// rows counts what a statement adds, and holds each value to being one: programs that dump write numbers, texts and NULL, and ask no
// functions.
type rows struct {
	at    part
	depth int
	word  []byte
	left  bool // the value has something to its left already
	seen  string
	count int64
}

// converted is what stands behind CONVERT where mydumper writes JSON of MySQL, CONVERT('{}' USING UTF8MB4), by its parts.
const converted = "(tuc)"

// part of INSERT INTO t (a, b) VALUES (1, 'x'), (…).
type part int

const (
	beforeValues part = iota
	betweenRows
	inRow
	inConvert
	afterRow
)

func (r *rows) take(c byte) error {
	if c == '_' || c == '.' || c == '+' || c == '-' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 {
		const most = 1 << 10
		if len(r.word) < most {
			r.word = append(r.word, c)
		}
		return nil
	}
	if len(r.word) > 0 {
		word := strings.ToUpper(string(r.word))
		r.word = r.word[:0]
		if err := r.said(word); err != nil {
			return err
		}
	}
	switch r.at {
	case beforeValues:
		switch c {
		case '(':
			r.depth++
		case ')':
			r.depth--
		}
	case betweenRows, afterRow:
		switch {
		case c == ' ':
		case c == '(' && r.at == betweenRows:
			r.at, r.left = inRow, false
		case c == ',' && r.at == afterRow:
			r.at = betweenRows
		default:
			return notRows(string(c))
		}
	case inRow:
		switch c {
		case ' ':
		case textMark:
			r.left = true
		case ',', ')':
			if !r.left {
				return &dump.Damage{Reason: "a value of a row is missing in it"}
			}
			if r.left = false; c == ')' {
				r.at = afterRow
				r.count++
			}
		default:
			return notRows(string(c))
		}
	case inConvert:
		if c == textMark {
			c = 't'
		}
		if c != ' ' {
			return r.convert(c)
		}
	}
	return nil
}

// convert takes the next part of what stands behind CONVERT.
func (r *rows) convert(part byte) error {
	if r.seen += string(rune(part)); !strings.HasPrefix(converted, r.seen) {
		return notRows("CONVERT")
	}
	if r.seen == converted {
		r.at, r.left, r.seen = inRow, true, ""
	}
	return nil
}

func notRows(what string) error {
	if what[0] == nameMark {
		what = "a name"
	}
	return &dump.Damage{Reason: fmt.Sprintf("rows of it hold what is no value: %q", clip(what))}
}

// said is called with each word that is no text and no quoted name.
func (r *rows) said(word string) error {
	switch r.at {
	case beforeValues:
		switch {
		case r.depth > 0:
		case word == "VALUES", word == "VALUE":
			r.at = betweenRows
		case word == "SELECT", word == "SET", word == "TABLE", word == "WITH":
			return hostile("rows that come from elsewhere: INSERT … %s", word)
		}
		return nil
	case inConvert:
		return r.convert(map[bool]byte{true: 'u', false: 'c'}[word == "USING"])
	case inRow:
		if word == "CONVERT" && !r.left {
			r.at, r.seen = inConvert, ""
			return nil
		}
		if !isValue(word) {
			return notRows(word)
		}
		r.left = true
		return nil
	}
	return notRows(word)
}

func isValue(word string) bool {
	switch word {
	case "NULL", "TRUE", "FALSE", "DEFAULT", "X", "B", "N":
		return true
	}
	if word[0] == '_' { // a character set before a text
		return len(word) > 1 && word[1] != '_'
	}
	if word[0] != '+' && word[0] != '-' && word[0] != '.' && (word[0] < '0' || word[0] > '9') {
		return false
	}
	if hex, ok := strings.CutPrefix(word, "0X"); ok {
		return strings.Trim(hex, "0123456789ABCDEF") == ""
	}
	return strings.Trim(word, "0123456789.E+-") == "" && strings.ContainsAny(word, "0123456789")
}

// end is called at the statement's end.
func (r *rows) end() error {
	if err := r.take(' '); err != nil {
		return err
	}
	if r.at != afterRow {
		return &dump.Damage{Reason: "it is cut off: a statement ends inside its rows"}
	}
	return nil
}
