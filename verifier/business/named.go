package business

import (
	"slices"
	"strings"
)

// failedChecks remembers which checks failed in the iterations that have not ended yet: k6 writes a check before its
// iteration, and iterations of several virtual users overlap.
type failedChecks struct{ of map[iteration][]string }

type iteration struct {
	vu   uint64
	iter int64
}

const (
	mostNames = 8    // of an iteration
	mostOpen  = 4096 // iterations; those that a run cuts off never end
)

func (f *failedChecks) add(l line) {
	key := iteration{l.VU, l.Iter}
	if l.OK || slices.Contains(f.of[key], l.Name) || len(f.of[key]) >= mostNames {
		return
	}
	if f.of == nil || len(f.of) >= mostOpen {
		f.of = map[iteration][]string{}
	}
	f.of[key] = append(f.of[key], l.Name)
}

// take returns the names of an iteration that has ended, and forgets them.
func (f *failedChecks) take(l line) []string {
	key := iteration{l.VU, l.Iter}
	names := f.of[key]
	delete(f.of, key)
	return names
}

// mostOfError is what is told of an exception, bytes; the stream in raw/ holds the whole.
const mostOfError = 300

// plainError is an exception without what only the script's author reads: its stack, its class, the promise it was in.
func plainError(s string) string {
	s, _, _ = strings.Cut(s, "\n\tat ")
	s, _, _ = strings.Cut(s, "\nat ")
	for _, prefix := range []string{"Uncaught (in promise) ", "GoError: ", "Error: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > mostOfError {
		s = strings.ToValidUTF8(s[:mostOfError], "") + " …"
	}
	return s
}
