package mysqldump

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/restore/dump"
)

const (
	pieceSize = 256 << 10
	ahead     = 32       // bytes that a decision may look at
	headSize  = 64 << 10 // of a statement that are kept to be understood
	longest   = 16 << 20 // statement that adds no rows
	zeroRun   = 64       // no program that dumps writes zero bytes as they are
)

// place is where the scanner stands.
type place int

const (
	inCode    place = iota
	inString        // of a text or a quoted name; scanner.quote says which
	inComment       // /* … */ that no server runs
	inLine          // -- or #, to the end of the line
	inCommand       // DELIMITER, to the end of the line
)

// scanner cuts a dump into statements as the clients do: where a delimiter stands outside of texts, names and comments.
type scanner struct {
	to *Dump

	at        place
	quote     byte // of inString
	escaped   bool // the next byte of a text means itself
	zeros     int  // zero bytes in a row
	version   bool // inside /*! … */, which servers run
	delimiter []byte
	mode      mode
	usual     mode // of the dump as a whole
	lead      *[256]bool

	raw     []byte // of the statement, comments before it included
	head    []byte // of the statement, without comments
	line    []byte // of a comment or a command
	begun   bool   // the statement has code
	flows   bool   // it is passed on as it comes
	dropped bool   // and nobody wants it
	rows    *rows  // that it adds
}

// mode in which statements are read (sql_mode).
type mode struct {
	plain bool // a backslash in a text means itself (NO_BACKSLASH_ESCAPES)
	ansi  bool // names stand in double quotes
}

func newScanner(to *Dump) *scanner { return &scanner{to: to, delimiter: []byte(";")} }

// read reads a dump to its end.
func (s *scanner) read(r io.Reader) error {
	buf := make([]byte, 0, pieceSize)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := errors.Is(err, io.EOF)
		used, bad := s.take(buf, end)
		if bad != nil {
			return bad
		}
		if buf = append(buf[:0], buf[used:]...); end {
			return s.close()
		}
	}
}

// take goes on as far as a decision needs no more bytes than there are; last tells that no more come.
func (s *scanner) take(b []byte, last bool) (used int, err error) {
	stop := len(b) - ahead
	if last {
		stop = len(b)
	}
	i := 0
	for i < stop {
		from := i
		switch s.at {
		case inString:
			i, err = s.text(b, i, stop)
			s.keep(b[from:i])
		case inCode:
			i, err = s.code(b, i)
		default:
			i, err = s.aside(b, i, stop)
		}
		if err == nil {
			err = s.hold()
		}
		if err != nil {
			return i, err
		}
	}
	return i, nil
}

// keep adds bytes of a statement.
func (s *scanner) keep(b []byte) {
	if !s.dropped {
		s.raw = append(s.raw, b...)
	}
	if n := headSize - len(s.head); n > 0 && !s.flows {
		s.head = append(s.head, b[:min(n, len(b))]...)
	}
}

// text goes to the end of a text or a name, or of what is there.
func (s *scanner) text(b []byte, i, stop int) (int, error) {
	for i < stop {
		if s.escaped {
			s.escaped = false
			i++
			continue
		}
		if s.lead == nil {
			if n := common(b[i:stop], s.quote); n > 0 {
				i, s.zeros = i+n, 0
				continue
			}
		}
		c := b[i]
		if c != 0 {
			s.zeros = 0
		}
		switch {
		case c == 0:
			if s.zeros++; s.zeros == zeroRun {
				return i, &dump.Damage{Reason: "a run of zero bytes stands in the place of its text"}
			}
			i++
		case c == s.quote: // one that is doubled ends a text and begins another, which is the same
			s.at = inCode
			return i + 1, nil
		case c == '\\' && s.quote != '`' && !s.mode.plain, s.lead != nil && s.lead[c]:
			s.escaped = true
			i++
		default:
			i++
		}
	}
	return i, nil
}

// common counts the bytes at the beginning of a text that mean themselves whatever the mode is: nearly all of a dump.
func common(b []byte, quote byte) int {
	for i, c := range b {
		if c == quote || c == '\\' || c == 0 {
			return i
		}
	}
	return len(b)
}

