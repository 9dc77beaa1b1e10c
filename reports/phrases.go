package reports

import (
	"regexp"
	"strconv"
	"strings"

	"lifeboat/drills/record"
)

// afterRestart stands before the form of what a check said the second time.
const afterRestart = "after a restart: "

var phraseArg = regexp.MustCompile(`\{([1-9])\}`)

// Said writes a text of the journal in a language: from its parts where the catalogue knows its form, else as it was said,
// in English.
func (c *Catalogue) Said(l Language, s *record.Said, text string) string {
	if s == nil || !s.Is(text) {
		return c.Text(l, text)
	}
	phrases, form, first := c.phrases[l.known()], s.Form, ""
	if rest, ok := strings.CutPrefix(form, afterRestart); ok && phrases[afterRestart] != "" {
		form, first = rest, phrases[afterRestart]
	}
	phrase, ok := phrases[form]
	if !ok {
		return c.Text(l, text)
	}
	return first + phraseArg.ReplaceAllStringFunc(phrase, func(hit string) string {
		n, _ := strconv.Atoi(hit[1:2]) // the pattern says that it is one
		if n > len(s.Args) {
			return "–"
		}
		return c.write(l, strings.Join(strings.Fields(s.Args[n-1]), " "), "")
	})
}

// message is what a check said.
func (a author) message(c *record.CheckResult) string { return a.c.Said(a.l, c.Said, c.Message) }

// note is what a restore had to add.
func (a author) note(f *record.RestoreFact, text string) string {
	for i := range f.Said {
		if f.Said[i].Is(text) {
			return a.c.Said(a.l, &f.Said[i], text)
		}
	}
	return a.told(text)
}

// told is a text of the journal in the report's language, as far as lifeboat wrote it.
func (a author) told(text string) string { return a.c.Text(a.l, text) }

// saidIn puts what a check said into the arguments of a reason that quotes it.
func (a author) saidIn(args map[string]string) {
	if args["check"] == "" || args["message"] == "" {
		return
	}
	for i := range a.r.Checks {
		if c := &a.r.Checks[i]; c.Name == args["check"] && c.Message == args["message"] {
			args["message"] = a.message(c)
			return
		}
	}
}

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
