package reports

import "strings"

// printable keeps what a restored system wrote from steering whoever shows it: a terminal obeys control
// characters, and every reader obeys those that turn the direction of writing.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0xfffe && r <= 0xffff, // XML holds none of these
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '\ufffd'
		}
		return r
	}, s)
}
