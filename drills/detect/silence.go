package detect

import (
	"time"

	"lifeboat/verifier"
)

// Silence follows for how long nobody asked the business. Iterations that could not be started asked nothing, however
// few they are of a long drill: a share would hide a whole outage.
//
//	start├──┤end   start├──┤end   drop  drop  drop      now
//	     └──────────────┘ between two starts  └────────┘ after the newest end
type Silence struct {
	allowed time.Duration
	asked   bool
	began   time.Duration // start of the latest iteration
	last    time.Duration // end of the newest one
	since   time.Duration // start of the first one after the latest silence that was too long
	longest time.Duration
	unseen  bool // since the latest rest no iteration has ended
}

// SilenceOf makes one. What lasts longer than allowed is a blind spot.
func SilenceOf(allowed time.Duration) *Silence { return &Silence{allowed: allowed} }

// Add takes a sample.
func (s *Silence) Add(v verifier.Sample) {
	if v.Dropped > 0 {
		return
	}
	gap := v.Start - s.began
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
func (s *Silence) Rest(from, to time.Duration) {
	if !s.asked {
		return
	}
	s.longest = max(s.longest, from-s.last)
	s.unseen = s.unseen || to-from > s.allowed
	s.began, s.last = max(s.began, to), max(s.last, to)
}

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
	return max(s.longest, now-s.last)
}

// Since is when the stretch began in which somebody has been asking all along; false: nobody is now.
func (s *Silence) Since(now time.Duration) (time.Duration, bool) {
	return s.since, s.asked && !s.unseen && now-s.last <= s.allowed
}
