package mysqldump

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Statement is one of a dump, by its beginning: as much of it as says what it does.
type Statement struct {
	Text   string // at most 64 KiB, without comments
	tokens []token
}

// token of a statement.
type token struct {
	text string // a word as it is written, a name or a text without its quotes
	kind byte   // 'w' word, '`' name, '\'' text, else a sign
}

// is tells whether a token is a word; words are written in capitals.
func (t token) is(word string) bool { return t.kind == 'w' && strings.EqualFold(t.text, word) }

func (t token) named() bool { return t.kind == 'w' || t.kind == '`' }

const mostTokens = 4 << 10

// Parse cuts a statement into its words.
func Parse(text string) Statement { return parse(text, false) }

// parse: in the mode ANSI_QUOTES, ansi, names stand in double quotes.
func parse(text string, ansi bool) Statement {
	s := Statement{Text: text}
	for i := 0; i < len(text) && len(s.tokens) < mostTokens; {
		c := text[i]
		switch {
		case c <= ' ':
			i++
		case c == '\'', c == '"', c == '`':
			var value string
			value, i = unquote(text, i)
			kind := c
			if c == '"' && ansi {
				kind = '`'
			} else if c == '"' {
				kind = '\''
			}
			s.tokens = append(s.tokens, token{value, kind})
		case wordByte(c):
			j := i
			for j < len(text) && wordByte(text[j]) {
				j++
			}
			s.tokens = append(s.tokens, token{text[i:j], 'w'})
			i = j
		default:
			s.tokens = append(s.tokens, token{string(c), c})
			i++
		}
	}
	return s
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// unquote gives a text or a name without its quotes, and where it ends.
func unquote(text string, i int) (string, int) {
	var b strings.Builder
	for q, j := text[i], i+1; ; j++ {
		switch {
		case j >= len(text):
			return b.String(), j
		case text[j] == '\\' && q != '`' && j+1 < len(text):
			j++
			b.WriteByte(text[j])
		case text[j] == q && j+1 < len(text) && text[j+1] == q:
			j++
			b.WriteByte(q)
		case text[j] == q:
			return b.String(), j + 1
		default:
			b.WriteByte(text[j])
		}
	}
}

// begins tells whether the statement begins with words.
func (s Statement) begins(words ...string) bool {
	if len(s.tokens) < len(words) {
		return false
	}
	for i, w := range words {
		if !s.tokens[i].is(w) {
			return false
		}
	}
	return true
}

// has tells whether words stand one behind another anywhere, outside of texts and names.
func (s Statement) has(words ...string) bool {
	for i := range s.tokens {
		if (Statement{tokens: s.tokens[i:]}).begins(words...) {
			return true
		}
	}
	return false
}

// Verb is its first word in capitals.
func (s Statement) Verb() string {
	if len(s.tokens) == 0 || s.tokens[0].kind != 'w' {
		return ""
	}
	return strings.ToUpper(s.tokens[0].text)
}

// name is what stands at a place: table, or database and table.
func (s Statement) name(i int) (database, name string) {
	if i >= len(s.tokens) || !s.tokens[i].named() {
		return "", ""
	}
	if i+2 < len(s.tokens) && s.tokens[i+1].kind == '.' && s.tokens[i+2].named() {
		return s.tokens[i].text, s.tokens[i+2].text
	}
	return "", s.tokens[i].text
}

// Settings are the variables that a SET sets for its session, in lower case, and names for SET NAMES; values without quotes, @NAME for another
// variable's.
func (s Statement) Settings() map[string]string {
	if s.Verb() != "SET" || s.Global() {
		return nil
	}
	all := map[string]string{}
	if s.begins("SET", "NAMES") && len(s.tokens) > 2 {
		all["names"] = strings.ToLower(s.tokens[2].text)
		return all
	}
	for i := 1; i+1 < len(s.tokens); i++ {
		if s.tokens[i].kind != '=' || !s.tokens[i-1].named() {
			continue
		}
		name := s.tokens[i-1].text
		if i >= 2 && s.tokens[i-2].kind == '@' && (i < 3 || s.tokens[i-3].kind != '@') {
			name = "@" + name
		}
		value := s.tokens[i+1].text
		if s.tokens[i+1].kind == '@' {
			for j := i + 1; j < len(s.tokens) && (s.tokens[j].kind == '@' || s.tokens[j].kind == '.' || s.tokens[j].named()); j++ {
				if s.tokens[j].named() {
					value = "@" + s.tokens[j].text
				}
			}
		}
		value = cmp.Or(value, "''")
		all[strings.ToLower(name)] = value
	}
	return all
}

// Global tells whether a SET sets something of the server, and not of its session alone.
func (s Statement) Global() bool {
	if s.Verb() != "SET" {
		return false
	}
	for i, t := range s.tokens {
		where := t.is("GLOBAL") || t.is("PERSIST") || t.is("PERSIST_ONLY")
		if where && (i == 1 || s.tokens[i-1].kind == ',' || s.tokens[i-1].kind == '@') {
			return true
		}
	}
	return false
}

// Mentions tells whether a word stands in it, outside of texts.
func (s Statement) Mentions(word string) bool {
	return slices.ContainsFunc(s.tokens, func(t token) bool { return t.named() && strings.EqualFold(t.text, word) })
}

// brief is a statement's beginning in one line.
func brief(text string) string { return clip(strings.Join(strings.Fields(text), " ")) }

func clip(text string) string {
	const most = 80
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

func quoted(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return brief(line)
}

// Brief is the statement's beginning in one line.
func (s Statement) Brief() string { return brief(s.Text) }

// versioned gives the length of the beginning of a comment that servers run: /*!40101, /*M!100616; 0: it is none. The first line of newer dumps is
// one, too: it has no code, and tells the client to run no commands.
func versioned(b []byte) int {
	n := 2
	if n < len(b) && b[n] == 'M' {
		n++
	}
	if n >= len(b) || b[n] != '!' || bytes.HasPrefix(b, []byte(`/*M!999999\-`)) {
		return 0
	}
	for n++; n < len(b) && b[n] >= '0' && b[n] <= '9'; n++ {
	}
	return n
}
