package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Spellings of a text are all that lifeboat, its drivers and k6 make of it on the way into a message: quoted for Go,
// JSON, SQL, a shell, YAML or an address, made one line, and quoted once more by whoever passes it on; and its inside
// within the base64 of something longer, such as a header.
func Spellings(plain string) []string {
	once := append([]string{plain}, quotings(plain)...)
	all := slices.Clone(once)
	for _, s := range once {
		if len(plain) <= longestTwice {
			all = append(all, quotings(s)...)
		}
	}
	for offset := range 3 {
		all = append(all, within64(plain, offset, base64.RawStdEncoding), within64(plain, offset, base64.RawURLEncoding))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// longestTwice is how long a secret may be, bytes, that is looked for quoted twice: keys are longer, passwords are not.
const longestTwice = 1 << 10

func quotings(s string) []string {
	inner := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	query, ascii := url.QueryEscape(s), strconv.QuoteToASCII(s)
	all := []string{
		inner(strconv.Quote(s)), inner(ascii),
		strings.ReplaceAll(s, "'", "''"),                                     // SQL and YAML
		strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''"),      // SQL, E'…'
		strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`),      // SQL, E'…', too, and libpq
		strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, `"`, `""`), // a shell, an SQL name
		query, url.PathEscape(s), strings.TrimPrefix(url.UserPassword("", s).String(), ":"),
		strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(query), // k6's scripts
		strings.Join(strings.Fields(s), " "), strings.ReplaceAll(s, "\n", "\r\n"),
	}
	if html, err := json.Marshal(s); err == nil {
		all = append(all, inner(string(html)), inner(asciiJSON(string(html))))
	}
	var b bytes.Buffer
	plain := json.NewEncoder(&b)
	plain.SetEscapeHTML(false)
	if plain.Encode(s) == nil {
		all = append(all, inner(strings.TrimSuffix(b.String(), "\n")), inner(asciiJSON(strings.TrimSuffix(b.String(), "\n"))))
	}
	return all
}

// asciiJSON spells what is not ASCII as many writers of JSON do.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			r -= 0x10000
			b.WriteString(`\u` + strconv.FormatInt(0xd800+int64(r>>10), 16) + `\u` + strconv.FormatInt(0xdc00+int64(r&0x3ff), 16))
		}
	}
	return b.String()
}

// within64 is what is the same in the base64 of every text that holds s at such an offset, modulo 3.
func within64(s string, offset int, e *base64.Encoding) string {
	encoded := e.EncodeToString(append(make([]byte, offset), s...))
	begin := (offset*8 + 5) / 6
	end := (offset + len(s)) * 8 / 6
	if end-begin < Shortest {
		return ""
	}
	return encoded[begin:end]
}
