package pgdump

import (
	"bytes"
	"io"
)

// rows counts the rows of a table's data as COPY reads them: a line each, and a line \. that ends them. A server
// ends the data at the first such line and drops what follows without a word.
type rows struct {
	n     int64
	size  int64
	line  [3]byte // the beginning of the present line
	long  int     // bytes of it, at most 3
	ended bool
	after int // line breaks behind the end
	wrong bool
}

// closing ends the data of a table that is loaded by COPY.
const closing = "\\.\n\n\n"

func (r *rows) Write(p []byte) (int, error) {
	size := len(p)
	r.size += int64(size)
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n')
		part := p
		if n >= 0 {
			part = p[:n]
		}
		if room := len(r.line) - r.long; room > 0 {
			r.long += copy(r.line[r.long:], part)
		}
		if n < 0 {
			break
		}
		r.endLine()
		p = p[n+1:]
	}
	return size, nil
}

func (r *rows) endLine() {
	switch {
	case r.ended:
		r.after++
		r.wrong = r.wrong || r.long > 0
	case r.long == 2 && string(r.line[:2]) == `\.`:
		r.ended = true
	default:
		r.n++
	}
	r.long = 0
}

// check says what is wrong with the data of an entry. where names their file, if any.
func (r *rows) check(name, where string) error {
	switch {
	case r.size == 0:
		return damage("the data of %s%s are empty: not even their closing line is there", name, where)
	case r.ended && (r.wrong || r.after > 2 || r.long > 0):
		return damage("the data of %s%s go on after the line that ends them: a server drops the rest", name, where)
	case !r.ended || r.after != 2:
		return damage("the data of %s%s end without their closing line", name, where)
	}
	return nil
}

// readRows counts the rows of all that comes.
func readRows(in io.Reader) (*rows, error) {
	r := &rows{}
	_, err := io.Copy(r, in)
	return r, err
}
