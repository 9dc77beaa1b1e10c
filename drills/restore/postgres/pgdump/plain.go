package pgdump

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of what is kept of a plain dump while it passes.
const (
	maxStatement = 256 << 10 // bytes of one statement that are looked at: a COPY may name 1600 columns
	maxComment   = 64 << 20  // bytes of comment in a row: psql keeps them in memory, and gigabytes of them are an attack
	maxNames     = 1_000_000
	carryBytes   = 128 // longer than any token that a piece's end can cut
)

// CopyBlock is the data of one table in a plain dump.
type CopyBlock struct {
	Statement string
	Rows      int64
}

// Plain follows a plain dump line by line, as psql would read it.
type Plain struct {
	// OnStatement is called at the end of each statement that may name a role, an extension, a database or a setting,
	// and of those before the first object; its error ends the reading.
	OnStatement func(s Statement) error
	OnObject    func(e Entry) error         // is called at the heading of each object
	OnConnect   func(database string) error // is called at each \connect
	OnDump      func() error                // is called at the first line of each dump of one database

	Header   bool   // the line that every dump of pg_dump begins with was there
	Cluster  bool   // it is a dump of pg_dumpall, or one stands in it
	Started  string // as pg_dump --verbose notes it: when what is oldest in it was read
	Encoding string // that its text is in, as it says; "" when it does not
	Server   string // version of the dumped server; "" when it does not say
	Entries  []Entry
	Copies   []CopyBlock
	// Connected are the databases that it connected to, in their order.
	Connected []string

	complete   bool
	closed     bool   // it was complete before the present statement
	tool       string // version of pg_dump
	within     bool   // a dump of one database began, and its closing line did not come yet
	cluster    bool   // so did one of pg_dumpall
	state      state
	tag        []byte // of the current dollar quote
	escapes    bool   // a backslash escapes within the current text
	oldQuotes  bool   // standard_conforming_strings is off
	depth      int    // of parentheses, or of block comments
	parens     int
	stmt       []byte
	begun      bool // the statement has more than blanks
	statements int  // that ended
	ended      int  // statements, commands of psql, and first lines of dumps
	cleaning   bool // no object was headed since a dump began: statements may be those of --clean
	comment    []byte
	comments   int
	command    []byte          // of psql
	made       map[string]bool // databases that it makes
	database   string          // that it connected to
	key        string          // of \restrict; "": no such line holds
	unsafe     func(byte) bool // tells the first byte of a character whose second may be a backslash; nil: none may
	cutChar    bool            // the piece's end parted such a character
	carry      []byte
	back       int // bytes at a piece's end that wait for the next piece
	copying    bool
	copyNext   bool
	copyLeft   bool // the data are left out
	inLine     bool // a COPY line goes on
}

type state int

const (
	top state = iota
	inText
	inName
	inDollar
	inLineComment
	inBlockComment
	inCommand // a backslash command of psql
)

// NewPlain starts at the beginning of a dump.
func NewPlain() *Plain { return &Plain{} }

