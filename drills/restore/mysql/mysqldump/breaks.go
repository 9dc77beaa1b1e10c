package mysqldump

import (
	"bufio"
	"bytes"
	"io"
)

// broken takes the carriage returns from before the ends of lines where a dump's first line has one: a terminal (docker exec -t) or Windows wrote
// it, and the client takes them off, too, unless it is told to leave every byte.
func (d *Dump) broken(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	head, _ := in.Peek(4 << 10) // what cannot be read is met again
	if i := bytes.IndexByte(head, '\n'); i < 1 || head[i-1] != '\r' {
		return in
	}
	d.note("its lines end as a terminal or Windows writes them (CR LF), and were read as the client reads such: without CR")
	return &unbroken{in: in}
}

// unbroken reads CR LF as LF.
type unbroken struct {
	in   *bufio.Reader
	held bool // a CR, of which it is not known yet what follows
}

func (u *unbroken) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c, err := u.in.ReadByte()
		switch {
		case err != nil && u.held:
			u.held, p[n] = false, '\r'
			return n + 1, nil
		case err != nil:
			return n, err
		case u.held && c != '\n':
			if u.held, p[n] = false, '\r'; c != '\r' {
				_ = u.in.UnreadByte() // it was just read
			} else {
				u.held = true
			}
			n++
			continue
		case c == '\r':
			u.held = true
			continue
		}
		u.held, p[n] = false, c
		n++
		if u.in.Buffered() == 0 {
			break
		}
	}
	return n, nil
}
