package mysql

import (
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

var (
	plain = lazy.Regexp(`^[0-9A-Za-z_$]+$`)
	// typed is the beginning of a column's definition: its type, and how its text is kept, which is told apart.
	typed = lazy.Regexp(`^([a-z0-9]+(?: precision)?(?:\((?:[^()'\\]|'(?:[^'\\]|''|\\.)*')*\))?)((?: (?:unsigned|zerofill))*)` +
		`(?: CHARACTER SET \w+)?(?: COLLATE \w+)?`)
	counter  = lazy.Regexp(` AUTO_INCREMENT=\d+`)
	charsets = lazy.Regexp(` (?:DEFAULT )?(?:CHARSET|COLLATE)=\w+`)
	definer  = lazy.Regexp("DEFINER=([`\"](?:[^`\"]|``|\"\")*[`\"](?:@[`\"](?:[^`\"]|``|\"\")*[`\"])?) ")
	grant    = lazy.Regexp("^GRANT (.+?) ON (?:TABLE |PROCEDURE |FUNCTION )?(`(?:[^`]|``)*`|\\*)\\.(\\S+) TO ")
	threes   = lazy.Regexp(`\butf8(_|\b)`)
)

const invisible = " INVISIBLE"

// clause of what makes a table: a column, a key, a constraint.
type clause struct {
	kind, name string // name is "" where it has none
	is         string
}

// clauses cuts a table's definition: what stands in its brackets, the options behind them, and how it is parted.
func clauses(text string) (inside []clause, options, parts string) {
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '`' || c == '\'' || c == '"':
			i = quoted(text, i) - 1
		case c == '(':
			if depth++; depth == 1 {
				from = i + 1
			}
		case c == ',' && depth == 1, c == ')' && depth == 1:
			inside, from = append(inside, clauseOf(strings.TrimSpace(text[from:i]))), i+1
			if c == ')' {
				options = text[i+1:]
				i = len(text)
			}
			depth -= b2i(c == ')')
		case c == ')':
			depth--
		}
	}
	for i := 0; i < len(options); i++ {
		switch options[i] {
		case '`', '\'', '"':
			i = quoted(options, i) - 1
		case '\n':
			return inside, strings.TrimSpace(options[:i]), strings.TrimSpace(options[i:])
		}
	}
	return inside, strings.TrimSpace(options), ""
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// quoted is the place behind what a quotation mark begins.
func quoted(text string, at int) int {
	mark := text[at]
	for at++; at < len(text); at++ {
		switch {
		case text[at] == '\\' && mark != '`':
			at++
		case text[at] == mark && at+1 < len(text) && text[at+1] == mark:
			at++
		case text[at] == mark:
			return at + 1
		}
	}
	return at
}

func clauseOf(text string) clause {
	word, rest, _ := strings.Cut(text, "`")
	name := ""
	if end := quoted("`"+rest, 0); word != text {
		name, rest = strings.ReplaceAll(rest[:max(end-2, 0)], "``", "`"), strings.TrimSpace(rest[min(max(end-1, 0), len(rest)):])
	}
	switch word = strings.TrimSpace(word); {
	case word == "":
		return clause{"column", name, rest}
	case strings.HasPrefix(word, "PRIMARY KEY"):
		return clause{"index", "PRIMARY", text}
	case strings.HasSuffix(word, "KEY"):
		return clause{"index", name, word + " " + rest}
	case word == "CONSTRAINT":
		return clause{"constraint", name, rest}
	}
	return clause{"constraint", "", text} // such as PERIOD FOR
}

// column is a column's definition without how its text is kept, which no two versions write alike.
func columnOf(is string) string {
	m := typed().FindStringSubmatchIndex(is)
	if m == nil {
		return is
	}
	rest, comment := is[m[1]:], ""
	if i := strings.Index(rest, " COMMENT '"); i >= 0 {
		rest, comment = rest[:i], rest[i:]
	}
	if seen, after, hidden := strings.Cut(rest, invisible); hidden { // it stands before a default until 11, and behind it since
		rest = seen + after + invisible
	}
	return is[m[2]:m[3]] + is[m[4]:m[5]] + rest + comment
}

// optionsOf are a table's options without what changes with its rows and how its text is kept, which is told apart.
func optionsOf(options string) string {
	head, comment := options, ""
	if i := strings.Index(options, " COMMENT='"); i >= 0 {
		head, comment = options[:i], options[i:]
	}
	return charsets().ReplaceAllString(counter().ReplaceAllString(head, ""), "") + comment
}

// defined takes the definer out of a statement that makes something.
func defined(text string) (rest, by string) {
	m := definer().FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	return text[:m[0]] + text[m[1]:], text[m[2]:m[3]]
}

// kept is how text is kept, under the names of today: utf8 was of three bytes.
func kept(charset, collation string) string {
	return threes().ReplaceAllString(strings.TrimSpace(charset+" "+collation), "utf8mb3$1")
}

// granted tells whether a grant gives one of some rights on a database.
func granted(text, database string, rights []string) bool {
	m := grant().FindStringSubmatch(text)
	if m == nil || m[3] != "*" {
		return false
	}
	of := strings.ReplaceAll(strings.Trim(m[2], "`"), "``", "`")
	if of != "*" && of != database && strings.NewReplacer(`\_`, "_", `\%`, "%").Replace(of) != database {
		return false
	}
	all := strings.Split(m[1], ", ")
	return slices.Contains(all, "ALL PRIVILEGES") || slices.ContainsFunc(rights, func(r string) bool { return slices.Contains(all, r) })
}
