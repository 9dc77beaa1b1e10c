package pgquery

import "strings"

// quote quotes a name.
func quote(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// Identifier quotes the name of a column.
func Identifier(name string) string { return quote(name) }

// Literal quotes a text.
func Literal(text string) string {
	return " '" + strings.ReplaceAll(strings.NewReplacer("\x00", "", `\`, "").Replace(text), "'", "''") + "'"
}

// Within makes a query fit to stand in brackets.
func Within(query string) string { return "(" + strings.TrimRight(query, "; \t\r\n") + "\n)" }
