package dump

import (
	"regexp"

	"lifeboat/internal/lazy"
)

// passwords are what stands behind the words for one in SQL, in connection strings and in addresses: programs repeat the statement that failed.
var (
	passwords = lazy.Regexp(`(?i)\b((?:password|passwd|pwd|secret|token)"?(?:\s*=>?\s*|\s+))(''(?:[^'\\]|\\.)+''|'(?:[^'\\]|''|\\.)*'?|"[^"]*"?)|` +
		`\b((?:password|passwd|pwd|secret|token)\s*=\s*)[^\s'",;)]+|(://[^/\s:@']*:)[^@\s/']+@`)
	identified = lazy.Regexp(`(?i)\b(identified\s+(?:by|with\s+\S+\s+(?:by|as))\s+(?:password\s+)?)'(?:[^'\\]|''|\\.)*'?`)
)

// rows are where servers and clients repeat values of a row, and $1 and $2 what stands around them: production's data stay out of reports.
var rows = []func() *regexp.Regexp{
	lazy.Regexp(`([Kk]ey \([^\n]*?\)=\()[^\n]*?(\)(?: already exists| is duplicated| is not present| is still referenced| conflicts with|\.))`),
	lazy.Regexp(`(Failing row contains \()[^\n]*()`),
	lazy.Regexp(`(COPY [^\n]*?, line \d+(?:, column [^\n:]+)?: ")[^\n]*()`),
	lazy.Regexp(`(invalid input (?:syntax for type|value for enum) [^\n:]+: "|malformed \w+ literal: "|out of range: "|invalid \w+ value: "|` +
		`syntax error in \w+: "|time zone "|JSON data, line \d+: )[^\n]*()`),
	lazy.Regexp(`((?:value|Token) ")[^\n]*(" is (?:out of range for type|invalid))`),
	lazy.Regexp(`(: +")[^"\n]*(" is out of range for type)`),
	lazy.Regexp(`(Truncated incorrect [\w ]+ value: ')[^\n]*(')`),
	lazy.Regexp(`(invalid XML (?:content|document)\n(?:[^\n]*\n)*?DETAIL:  [^\n]*\n)[^\n]*()`), // which repeats the line
	lazy.Regexp(`(LINE \d+: \.\.\.)[^\n]*'[^\n]*()`),                                           // the middle of a statement, and mostly of a row
	lazy.Regexp(`(no partition for value )[^\n]*()`),
	lazy.Regexp(`(?is)\b(insert\s+into\s.{0,300}?\bvalues?\s*\().*?(;\s*\n|;?\s*$)`),
	lazy.Regexp(`(Duplicate entry '|[Ii]ncorrect [\w ]+ value: ')[^\n]*(' for (?:key|column|function))`),
	lazy.Regexp(`(for the right syntax to use near ')[^\n]*?(?:\)\s*,\s*\(|'\s*,|,\s*')[^\n]*(' at line)`), // it is the middle of a row
}

// Unsaid is what a program printed, without production's passwords and values of its rows in what it repeats of a dump.
func Unsaid(text string) string {
	for _, of := range rows {
		text = of().ReplaceAllString(text, "$1***$2")
	}
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
