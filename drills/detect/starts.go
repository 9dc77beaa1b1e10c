package detect

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// Starts remembers when the iterations of a pulse began, and those that could not, to tell how far k6 was behind its
// own schedule. They are told in the order of their ends: a business that hangs is no late start, so all are waited for.
type Starts struct {
	period time.Duration
	all    []time.Duration
}

const (
	tellsLate  = 100 * time.Millisecond // shorter delays are every host's
	joinsLate  = 5 * time.Second        // delays that lie closer together are one stretch
	mostStarts = 1 << 20                // a day and a night at ten a second; then the oldest half is forgotten
)

// StartsOf a pulse of so many iterations a second.
func StartsOf(rate float64) *Starts {
	s := &Starts{}
	if rate > 0 {
		s.period = time.Duration(float64(time.Second) / rate)
	}
	return s
}

// Add takes the start of an iteration, or when one could not be started.
func (s *Starts) Add(start time.Duration) {
	if len(s.all) == mostStarts {
		slices.Sort(s.all)
		s.all = append(s.all[:0], s.all[mostStarts/2:]...)
	}
	s.all = append(s.all, start)
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
		if by < tellsLate {
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
