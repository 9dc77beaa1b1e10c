package business

import (
	"slices"
	"strings"
)

// ranChecks remembers which checks ran in the iterations that have not ended yet: k6 writes a check before its
// iteration, and iterations of several virtual users overlap.
type ranChecks struct{ of map[iteration]ran }

// ran are the names of an iteration's checks, each once.
type ran struct{ failed, passed []string }

type iteration struct {
	vu   uint64
	iter int64
}

const (
	mostNames = 8    // that failed in an iteration
	mostKnown = 256  // that passed in one; of more nothing is told
	mostOpen  = 4096 // iterations; those that a run cuts off never end
)

func (f *ranChecks) add(l line) {
	key := iteration{l.VU, l.Iter}
	r := f.of[key]
	names, most := &r.failed, mostNames
	if l.OK {
		names, most = &r.passed, mostKnown+1
	}
	if slices.Contains(*names, l.Name) || len(*names) >= most {
		return
	}
	if f.of == nil || len(f.of) >= mostOpen {
		f.of = map[iteration]ran{}
	}
	*names = append(*names, l.Name)
	f.of[key] = r
}

// take returns the names of an iteration that has ended, and forgets them.
func (f *ranChecks) take(l line) ran {
	key := iteration{l.VU, l.Iter}
	r := f.of[key]
	delete(f.of, key)
	if len(r.passed) > mostKnown {
		r.passed = nil
	}
	return r
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
