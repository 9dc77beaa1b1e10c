package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a scenario file; both count from 1, columns in characters.
// The zero value is the file as a whole.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	// File that the scenario includes, in which it stands; empty: the scenario's own
	File string `json:"file,omitempty"`
}

// In is the file of a place: the scenario's own, or the one that it includes.
func (p Pos) In(own string) string { return cmp.Or(p.File, own) }

// Problem is something to mend in a scenario file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`        // what is wrong; lower case, no full stop
	Hint    string `json:"hint,omitempty"` // what to do about it
}

// Error is one line: file:line:column: message (hint).
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(" ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems is all that is wrong with a scenario, in the order of the file.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Sorted puts problems into the order of the file and drops repetitions; those
// of other files come after those of the first.
func (ps Problems) Sorted(first string) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.File != b.File && (a.File == first || b.File == first) {
			return map[bool]int{true: -1, false: 1}[a.File == first]
		}
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return slices.Compact(ps)
}

// Given tells whether a value stands in the file at a path such as upgrade[2].boot.image.
func (s *Scenario) Given(path string) bool {
	_, ok := s.where[path]
	return ok
}

// Problem is one at a path, or where the nearest value around it stands; none where what stands there could not be read.
func (s *Scenario) Problem(path, hint, format string, args ...any) Problems {
	if s.bad[path] {
		return nil
	}
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	at := path
	for at != "" && !s.Given(at) {
		at = at[:max(0, strings.LastIndexAny(at, ".["))]
	}
	pos := s.where[at]
	return Problems{{File: pos.In(s.File), Line: pos.Line, Column: pos.Column, Message: message, Hint: hint}}
}
