package pgdump

import (
	"regexp"
	"slices"
	"strings"
)

// maxCommand is the length of psql's commands in a dump, in bytes: a \connect holds one name.
const maxCommand = 4 << 10

// foreign says that a dump holds what makes a program of it. psql would run it on the machine where
// it runs, or the server on its own.
func foreign(what string) error {
	return damage("it holds %q, which pg_dump never writes: it is damaged or hostile", firstLine(what))
}

// The commands of psql that pg_dump and pg_dumpall write, besides \encoding SQL_ASCII. \restrict and \unrestrict came with the minor
// releases of August 2025 (CVE-2025-8714). A name that psql would take for a connection string is none.
var (
	connect = regexp.MustCompile(`^connect (?:-reuse-previous=on "dbname='((?:[^"]|"")*)'"|` +
		`"((?:[^"]|"")*)"|([\w.$\x80-\xff-]+))\s*$`)
	// commandName are those of psql that make a program of a dump, and no beginning of a value: \nsecret is a row of two lines.
	commandName = regexp.MustCompile(`^(?:connect|copy|gexec|gset|include|ir|i|lo_import|lo_export|o|out|restrict|unrestrict|setenv|set|` +
		`encoding|w|write|[!?N])\b|^!`)
	restrict = regexp.MustCompile(`^(restrict|unrestrict) ([A-Za-z0-9]+)\s*$`)
)

// obey looks at a command of psql, the text behind its backslash.
func (p *Plain) obey() error {
	text := string(p.command)
	p.ended++
	word := `\` + commandName.FindString(text) // what stands behind it, or before its end, may be a row whose COPY is lost
	if p.begun {
		return damage("a backslash stands in the middle of a statement of it, which pg_dump never writes: it is damaged or hostile")
	}
	if m := restrict.FindStringSubmatch(text); m != nil {
		switch {
		case m[1] == "restrict" && p.key == "":
			p.key = m[2]
		case m[1] == "unrestrict" && p.key == m[2]:
			p.key = ""
		default:
			return foreign(word)
		}
		return nil
	}
	if strings.TrimSpace(text) == "encoding SQL_ASCII" { // stands before a \connect to a name that needs quoting
		return nil
	}
	m := connect.FindStringSubmatch(text)
	if m == nil || m[2] != "" && strings.ContainsAny(m[2], "=:") {
		return foreign(word)
	}
	name := m[3] // psql takes it as it stands, whatever its case
	if m[2] != "" {
		name = strings.ReplaceAll(m[2], `""`, `"`)
	}
	if m[1] != "" { // a value of a connection string, within quotes of psql
		name = strings.NewReplacer(`""`, `"`, `\\`, `\`, `\'`, `'`).Replace(m[1])
	}
	if !p.made[name] && !p.cluster { // pg_dumpall connects to what each server has, and with --data-only to all of them
		return damage("it connects to the database %q, which it does not make", name)
	}
	p.database = name
	if !slices.Contains(p.Connected, name) {
		p.Connected = append(p.Connected, name)
	}
	if p.OnConnect != nil {
		return p.OnConnect(name)
	}
	return nil
}

// fromStdin tells whether a COPY reads what follows it in the dump, and nothing else.
func fromStdin(f *roleFinder) bool {
	i := f.find(1, "from")
	return f.is(i+1, "stdin") && f.find(i+2, "from") == len(f.t) && f.find(1, "program") == len(f.t)
}

// programs looks for what makes a program of an archive: a COPY in the SQL of an entry, and anything but one
// COPY from the archive where one stands.
func (a *Archive) programs(e Entry) error {
	if copies.MatchString(e.Defn) {
		p := a.lexer
		if err := p.read(e.Defn + "\n;\n"); err != nil {
			return err
		}
		if len(p.Copies) > 0 {
			return foreign(p.Copies[0].Statement)
		}
	}
	if e.Copy == "" {
		return nil
	}
	p := a.lexer
	if err := p.read(strings.TrimRight(e.Copy, "\n") + "\n"); err != nil {
		return err
	}
	if p.begun || p.statements != 1 || !p.copying {
		return foreign(e.Copy)
	}
	return nil
}

// read takes a text that is no whole dump.
func (p *Plain) read(text string) error {
	for line := range strings.Lines(text) {
		if err := p.Line([]byte(line), true); err != nil {
			return err
		}
	}
	return nil
}

var copies = regexp.MustCompile(`(?i)\bcopy\b`)

// leads gives the bytes that begin a character of an encoding whose second byte may be a backslash or a
// quote (src/backend/utils/mb/wchar.c); nil: in this encoding none may.
func leads(encoding string) func(byte) bool {
	name := strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(encoding))
	switch name {
	case "SJIS", "MSKANJI", "SHIFTJIS", "MSWIN932", "WIN932", "WINDOWS932", "SHIFTJIS2004":
		return func(b byte) bool { return b >= 0x81 && b <= 0x9f || b >= 0xe0 && b <= 0xfc }
	case "BIG5", "WIN950", "WINDOWS950", "GBK", "WIN936", "WINDOWS936", "UHC", "WIN949", "WINDOWS949", "GB18030",
		"JOHAB":
		return func(b byte) bool { return b >= 0x80 }
	}
	return nil
}

// mask puts a letter in the place of each second byte of such characters.
func (p *Plain) mask(piece []byte) []byte {
	if p.unsafe == nil {
		return piece
	}
	out := make([]byte, len(piece))
	for i, b := range piece {
		switch {
		case p.cutChar && b != '\n':
			out[i], p.cutChar = 'x', false
		default:
			out[i], p.cutChar = b, p.unsafe(b)
		}
	}
	return out
}
