package pgquery

import "strings"

// Identifier quotes a name; one with dots is quoted part by part: shop.orders.
func Identifier(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(strings.ReplaceAll(p, "\x00", ""), `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

// Literal quotes a text.
func Literal(text string) string {
	return " '" + strings.ReplaceAll(strings.NewReplacer("\x00", "", `\`, "").Replace(text), "'", "''") + "'"
}

// Within makes a query fit to stand in brackets.
func Within(query string) string { return "(" + strings.TrimRight(query, "; \t\r\n") + "\n)" }
