package pgdump

import "bytes"

// step reads the next token of a line and says how long it is; at least 1.
func (p *Plain) step(data []byte) (int, error) {
	switch p.state {
	case inText:
		return p.text(data), nil
	case inName:
		return p.until(data, []byte(`"`), top), nil
	case inDollar:
		return p.until(data, p.tag, top), nil
	case inLineComment, inCommand:
		return p.restOfLine(data)
	case inBlockComment:
		return p.blockComment(data)
	default:
		return p.atTop(data)
	}
}

// keep adds to what is known of the statement.
func (p *Plain) keep(b []byte) {
	if room := maxStatement - len(p.stmt); room > 0 {
		p.stmt = append(p.stmt, b[:min(room, len(b))]...)
	}
}

// begin notes that a statement is under way: after the closing line there must be none but those of closers.
func (p *Plain) begin() {
	if !p.begun {
		p.closed = p.complete
	}
	p.begun, p.complete, p.comments = true, false, 0
}

func (p *Plain) atTop(data []byte) (int, error) {
	c := data[0]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
		p.keep(data[:1])
		return 1, nil
	case bytes.HasPrefix(data, []byte("--")):
		p.state, p.comment = inLineComment, p.comment[:0]
		return p.restOfLine(data)
	case bytes.HasPrefix(data, []byte("/*")):
		p.state, p.depth = inBlockComment, 0
		return p.blockComment(data)
	case c == '\\':
		p.state, p.command = inCommand, p.command[:0]
		return 1, nil
	case c == ';' && p.parens == 0:
		return 1, p.endStatement()
	}
	p.begin()
	n := p.token(data)
	p.keep(data[:n])
	return n, nil
}

// token reads one token of a statement.
func (p *Plain) token(data []byte) int {
	c := data[0]
	switch {
	case c == '\'':
		p.state = inText
		p.escapes = p.oldQuotes || endsWithE(p.stmt)
	case c == '"':
		p.state = inName
	case c == '(':
		p.parens++
	case c == ')':
		p.parens = max(0, p.parens-1)
	case c == '$':
		if tag := dollarTag(string(data[:min(len(data), carryBytes)])); tag != "" {
			p.state, p.tag = inDollar, []byte(tag)
			return len(tag)
		}
	case isWord(c):
		n := wordLength(data)
		for n < len(data) && data[n] == '$' { // part of a name, not the beginning of a quote
			n += 1 + wordLength(data[n+1:])
		}
		return n
	}
	return 1
}

// endsWithE tells whether the statement so far ends with the E of E'…'.
func endsWithE(s []byte) bool {
	n := len(s)
	return n > 0 && (s[n-1] == 'E' || s[n-1] == 'e') && (n == 1 || !isWord(s[n-2]))
}

// text reads within '…'.
func (p *Plain) text(data []byte) int {
	if !p.escapes {
		return p.until(data, []byte("'"), top)
	}
	i := 0
	for ; i < p.open(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '\'':
			if i+1 < len(data) && data[i+1] == '\'' {
				i++
				continue
			}
			p.state = top
			p.keep(data[:i+1])
			return i + 1
		}
	}
	i = min(i, len(data))
	p.keep(data[:i])
	return i
}

// open is how much can be read of a piece in which nothing ends: not a token that
// the piece's end may have cut.
func (p *Plain) open(data []byte) int { return max(1, len(data)-p.back) }

// until reads up to the end of what is quoted. A doubled quote ends and begins again,
// which comes to the same.
func (p *Plain) until(data, end []byte, next state) int {
	i := bytes.Index(data, end)
	if i < 0 {
		n := p.open(data)
		p.keep(data[:n])
		return n
	}
	p.state = next
	p.keep(data[:i+len(end)])
	return i + len(end)
}

// restOfLine reads a comment or a command to the end of its line.
func (p *Plain) restOfLine(data []byte) (int, error) {
	n, ends := len(data), false
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		n, ends = i+1, true
	}
	command := p.state == inCommand
	if command {
		if p.command = append(p.command, data[:n]...); len(p.command) > maxCommand {
			return n, foreign(`\` + commandName.FindString(string(p.command)))
		}
	} else {
		if err := p.countComment(n); err != nil {
			return n, err
		}
		if room := maxStatement - len(p.comment); room > 0 {
			p.comment = append(p.comment, data[:min(n, room)]...)
		}
	}
	if !ends {
		return n, nil
	}
	p.state = top
	switch {
	case command:
		return n, p.obey()
	case p.begun:
		return n, nil
	}
	return n, p.noteComment(string(p.comment))
}

func (p *Plain) countComment(n int) error {
	if p.comments += n; p.comments > maxComment {
		return damage("it holds more than %d MiB of comment in a row", maxComment>>20)
	}
	return nil
}

// blockComment reads within /* … */, which may hold others.
func (p *Plain) blockComment(data []byte) (int, error) {
	i := 0
	for ; i < p.open(data); i++ {
		rest := data[i:min(i+2, len(data))]
		switch {
		case string(rest) == "/*":
			p.depth++
			i++
		case string(rest) == "*/":
			p.depth--
			i++
			if p.depth == 0 {
				p.state = top
				return i + 1, p.countComment(i + 1)
			}
		}
	}
	i = min(i, len(data))
	return i, p.countComment(i)
}
