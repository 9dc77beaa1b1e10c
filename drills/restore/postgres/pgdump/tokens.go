package pgdump

import "strings"

// token is a word (lower case), a quoted identifier or text, or one other character.
type token struct {
	text   string
	quoted bool
	depth  int // of parentheses
}

// maxTokens bounds what is looked at of one statement. Those that name roles are short; a COPY may
// name 1600 columns.
const maxTokens = 8000

// tokens cuts a statement up. Comments and dollar-quoted bodies are left out.
func tokens(s string) []token {
	var all []token
	depth := 0
	for i := 0; i < len(s) && len(all) < maxTokens; {
		c := s[i]
		switch {
		case c == '"' || c == '\'':
			text, n := quoted(s[i:], c)
			all = append(all, token{text: text, quoted: true, depth: depth})
			i += n
		case strings.HasPrefix(s[i:], "--"):
			i += lineEnd(s[i:])
		case strings.HasPrefix(s[i:], "/*"):
			i += blockEnd(s[i:])
		case c == '$' && dollarTag(s[i:]) != "":
			tag := dollarTag(s[i:])
			end := strings.Index(s[i+len(tag):], tag)
			if end < 0 {
				return all
			}
			i += end + 2*len(tag)
		case isWord(c):
			n := 1
			for i+n < len(s) && (isWord(s[i+n]) || s[i+n] == '$') {
				n++
			}
			all = append(all, token{text: strings.ToLower(s[i : i+n]), depth: depth})
			i += n
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		default:
			if c == ')' {
				depth--
			}
			all = append(all, token{text: string(c), depth: depth})
			if c == '(' {
				depth++
			}
			i++
		}
	}
	return all
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// quoted reads a quoted piece in which the quote is written twice.
func quoted(s string, quote byte) (text string, n int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return b.String(), i + 1
	}
	return b.String(), len(s)
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// blockEnd is the length of a comment, which may hold others.
func blockEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// dollarTag is the opening of a dollar quote at the start of s: $$ or $tag$.
func dollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '$' {
			return s[:i+1]
		}
		if !isWord(s[i]) || i == 1 && s[i] >= '0' && s[i] <= '9' {
			return ""
		}
	}
	return ""
}
