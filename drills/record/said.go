package record

import (
	"fmt"
	"regexp"
	"strings"
)

// Said is an English text of the journal in the parts of which other languages can make theirs: its form, as package fmt
// writes it, and what was put into it. The text itself stands beside it, and is all that a journal of old has.
type Said struct {
	Form string   `json:"form"` // "table %s has %d rows"
	Args []string `json:"args,omitempty"`
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(?:\.[0-9]+)?[a-zA-Z%]`)

// SaidOf keeps a form and its arguments, each as its own verb writes it.
func SaidOf(form string, args ...any) *Said {
	s := &Said{Form: form}
	for _, v := range verb.FindAllString(form, -1) {
		if v != "%%" && len(s.Args) < len(args) {
			s.Args = append(s.Args, fmt.Sprintf(v, args[len(s.Args)]))
		}
	}
	return s
}

// English puts the arguments into the form.
func (s *Said) English() string {
	n := 0
	return verb.ReplaceAllStringFunc(s.Form, func(v string) string {
		if v == "%%" {
			return "%"
		}
		if n++; n > len(s.Args) {
			return v
		}
		return s.Args[n-1]
	})
}

// Is tells whether it is what a text says, whose white space may have been joined and whose end may have been cut.
func (s *Said) Is(text string) bool {
	whole := strings.Join(strings.Fields(s.English()), " ")
	cut, wasCut := strings.CutSuffix(text, "…")
	return whole == text || wasCut && strings.HasPrefix(whole, cut)
}

// Part of a backup: of what is left out nothing is proved.
type Part struct {
	Only string `json:"only"`
	Left string `json:"left,omitempty"` // what else the backup holds, as far as that is known
}
