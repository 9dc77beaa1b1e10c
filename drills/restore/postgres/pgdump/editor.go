package pgdump

import (
	"bytes"
	"fmt"
	"io"
)

// Editor hands a plain dump on while Plain follows it, one statement at a time, so that Plain's callbacks can leave the
// present statement out or put another in its place.
type Editor struct {
	Dump *Plain
	Out  io.Writer
	Skip bool // nothing is handed on from the present statement on

	held   []byte // of the statement that is under way
	passed bool   // its beginning was too long to be held
	ended  int    // what had ended before it
	edited bool
	text   string // that takes its place
	leave  bool   // its data go with it
}

// Replace puts a text in the place of the statement, or of the command of psql, that just ended: "" leaves it out.
func (e *Editor) Replace(text string) { e.edited, e.text = true, text }

// LeaveOutData leaves out a COPY and the data that follow it.
func (e *Editor) LeaveOutData() {
	e.Replace("")
	e.leave, e.Dump.copyLeft = true, true
	e.Dump.Copies = e.Dump.Copies[:len(e.Dump.Copies)-1]
}

// Line takes the next line, or the next piece of a long one, as Plain does.
func (e *Editor) Line(piece []byte, end bool) error {
	if e.Dump.copying { // data pass as they come
		if err := e.Dump.Line(piece, end); err != nil || e.leave {
			e.leave = e.leave && e.Dump.copying
			e.ended = e.Dump.ended
			return err
		}
		_, err := e.Out.Write(piece)
		return err
	}
	e.held = append(e.held, piece...)
	if err := e.Dump.Line(piece, end); err != nil {
		return err
	}
	if e.edited && !end {
		return nil
	}
	if between := end && e.Dump.between(); between || len(e.held) > maxStatement {
		return e.pass(between)
	}
	return nil
}

// pass hands on what is held, or what takes its place.
func (e *Editor) pass(between bool) error {
	out := e.held
	if e.Skip {
		out, e.edited = nil, false
	}
	if e.edited {
		if e.passed || !between || e.Dump.ended != e.ended+1 {
			return fmt.Errorf("%w: statements share a line, as no pg_dump writes them: %s", ErrUnsupported,
				firstLine(string(e.held)))
		}
		// As many lines as before: psql's messages name them.
		out = append([]byte(e.text), bytes.Repeat([]byte("\n"), bytes.Count(e.held, []byte("\n")))...)
	}
	_, err := e.Out.Write(out)
	e.held, e.edited, e.passed = e.held[:0], false, !between
	if between {
		e.ended = e.Dump.ended
	}
	return err
}

// Close hands on what is left at the end of the dump, and says whether the dump was whole.
func (e *Editor) Close() error {
	if err := e.Dump.Close(); err != nil {
		return err
	}
	if len(e.held) == 0 {
		return nil
	}
	return e.pass(true)
}

// between tells that no statement is under way.
func (p *Plain) between() bool { return p.state == top && !p.begun && len(p.carry) == 0 }
