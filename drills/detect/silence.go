package detect

import (
	"maps"
	"slices"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// Silence follows for how long nobody asked the business. Iterations that could not be started asked nothing, however
// few they are of a long drill: a share would hide a whole outage.
//
// However patient the pulse is, that somebody waits does not hide that nobody began to ask: who asks at a rate begins
// whether or not an answer came, and one user begins when it did, or when its patience was over.
//
//	start├──┤end   start├──┤end   drop  drop  drop      now
//	     └──────────────┘ between two starts  └────────┘ after the newest end, less what one may wait
//	        └───────────┘ one user: from an end to the next start
type Silence struct {
	allowed time.Duration
	patient time.Duration // how long an iteration may last whose end was not seen yet
	alone   bool          // one user asks
	asked   bool
	began   time.Duration // start of the latest iteration
	last    time.Duration // end of the newest one
	since   time.Duration // start of the first one after the latest silence that was too long
	longest time.Duration
	unseen  bool // since the latest rest no iteration has ended
}

// SilenceOf a pulse.
func SilenceOf(pace record.Pace) *Silence {
	return &Silence{allowed: pace.LongestSilence(), patient: pace.Timeout, alone: pace.Alone()}
}

// Add takes a sample.
func (s *Silence) Add(v verifier.Sample) {
	if v.Dropped > 0 {
		return
	}
	seen := s.began
	if s.alone {
		seen = s.waited()
	}
	gap := v.Start - seen
	if s.asked {
		s.longest = max(s.longest, gap)
	}
	if !s.asked || gap > s.allowed || s.unseen {
		s.since, s.unseen = v.Start, false
	}
	s.asked, s.began, s.last = true, max(s.began, v.Start), max(s.last, v.End)
}

// Look takes an iteration of the same flow that is none of the pulse.
func (s *Silence) Look(start, end time.Duration) {
	if s.asked {
		s.Add(verifier.Sample{Start: start, End: end})
	}
}

// Rest takes a time in which the pulse rested and another flow asked the business. It is no silence; but where it was
// longer than a silence may be, nothing that was seen before it lasts.
func (s *Silence) Rest(from, to time.Duration) (long bool) {
	if !s.asked {
		return false
	}
	long = to-from > s.allowed
	s.longest = max(s.longest, from-s.waited())
	s.unseen = s.unseen || long
	s.began, s.last = max(s.began, to), max(s.last, to)
	return long
}

// waited is until when the latest iteration was waited for, and no longer than it may be.
func (s *Silence) waited() time.Duration { return max(s.began, min(s.last, s.began+s.patient)) }

// Began is the latest start of an iteration, 0 before the first.
func (s *Silence) Began() time.Duration { return s.began }

// Last is the end of the newest iteration, 0 before the first.
func (s *Silence) Last() time.Duration { return s.last }

// Longest silence until now, the present one included. What comes before the first iteration is no silence: nothing
// was seen that could have ended.
func (s *Silence) Longest(now time.Duration) time.Duration {
	if !s.asked {
		return 0
	}
	return max(s.longest, now-s.last-s.patient)
}

// Since is when the stretch began in which somebody has been asking all along; false: nobody is now.
func (s *Silence) Since(now time.Duration) (time.Duration, bool) {
	return s.since, s.asked && !s.unseen && now-s.last <= s.allowed+s.patient
}

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

// Starts remembers when the iterations of a pulse began, and those that could not, to tell how far k6 was behind its
// own schedule. They are told in the order of their ends: a business that hangs is no late start, so all are waited for.
type Starts struct {
	period time.Duration
	all    []time.Duration
	rests  []record.Lapse // in which k6 was to begin nothing
}

const (
	tellsLate  = 100 * time.Millisecond // shorter delays are every host's
	joinsLate  = 5 * time.Second        // delays that lie closer together are one stretch
	mostStarts = 1 << 20                // a day and a night at ten a second; then the oldest half is forgotten
)

// StartsOf a pulse. One user begins when it has been answered, which is no schedule that k6 could be behind.
func StartsOf(pace record.Pace) *Starts {
	if pace.Alone() {
		return &Starts{}
	}
	return &Starts{period: pace.Period()}
}

// Add takes the start of an iteration, or when one could not be started.
func (s *Starts) Add(start time.Duration) {
	if len(s.all) == mostStarts {
		slices.Sort(s.all)
		s.all = append(s.all[:0], s.all[mostStarts/2:]...)
	}
	s.all = append(s.all, start)
}

// Rest takes a time in which the pulse rested.
func (s *Starts) Rest(from, to time.Duration) {
	s.rests = append(s.rests, record.Lapse{From: from, To: to})
}

// Late lists the stretches in which an iteration began later than its schedule says: k6 starts what is due at once, so
// the gap to the start before it is too long by that much.
func (s *Starts) Late() []record.LateStart {
	if s.period == 0 {
		return nil
	}
	slices.Sort(s.all)
	var late []record.LateStart
	for i := 1; i < len(s.all); i++ {
		from, to := s.all[i-1], s.all[i]
		by := to - from - s.period
		rested := slices.ContainsFunc(s.rests, func(r record.Lapse) bool { return r.From < to && r.To > from })
		if by < tellsLate || rested {
			continue
		}
		if n := len(late); n > 0 && from-late[n-1].To < joinsLate {
			late[n-1].To, late[n-1].By = to, max(late[n-1].By, by)
			continue
		}
		late = append(late, record.LateStart{From: from, To: to, By: by})
	}
	return late
}
