package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Log is what was counted in a log of commands.
type Log struct {
	Snapshot *Snapshot // it begins with; nil: with none
	Commands int64
	Database int       // the highest number that a command selects
	Made     time.Time // of the last command, where the server wrote times into it; zero: it did not
	Cut      *Cut      // it ends inside a command; nil: it is whole
	Bytes    int64
}

// Cut is where a log ends too early.
type Cut struct {
	At, Of  int64  // byte at which what is lost begins, and bytes that there are
	Command string // that is lost, as far as it can be read: its name alone
	Within  bool   // it stood in a transaction, which is lost whole
}

// Words say what is lost.
func (c Cut) Words() string {
	switch {
	case c.Within:
		return fmt.Sprintf("it ends at byte %d inside a transaction that begins at byte %d, which is lost, and so is whatever came after it", c.Of, c.At)
	case c.Command == "":
		return fmt.Sprintf("it ends at byte %d inside a command that begins at byte %d, which is lost, and so is whatever came after it", c.Of, c.At)
	}
	return fmt.Sprintf("it ends at byte %d inside a command (%s) that begins at byte %d, which is lost, and so is whatever came after it", c.Of, c.Command, c.At)
}

// ReadLog reads a log to its end. One that ends inside a command is no error: the server may be told to do without it.
// *dump.Damage: it holds what is no command, or the snapshot at its beginning is not whole.
func ReadLog(r io.Reader, now time.Time) (*Log, error) {
	l := &logScan{input: newInput(r), Log: &Log{}}
	if l.more() && l.begins("REDIS", "VALKEY") {
		var err error
		if l.Snapshot, err = read(l.input, now); err != nil {
			return l.Log, err
		}
	}
	err := l.body()
	l.Bytes = l.offset()
	return l.Log, err
}

type logScan struct {
	*input
	*Log
	multi int64 // where the open transaction begins; 0: there is none
	name  string
}

func (l *logScan) begins(magics ...string) bool {
	return slices.ContainsFunc(magics, func(m string) bool { return bytes.HasPrefix(l.buf[l.at:l.to], []byte(m)) })
}

func (l *logScan) body() error {
	open := false
	for l.more() {
		at := l.offset()
		l.name = ""
		err := l.command()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			l.Cut = &Cut{At: at, Of: l.offset(), Command: l.name}
			if open {
				l.Cut.At, l.Cut.Within = l.multi, true
			}
			return nil
		case err != nil:
			return err
		}
		switch l.name {
		case "MULTI":
			open, l.multi = true, at
		case "EXEC":
			open = false
		}
	}
	if !errors.Is(l.err, io.EOF) {
		return l.err
	}
	if open {
		l.Cut = &Cut{At: l.multi, Of: l.offset(), Within: true}
	}
	return nil
}

// command is one, or a remark of the server's.
func (l *logScan) command() error {
	at := l.offset()
	kind, err := l.byte()
	if err != nil {
		return err
	}
	line, err := l.line(at)
	if err != nil {
		return err
	}
	if kind == '#' {
		if text, ok := strings.CutPrefix(line, "TS:"); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				l.Made = time.Unix(n, 0).UTC()
			}
		}
		return nil
	}
	count, err := strconv.Atoi(line)
	if kind != '*' || err != nil || count < 1 || count > 1<<20 {
		return damage("at byte %d its log holds what is no command", at)
	}
	for i := range count {
		word, err := l.word(i)
		if err != nil {
			return err
		}
		if i == 0 {
			l.name = strings.ToUpper(word)
		} else if i == 1 && l.name == "SELECT" {
			n, _ := strconv.Atoi(word) // the server says what is wrong with another one
			l.Database = max(l.Database, n)
		}
	}
	l.Commands++
	return nil
}

// word of a command, the first of which is its name: the beginning of it, and nothing of the later ones.
func (l *logScan) word(i int) (string, error) {
	at := l.offset()
	kind, err := l.byte()
	if err != nil {
		return "", err
	}
	line, err := l.line(at)
	if err != nil {
		return "", err
	}
	const most = 512 << 20 // as the server has it
	n, err := strconv.ParseInt(line, 10, 64)
	if kind != '$' || err != nil || n < 0 || n > most {
		return "", damage("at byte %d its log holds what is no command", at)
	}
	kept := 0
	if i < 2 {
		kept = 40
	}
	word, err := l.small(uint64(n), kept)
	if err != nil {
		return "", err
	}
	if i == 0 && strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", damage("at byte %d its log holds what is no command", at)
	}
	var end [2]byte
	if err := l.full(end[:]); err != nil {
		return word, err
	}
	if string(end[:]) != "\r\n" {
		return "", damage("at byte %d its log holds what is no command", at)
	}
	return word, nil
}

// line is the rest of one, without its end.
func (l *logScan) line(at int64) (string, error) {
	const most = 1 << 10
	var text []byte
	for {
		b, err := l.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(text), "\r"), nil
		}
		if text = append(text, b); len(text) > most || b == 0 {
			return "", damage("at byte %d its log holds what is no command", at)
		}
	}
}
