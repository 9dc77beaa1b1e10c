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
