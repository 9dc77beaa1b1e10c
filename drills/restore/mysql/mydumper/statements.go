package mydumper

import (
	"fmt"
	"io"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
)

// delimited gives statements of which each ends with ";" at the end of a line, and may hold others, as the client wants them: with a delimiter that
// none of them holds. mydumper writes triggers, routines and events so, and puts a blank behind each ";" at the end of a line within them.
func delimited(text string) string {
	var out strings.Builder
	out.WriteString("DELIMITER ;;\n")
	for len(text) > 0 {
		one, rest, ended := strings.Cut(text, ";\n")
		out.WriteString(one)
		if ended {
			out.WriteString("\n;;\n")
		}
		text = rest
	}
	out.WriteString("DELIMITER ;\n")
	return out.String()
}

// sql is the text of a file as a client takes it.
func (f file) sql(text string) string {
	if f.is == createsPost || f.is == createsTriggers {
		return delimited(text)
	}
	return text
}

// open tells whether a file ends inside a statement of those that delimited cuts.
func (f file) open(text string) bool {
	rest := text[strings.LastIndex(text, ";\n")+1:]
	return (f.is == createsPost || f.is == createsTriggers) && strings.TrimSpace(rest) != ""
}

// read reads a file that holds statements to its end.
func (f file) read(in io.Reader) (*mysqldump.Dump, error) {
	d := mysqldump.Part()
	if err := d.Read(in); err != nil {
		if bad, ok := err.(*dump.Damage); ok {
			return nil, &dump.Damage{Reason: fmt.Sprintf("%s: %s", f.path, bad.Reason)}
		}
		return nil, err
	}
	return d, nil
}

// placeholder tells whether what makes a table only keeps the place of a view until that is made, as mydumper writes it: no server writes a table's
// name and its first bracket without a blank between.
func placeholder(text string) bool {
	at := strings.Index(text, "CREATE TABLE ")
	if at < 0 {
		return false
	}
	line, _, _ := strings.Cut(text[at:], "\n")
	return strings.HasSuffix(line, "`(")
}
