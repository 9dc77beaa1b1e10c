package detect

import (
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
