package database

import (
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// token of what a server writes of an expression: text, a quoted name, a name or number, or one sign.
var token = lazy.Regexp(`E?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|::|.`)

// neutral is what a thing is, whichever version's server says it. Since 14 a procedure's arguments are said to lead in.
func (k key) neutral(is string) string {
	text := neutral(is)
	if k.kind == "procedure" {
		text = strings.TrimPrefix(strings.ReplaceAll(text, ", IN ", ", "), "IN ")
	}
	return text
}

// neutral leaves out of a thing what servers of different major versions write differently though it is the same: brackets, casts, blanks, and
// the tables before columns (since 16 a view of one table names it no more). What two of one version write is compared as it is.
func neutral(is string) string {
	var kept []string
	all := token().FindAllString(is, -1)
	for i := 0; i < len(all); i++ {
		switch t := all[i]; {
		case strings.TrimSpace(t) == "" || t == "(" || t == ")":
		case t == "::": // and the type, with its schema
			for typed := false; i+1 < len(all); i++ {
				next := all[i+1]
				words := strings.TrimSpace(next) == "" && i+2 < len(all) && slices.Contains(typeWords, all[i+2])
				if !words && !strings.Contains(".[]", next) && (!name(next) || typed && !slices.Contains(typeWords, next) && all[i] != ".") {
					break
				}
				typed = true
			}
		case t == "." && len(kept) > 0 && name(kept[len(kept)-1]):
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " ")
}

// typeWords follow the first word of a type's name.
var typeWords = []string{"varying", "precision", "without", "with", "time", "zone"}

// major is the version of a server without what changes no words: of PostgreSQL one number, of the others two.
func (p Profile) major() string {
	parts := strings.SplitN(p.Server, ".", 3)
	if p.Kind == "postgres" {
		return parts[0]
	}
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// name tells whether a token is one.
func name(t string) bool { return t[0] == '"' || lazyName().MatchString(t) }

var lazyName = lazy.Regexp(`^[\p{L}\p{N}_$]+$`)
