package dump

import (
	"regexp"
	"strings"

	"lifeboat/internal/lazy"
)

// passwords are what stands behind the words for one in SQL, in connection strings and in addresses: programs repeat the statement that failed.
var (
	passwords = lazy.Regexp(`(?i)\b((?:password|passwd|pwd|secret|token)"?(?:\s*=>?\s*|\s+))(''(?:[^'\\]|\\.)+''|'(?:[^'\\]|''|\\.)*'?|"[^"]*"?)|` +
		`\b((?:password|passwd|pwd|secret|token)\s*=\s*)[^\s'",;)]+|(://[^/\s:@']*:)[^@\s/']+@`)
	identified = lazy.Regexp(`(?i)\b(identified\s+(?:by|with\s+\S+\s+(?:by|as))\s+(?:password\s+)?)'(?:[^'\\]|''|\\.)*'?`)
)

// row is where servers and clients repeat values of a row: between two texts, or to the end of what is there. A value has lines of its own, so
// the second text is one that no value has by chance; nil: the end of a statement.
type row struct{ from, to func() *regexp.Regexp }

var rows = []row{
	{lazy.Regexp(`\([^\n]*?\)=\(`), lazy.Regexp(`\)(?: already exists| is duplicated| is not present| is still referenced| conflicts with|` +
		`\.(?:\n(?:[A-Z][A-Z ]+:  |psql:|pg_restore:)|$))`)},
	{lazy.Regexp(`Failing row contains \(`), lazy.Regexp(`\)?\.?\n(?:[A-Z][A-Z ]+:  |psql:|pg_restore:)`)},
	{lazy.Regexp(`COPY [^\n]*?, line \d+: "`), line},
	{lazy.Regexp(`COPY [^\n]*?, line \d+, column [^\n:]+: "|invalid input (?:syntax for type|value for enum) [^\n:]+: "|` +
		`malformed \w+ literal: "|out of range: "|invalid \w+ value: "|syntax error in \w+: "|time zone "|JSON data, line \d+: `),
		lazy.Regexp(`"?\n(?:[A-Z][A-Z ]+[ \d]*:  ?|psql:|pg_restore:|Command was)`)},
	{lazy.Regexp(`(?i)\b(?:insert|replace)\s+(?:\w+\s+){0,3}into\s[^;]*?\bvalues?\s*\(`), nil},
	{lazy.Regexp(`Duplicate entry '|[Ii]ncorrect [\w ]+ value: '`), lazy.Regexp(`' for (?:key|column|function)|'\s*$`)},
}

// bounded are those of which only both ends together tell that a value stands between, and $1 and $2 the ends.
var bounded = []func() *regexp.Regexp{
	lazy.Regexp(`(?s)((?:value|Token) ").{0,900}?(" is (?:out of range for type|invalid))`),
	lazy.Regexp(`(: +")[^"]*(" is out of range for type)`),
	lazy.Regexp(`(invalid XML (?:content|document)\n(?:[^\n]*\n)*?DETAIL:  [^\n]*\n)[^\n]*()`), // which repeats the line
	lazy.Regexp(`(LINE \d+: \.\.\.)[^\n]*'[^\n]*()`),                                           // the middle of a statement, and mostly of a row
	lazy.Regexp(`(no partition for value )[^\n]*()`),
}

var (
	line = lazy.Regexp(`\n`)
	// near is what a client's server could not read, and inRow whether that is the middle of a row.
	near  = lazy.Regexp(`(?s)(for the right syntax to use near ')(.*?)(' at line|$)`)
	inRow = lazy.Regexp(`\)\s*,\s*\(|'\s*[,)]|,\s*'`)
)

// unsaid takes out what stands between.
func (r row) unsaid(text string) string {
	var b strings.Builder
	for {
		at := r.from().FindStringIndex(text)
		if at == nil {
			return b.String() + text
		}
		b.WriteString(text[:at[1]] + "***")
		if text = text[at[1]:]; r.to == nil {
			text = text[statement(text):]
		} else if end := r.to().FindStringIndex(text); end != nil {
			text = text[end[0]:]
		} else {
			return b.String()
		}
	}
}

// statement is where one ends: at a semicolon with nothing behind it on its line, which lies in no text between quotes, whether a backslash takes
// away what a quote means there, as in MariaDB, or does not, as in PostgreSQL.
func statement(text string) int {
	var plain, escaped bool // whether a text between quotes is open, in one reading and in the other
	var skip bool
	for i, c := range text {
		switch {
		case c == '\'':
			plain = !plain
			escaped = escaped == skip
		case c == ';' && !plain && !escaped && strings.TrimLeft(strings.SplitN(text[i+1:], "\n", 2)[0], " \t\r") == "":
			return i
		}
		skip = c == '\\' && !skip
	}
	return len(text)
}

// Unsaid is what a program printed, without production's passwords and values of its rows in what it repeats of a dump.
func Unsaid(text string) string {
	for _, r := range rows {
		text = r.unsaid(text)
	}
	for _, of := range bounded {
		text = of().ReplaceAllString(text, "$1***$2")
	}
	text = near().ReplaceAllStringFunc(text, func(found string) string {
		m := near().FindStringSubmatch(found)
		if m[3] != "" && !inRow().MatchString(m[2]) {
			return found
		}
		return m[1] + "***" + m[3]
	})
	text = passwords().ReplaceAllStringFunc(text, func(found string) string {
		m := passwords().FindStringSubmatch(found)
		switch {
		case m[1] != "":
			return m[1] + "'***'"
		case m[3] != "":
			return m[3] + "***"
		}
		return m[4] + "***@"
	})
	return identified().ReplaceAllString(text, "$1'***'")
}
