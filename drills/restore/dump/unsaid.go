package dump

import "lifeboat/internal/lazy"

// passwords are what stands behind the words for one in SQL, in connection strings and in addresses: programs repeat the statement that failed.
var (
	passwords = lazy.Regexp(`(?i)\b((?:password|passwd|pwd|secret|token)"?(?:\s*=>?\s*|\s+))(''(?:[^'\\]|\\.)+''|'(?:[^'\\]|''|\\.)*'?|"[^"]*"?)|` +
		`\b((?:password|passwd|pwd|secret|token)\s*=\s*)[^\s'",;)]+|(://[^/\s:@']*:)[^@\s/']+@`)
	identified = lazy.Regexp(`(?i)\b(identified\s+(?:by|with\s+\S+\s+(?:by|as))\s+(?:password\s+)?)'(?:[^'\\]|''|\\.)*'?`)
)

// Unsaid is what a program printed, without production's passwords in what it repeats of a dump.
func Unsaid(text string) string {
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