// code takes one step outside of texts and comments. It may look at what follows.
func (s *scanner) code(b []byte, i int) (int, error) {
	c := b[i]
	switch {
	case bytes.HasPrefix(b[i:], s.delimiter):
		s.keepRaw(b[i : i+len(s.delimiter)])
		return i + len(s.delimiter), s.end()
	case c == '\'', c == '"', c == '`':
		s.begun, s.at, s.quote = true, inString, c
		s.keep(b[i : i+1])
		marker := textMark
		if c == '`' {
			marker = nameMark
		}
		return i + 1, s.skeleton(marker)
	case c == '#', c == '-' && i+1 < len(b) && b[i+1] == '-' && (i+2 >= len(b) || b[i+2] <= ' '):
		s.at, s.line = inLine, s.line[:0]
		return i, nil
	case c == '/' && i+1 < len(b) && b[i+1] == '*':
		if skip := versioned(b[i:]); skip > 0 {
			s.version = true
			s.keepRaw(b[i : i+skip])
			return i + skip, s.blank()
		}
		s.at, s.line = inComment, s.line[:0]
		s.keepRaw(b[i : i+2])
		return i + 2, s.blank()
	case c == '*' && s.version && i+1 < len(b) && b[i+1] == '/':
		s.version = false
		s.keepRaw(b[i : i+2])
		return i + 2, s.blank()
	case c == '\\':
		return i, hostile("a command of the client: %s", quoted(b[i:min(i+40, len(b))]))
	case c == 0:
		return i, &dump.Damage{Reason: "zero bytes stand in the place of its statements"}
	case c <= ' ':
		if bytes.EqualFold(s.head, []byte("delimiter")) {
			s.at, s.line = inCommand, s.line[:0]
			return i, nil
		}
		s.keepRaw(b[i : i+1])
		return i + 1, s.blank()
	}
	s.begun = true
	s.keep(b[i : i+1])
	return i + 1, s.skeleton(c)
}

// keepRaw adds bytes that are no code.
func (s *scanner) keepRaw(b []byte) {
	if !s.dropped {
		s.raw = append(s.raw, b...)
	}
}

// blank stands between words of code.
func (s *scanner) blank() error {
	if !s.begun {
		return nil
	}
	if len(s.head) < headSize && !s.flows {
		s.head = append(s.head, ' ')
	}
	return s.skeleton(' ')
}

// aside goes through comments and commands of the client.
func (s *scanner) aside(b []byte, i, stop int) (int, error) {
	end, from := "\n", i
	if s.at == inComment {
		end = "*/"
	}
	j := bytes.Index(b[i:min(len(b), stop+len(end)-1)], []byte(end)) // it may stand across the border
	if j < 0 {
		i = stop
	} else {
		i += j + len(end)
	}
	const most = 4 << 10
	s.line = append(s.line, b[from:min(i, from+max(0, most-len(s.line)))]...)
	if bytes.IndexByte(b[from:i], 0) >= 0 {
		return i, &dump.Damage{Reason: "zero bytes stand in the place of its statements"}
	}
	s.keepRaw(b[from:i])
	if j < 0 {
		return i, nil
	}
	return i, s.endAside()
}

func (s *scanner) endAside() error {
	was := s.at
	s.at = inCode
	switch was {
	case inCommand:
		word := bytes.TrimSpace(s.line)
		if len(word) == 0 || len(word) >= ahead || bytes.ContainsAny(word, "\\'\"` \t") {
			return &dump.Damage{Reason: fmt.Sprintf("it sets the delimiter %s", quoted(s.line))}
		}
		s.delimiter = bytes.Clone(word)
		s.head, s.begun = s.head[:0], false
		return s.flush()
	case inLine:
		if err := s.to.comment(string(bytes.TrimRight(s.line, "\r\n")), s.begun); err != nil {
			return err
		}
	}
	return s.blank()
}

// close is the end of the dump.
func (s *scanner) close() error {
	switch s.at {
	case inString:
		return &dump.Damage{Reason: "it is cut off: it ends inside a text"}
	case inComment:
		return &dump.Damage{Reason: "it is cut off: it ends inside a comment"}
	case inLine, inCommand:
		if err := s.endAside(); err != nil {
			return err
		}
	}
	if s.begun || s.version {
		return &dump.Damage{Reason: "it is cut off: it ends inside a statement"}
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.to.close()
}
