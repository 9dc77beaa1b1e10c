package postgres

import "strings"

// quote quotes a name.
func quote(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// literal quotes a text.
func literal(text string) string {
	return " '" + strings.ReplaceAll(strings.NewReplacer("\x00", "", `\`, "").Replace(text), "'", "''") + "'"
}

// within makes a query fit to stand in brackets.
func within(query string) string { return "(" + strings.TrimRight(query, "; \t\r\n") + "\n)" }
