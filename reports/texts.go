package reports

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// told is a text that lifeboat writes into the journal as one string: its form there, and what it says in a language.
type told struct {
	form  *regexp.Regexp
	arrow bool   // it tells of a change itself, and is no step of a list
	exact string // the form of a text into which nothing is put
	words int    // of the form's own: the more it has, the surer it is
	text  string
}

var (
	formVerb = regexp.MustCompile(`%(\[\d\])?[-+# 0]*[0-9.]*[a-zA-Z%]`)
	ownWord  = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// recognisers of the catalogue's texts, the surest first.
func recognisers(texts map[string]string) []told {
	var all []told
	for form, text := range texts {
		words := len(ownWord.FindAllString(formVerb.ReplaceAllString(form, ""), -1))
		exact := form
		if formVerb.MatchString(form) {
			exact = ""
		}
		all = append(all, told{recogniser(form, words), strings.Contains(form, arrow), exact, words, text})
	}
	slices.SortFunc(all, func(a, b told) int {
		return cmp.Or(b.words-a.words, len(b.form.String())-len(a.form.String()), strings.Compare(a.form.String(), b.form.String()))
	})
	return all
}

// recogniser of one form. What is put in is as short as it can be; where the form has few words of its own it is one word,
// but for what follows a colon or a bracket.
func recogniser(form string, words int) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for at := 0; ; {
		hit := formVerb.FindStringIndex(form[at:])
		if hit == nil {
			b.WriteString(regexp.QuoteMeta(form[at:]) + "$")
			return regexp.MustCompile(b.String())
		}
		before, verb, rest := form[at:at+hit[0]], form[at+hit[0]:at+hit[1]], form[at+hit[1]:]
		b.WriteString(regexp.QuoteMeta(before))
		switch at += hit[1]; {
		case verb == "%%":
			b.WriteString("%")
		case strings.HasPrefix(verb, "%["): // said a second time
			b.WriteString(`.+?`)
		case strings.HasSuffix(verb, "d"):
			b.WriteString(`(-?\d+)`)
		case strings.HasSuffix(verb, "q"):
			b.WriteString(`("(?:\\.|[^"\\])*")`)
		case words < 3 && !strings.HasSuffix(before, ": ") && !strings.HasSuffix(before, " ("):
			b.WriteString(`(\S+?)`)
		case at == len(verb) && !strings.HasPrefix(rest, ": "): // what stands before a colon is a text of its own
			b.WriteString(`((?:[^:]|:\S)+?)`)
		default:
			b.WriteString(`(.+?)`)
		}
	}
}

// arrow stands between steps, and between what was and what is.
const arrow = " → "

// deepest is how often what is put into a text may be such a text itself.
const deepest = 4

// Text writes what the journal holds in English in another language, as far as it is one of the forms that lifeboat itself
// writes: the text whole, or what stands before or behind a colon. What others wrote (a server, a kernel, a user) stays.
func (c *Catalogue) Text(l Language, text string) string { return c.textWithin(l, text, deepest) }

func (c *Catalogue) textWithin(l Language, text string, depth int) string {
	if length, err := time.ParseDuration(text); err == nil && depth < deepest && len(c.texts[l.known()]()) > 0 {
		return c.write(l, length.String(), "")
	}
	if depth == 0 || text == "" || strings.ContainsFunc(text, isHan) {
		return text
	}
	known := c.texts[l.known()]() // nothing is compiled before it is needed
	if len(known) == 0 {
		return text
	}
	if !strings.Contains(text, " ") {
		if i := slices.IndexFunc(known, func(t told) bool { return t.exact == text }); i >= 0 {
			return known[i].text
		}
		return text
	}
	steps := strings.Contains(text, arrow)
	for _, t := range known {
		m := t.form.FindStringSubmatch(text)
		if m == nil || steps && !t.arrow {
			continue
		}
		return phraseArg.ReplaceAllStringFunc(t.text, func(hit string) string {
			n, _ := strconv.Atoi(hit[1:2]) // the pattern says that it is one
			if n >= len(m) {
				return "–"
			}
			return c.textWithin(l, m[n], depth-1)
		})
	}
	for _, sep := range []string{"; ", arrow, ": "} {
		head, tail, ok := strings.Cut(text, sep)
		if !ok {
			continue
		}
		h, t := c.textWithin(l, head, depth-1), c.textWithin(l, tail, depth-1)
		if h != head || t != tail {
			return h + map[string]string{"; ": "；", arrow: arrow, ": ": "："}[sep] + t
		}
	}
	return c.list(l, text, depth)
}

// list writes a text that is nothing but several of ours: "214 files, 88 packages".
func (c *Catalogue) list(l Language, text string, depth int) string {
	parts := strings.Split(text, ", ")
	if len(parts) < 2 {
		return text
	}
	for i, part := range parts {
		if parts[i] = c.textWithin(l, part, depth-1); parts[i] == part {
			return text
		}
	}
	return strings.Join(parts, "，")
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }
