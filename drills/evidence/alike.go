package evidence

import (
	"strings"
	"unicode"
)

// twins are letters that are drawn like Latin ones: enough to find a name that was made to be taken for another.
var twins = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'е': 'e', 'н': 'h', 'і': 'i', 'ј': 'j', 'к': 'k', 'м': 'm', 'о': 'o', 'р': 'p', 'ѕ': 's', 'т': 't', 'у': 'y', 'х': 'x',
	'ԁ': 'd', 'ɡ': 'g', 'ո': 'n', 'ԛ': 'q', 'ѡ': 'w', 'ӏ': 'l', 'α': 'a', 'ε': 'e', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x',
	'ı': 'i', '‐': '-', '‑': '-', '‒': '-', '–': '-', '−': '-', '․': '.', '∕': '/',
}

// looks is how a name looks: two names with the same looks are taken for one another.
func looks(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		switch {
		case r >= '！' && r <= '～': // full width
			r -= '！' - '!'
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r): // accents that are put on, and what cannot be seen
			continue
		}
		if unicode.IsSpace(r) {
			r = ' '
		}
		if twin, ok := twins[r]; ok && r > unicode.MaxASCII {
			r = twin
		}
		b.WriteRune(r)
	}
	return b.String()
}

// alike finds the name that another one was made to look like; "" none.
func alike(name string, among map[string]string) string {
	if other := among[looks(name)]; other != name {
		return other
	}
	return ""
}
