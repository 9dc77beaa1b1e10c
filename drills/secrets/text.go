package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lifeboat/scenarios"
)

// Hide takes every secret out of a text.
func (s *Known) Hide(text string) string {
	m := s.mark(text)
	return m.hidden(0, len(text))
}

// HideAll hides in texts that stand below each other wherever they are shown, such as the lines of a console: a secret of several
// lines lies across them.
func (s *Known) HideAll(texts []string) []string {
	m := s.mark(strings.Join(texts, "\n"))
	if m.covered == nil {
		return texts
	}
	shown, at := make([]string, len(texts)), 0
	for i, text := range texts {
		shown[i] = m.hidden(at, at+len(text))
		at += len(text) + len("\n")
	}
	return shown
}

func (s *Known) mark(text string) marks {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := marks{text: text}
	if len(s.plain) == 0 {
		return m
	}
	for _, w := range s.whole {
		for from := 0; ; {
			at := strings.Index(text[from:], w)
			if at < 0 {
				break
			}
			m.cover(from+at, from+at+len(w))
			from += at + len(w)
		}
	}
	var window uint64
	for i := range len(text) {
		window = window<<8 | uint64(text[i])
		if i >= Gram-1 && s.first[window>>48] {
			if _, known := s.grams[window]; known {
				m.cover(i-Gram+1, i+1)
			}
		}
	}
	s.besideCuts(&m)
	return m
}

// besideCuts covers the begin of a secret before a cut and its end after one, where less than a run is left.
func (s *Known) besideCuts(m *marks) {
	for from := 0; ; {
		at := strings.Index(m.text[from:], cutMark)
		if at < 0 {
			return
		}
		at += from
		from = at + len(cutMark)
		before, after := strings.TrimSuffix(m.text[:at], " "), m.text[from:]
		left, right := 0, 0
		for _, e := range s.ends {
			for n := min(Gram-1, len(e)-1, len(before)); n > max(left, Shortest-2); n-- {
				if strings.HasSuffix(before, e[:n]) {
					left = n
				}
			}
			for n := min(Gram-1, len(e)-1, len(after)); n > max(right, Shortest-2); n-- {
				if strings.HasPrefix(after, e[len(e)-n:]) {
					right = n
				}
			}
		}
		m.cover(len(before)-left, len(before))
		m.cover(from, from+right)
	}
}

// marks are the bytes of a text that must not be shown.
type marks struct {
	text    string
	covered []bool // nil: none
}

func (m *marks) cover(from, to int) {
	if from == to {
		return
	}
	if m.covered == nil {
		m.covered = make([]bool, len(m.text))
	}
	for i := from; i < to; i++ {
		m.covered[i] = true
	}
}

// hidden is what is shown of the text between two places.
func (m *marks) hidden(from, to int) string {
	if m.covered == nil {
		return m.text[from:to]
	}
	var b strings.Builder
	for i := from; i < to; {
		if !m.covered[i] {
			b.WriteByte(m.text[i])
			i++
			continue
		}
		for i < to && (m.covered[i] || !utf8.RuneStart(m.text[i])) {
			i++
		}
		b.WriteString(hidden)
	}
	return strings.ToValidUTF8(b.String(), "")
}

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

// secretive are names of variables whose values are shown to nobody, though the file says them plainly.
var secretive = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|credential|auth|cookie|session|(^|_)pin(_|$)|dsn`)

// ShownEnv is a flow's environment as a report may hold it.
func (s *Known) ShownEnv(env map[string]scenarios.Secret) map[string]string {
	if len(env) == 0 {
		return nil
	}
	shown := map[string]string{}
	for name, value := range env {
		shown[name] = hidden
		if plain, err := value.Reveal(); err == nil && !value.Hidden() && !secretive.MatchString(name) {
			shown[name] = s.Hide(userOf.ReplaceAllString(plain, "://***@"))
		}
	}
	return shown
}

// userOf is the user and the password of an address.
var userOf = regexp.MustCompile(`://[^/@\s]*@`)
