package detect

import (
	"maps"
	"slices"

	"lifeboat/verifier"
)

// Asks remembers which checks of a flow pass in every iteration while nothing is broken yet, to tell which of them are
// never asked again afterwards: a flow that skips what it cannot do is green with less.
//
//	baseline   home ✓ buy ✓   home ✓ buy ✓   …    always: home, buy
//	afterwards home ✓         home ✓         …    left: buy
type Asks struct {
	always map[string]bool
	left   map[string]bool // of those, the ones that no iteration has asked since Again
	known  int             // good iterations in which always was learnt
	since  int             // good iterations since Again
	learnt bool
}

// enoughAsks is how many good iterations say what a flow asks always, and what it asks no more: names may be made at run time.
const enoughAsks = 5

// Learnt ends learning: from now on things may be broken.
func (a *Asks) Learnt() { a.learnt = true }

// Again begins to look for what is asked no more.
func (a *Asks) Again() { a.left, a.since = maps.Clone(a.always), 0 }

// Add takes a good sample of the flow.
func (a *Asks) Add(v verifier.Sample) {
	switch {
	case len(v.Passed) == 0:
	case a.left != nil:
		a.since++
		for _, name := range v.Passed {
			delete(a.left, name)
		}
	case a.learnt:
	case a.known == 0:
		a.known, a.always = 1, map[string]bool{}
		for _, name := range v.Passed {
			a.always[name] = true
		}
	default:
		a.known++
		maps.DeleteFunc(a.always, func(name string, _ bool) bool { return !slices.Contains(v.Passed, name) })
	}
}

// Unasked are the checks that passed in every iteration and were not asked any more; nil where too little was seen to say so.
func (a *Asks) Unasked() []string {
	if a.known < enoughAsks || a.since < enoughAsks {
		return nil
	}
	return slices.Sorted(maps.Keys(a.left))
}
