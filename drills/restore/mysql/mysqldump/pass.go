package mysqldump

import (
	"bytes"
	"fmt"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// quoting are the modes in which names stand in double quotes, and those that hold it (--compatible).
var quoting = lazy.Regexp(`ANSI|POSTGRESQL|ORACLE|MSSQL|DB2|MAXDB`)

// Marks that stand for a text and for a quoted name in what rows reads.
const (
	textMark byte = 1
	nameMark byte = 2
)

// skeleton gives the bytes of a statement without what stands in its texts to what counts its rows, once it is known to add some.
func (s *scanner) skeleton(c byte) error {
	if s.rows != nil {
		return s.rows.take(c)
	}
	const word = len("replace ")
	if len(s.head) <= word {
		if c != ' ' {
			return nil
		}
		if verb := bytes.ToUpper(bytes.TrimSpace(s.head)); string(verb) == "INSERT" || string(verb) == "REPLACE" {
			s.rows = &rows{}
		}
		return nil
	}
	return nil
}

// hold keeps within bounds what is held of a statement: one that adds rows is passed on as it comes.
func (s *scanner) hold() error {
	switch {
	case s.flows && len(s.raw) > headSize:
		return s.flush()
	case s.flows, len(s.raw) < headSize:
		return nil
	case s.rows == nil && len(s.raw) > longest:
		return &dump.Damage{Reason: fmt.Sprintf("a statement of it is longer than %d MiB and adds no rows: %q", longest>>20, brief(string(s.head)))}
	case s.rows == nil:
		return nil
	}
	s.flows = true
	pass, err := s.begin(parse(string(s.head), s.mode.ansi))
	if s.dropped = !pass; !pass {
		s.raw = s.raw[:0]
	}
	return err
}

// begin asks whether a statement is passed on, and puts before it what goes first.
func (s *scanner) begin(statement Statement) (pass bool, err error) {
	s.to.before = ""
	if pass, err = s.to.begin(statement); pass && s.to.before != "" {
		s.raw = append([]byte("\n"+s.to.before+string(s.delimiter)+"\n"), s.raw...)
	}
	return pass, err
}

// end is called behind a statement's delimiter.
func (s *scanner) end() error {
	defer func() {
		s.head, s.begun, s.flows, s.dropped, s.rows, s.version = s.head[:0], false, false, false, nil, false
	}()
	if !s.begun {
		return s.flush() // nothing but a delimiter
	}
	if s.rows != nil {
		if err := s.rows.end(); err != nil {
			return err
		}
	}
	pass := !s.dropped
	statement := parse(string(s.head), s.mode.ansi)
	if !s.flows {
		var err error
		if pass, err = s.begin(statement); err != nil {
			return err
		}
	}
	if s.rows != nil && pass {
		s.to.added(statement, s.rows.count)
	}
	if !pass {
		s.raw = s.raw[:0]
		return nil
	}
	s.settle(statement)
	return s.flush()
}

// settle heeds what a statement says of how what follows it is to be read.
func (s *scanner) settle(statement Statement) {
	all := statement.Settings()
	_, first := all["@old_sql_mode"] // of the whole dump: what has a mode of its own goes back to it
	for name, value := range all {
		switch name {
		case "sql_mode":
			if strings.HasPrefix(value, "@") {
				s.mode = s.usual
				continue
			}
			value = strings.ToUpper(value)
			s.mode = mode{plain: strings.Contains(value, "NO_BACKSLASH_ESCAPES"), ansi: quoting().MatchString(value)}
			if first {
				s.usual = s.mode
			}
		case "names": // the client takes no notice of character_set_client
			s.lead = leads(value)
		}
	}
}

// flush passes on what was kept.
func (s *scanner) flush() error {
	defer func() { s.raw = s.raw[:0] }()
	if s.to.Out == nil {
		return nil
	}
	_, err := s.to.Out.Write(s.raw)
	return err
}

// leads are the bytes with which a character of two begins, of which the second may look like a backslash or a quote.
func leads(charset string) *[256]bool {
	between := map[string][][2]int{"gbk": {{0x81, 0xfe}}, "gb18030": {{0x81, 0xfe}}, "big5": {{0xa1, 0xf9}},
		"sjis": {{0x81, 0x9f}, {0xe0, 0xfc}}, "cp932": {{0x81, 0x9f}, {0xe0, 0xfc}}}[charset]
	if between == nil {
		return nil
	}
	t := &[256]bool{}
	for _, b := range between {
		for c := b[0]; c <= b[1]; c++ {
			t[c] = true
		}
	}
	return t
}