// Line takes the next line, or the next piece of a long one; end tells that the
// line ends with it. *dump.Damage: psql would not read this as it was written.
func (p *Plain) Line(piece []byte, end bool) error {
	if p.copying {
		p.copyLine(piece, end)
		return nil
	}
	if bytes.IndexByte(piece, 0) >= 0 {
		return damage("it holds a zero byte, which no dump does")
	}
	data := p.mask(piece)
	if len(p.carry) > 0 {
		data = append(p.carry, data...)
		p.carry = nil
	}
	p.back = carryBytes
	if end {
		p.back = 0
	}
	for len(data) > p.back {
		n, err := p.step(data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	if !end {
		p.carry = bytes.Clone(data)
		return nil
	}
	return p.endLine()
}

// endLine closes what ends with a line, the last one's break being optional.
func (p *Plain) endLine() error {
	if p.copyNext {
		p.copying, p.copyNext = true, false
	}
	was := p.state
	if was == inLineComment || was == inCommand {
		p.state = top
	}
	switch {
	case was == inCommand:
		return p.obey()
	case was == inLineComment && !p.begun:
		return p.noteComment(string(p.comment))
	}
	return nil
}

func (p *Plain) copyLine(piece []byte, end bool) {
	first := !p.inLine
	p.inLine = !end
	if first && end && (string(piece) == "\\.\n" || string(piece) == "\\.\r\n" || string(piece) == "\\.") {
		p.copying, p.copyLeft = false, false
		return
	}
	if end && !p.copyLeft {
		p.Copies[len(p.Copies)-1].Rows++
	}
}

// Close says whether the dump was whole.
func (p *Plain) Close() error {
	switch {
	case p.copying || p.copyNext:
		return damage("it ends in the middle of the data of %s", p.copyTarget())
	case p.state != top || p.begun || len(p.carry) > 0:
		return damage("it ends in the middle of a statement")
	case !p.complete:
		return damage("it is incomplete: its closing line, \"-- PostgreSQL database dump complete\", is missing")
	case p.key != "":
		return damage("it is incomplete: its \\restrict is never lifted by \\unrestrict")
	}
	return nil
}

func (p *Plain) copyTarget() string {
	if p.copyLeft {
		return "a table"
	}
	return target(p.Copies[len(p.Copies)-1].Statement)
}

var copyTarget = regexp.MustCompile(`(?i)^\s*COPY\s+(\S+)`)

func target(statement string) string {
	if m := copyTarget.FindStringSubmatch(statement); m != nil {
		return m[1]
	}
	return "a table"
}

// interesting are the first words of statements that OnStatement gets.
var interesting = set("grant", "revoke", "alter", "create", "set", "copy", "comment", "security")

// cleaners are the first words of those that it gets before the first object as well.
var cleaners = set("drop", "select", "update")

// closers are the first words of what scripts write behind a dump, and which belongs to no object of it.
var closers = set("commit", "end", "reset", "analyze", "vacuum")

// start notes when a dump was begun. Of several, what counts is the oldest, unless it may be that a later one takes the
// place of what is before it: dumps of one database, one behind another.
func (p *Plain) start(when string) {
	if p.Started == "" || !p.Cluster && p.database == "" {
		p.Started = when
	}
}

// InCluster tells that a dump of pg_dumpall is under way.
func (p *Plain) InCluster() bool { return p.cluster }

// Globals tells that a dump of pg_dumpall is at what belongs to no database.
func (p *Plain) Globals() bool { return p.cluster && !p.within }

// Unentered is a database that it makes and never connects to; "": there is none.
func (p *Plain) Unentered() string {
	for _, name := range slices.Sorted(maps.Keys(p.made)) {
		if !slices.Contains(p.Connected, name) {
			return name
		}
	}
	return ""
}

// Cleaning tells that no object was headed since the dump began: what comes now may be of pg_dump --clean.
func (p *Plain) Cleaning() bool { return p.cleaning }

// endStatement is called at a semicolon outside everything.
func (p *Plain) endStatement() error {
	text := bytes.TrimSpace(p.stmt)
	p.stmt, p.begun, p.parens = p.stmt[:0], false, 0
	p.statements++
	p.ended++
	word := text[:wordLength(text)]
	if len(word) > 10 {
		return nil
	}
	if p.closed && closers[strings.ToLower(string(word))] {
		p.complete = true
		return nil
	}
	if first := strings.ToLower(string(word)); !interesting[first] && !(p.cleaning && cleaners[first]) {
		return nil
	}
	s := string(text)
	parsed := Parse(s)
	f := parsed.f
	t := f.t
	switch {
	case f.is(0, "copy"):
		if !fromStdin(f) {
			return foreign(firstLine(s))
		}
		if len(p.Copies) >= maxNames {
			return damage("it holds the data of more than %d tables", maxNames)
		}
		p.copyNext = true
		p.Copies = append(p.Copies, CopyBlock{Statement: s})
	case f.starts("set", "standard_conforming_strings") && len(t) == 4:
		p.oldQuotes = !slices.Contains([]string{"on", "true", "yes", "1"}, t[3].text)
	case f.starts("set", "client_encoding") && len(t) == 4:
		p.Encoding = t[3].text
		p.unsafe = leads(t[3].text)
	case f.starts("create", "database") && len(t) > 2:
		if p.made == nil {
			p.made = map[string]bool{}
		}
		p.made[t[2].text] = true
	}
	if p.OnStatement == nil {
		return nil
	}
	return p.OnStatement(parsed)
}

func wordLength(s []byte) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}
