package record

import (
	"cmp"
	"time"
)

// Pace is how the pulse asks the business: at a rate, whether or not the iterations before have ended, or as one user,
// who begins an iteration when the one before has ended.
type Pace struct {
	Rate    float64       `json:"rate,omitempty"`               // iterations a second; or
	Every   time.Duration `json:"every_ns,omitempty"`           // one user, from one begin to the next at least
	Timeout time.Duration `json:"timeout_ns,omitempty"`         // of one iteration
	Request time.Duration `json:"request_timeout_ns,omitempty"` // of one request; 0: its iteration's is all
	// Blind is how long a silence may last; 0 in journals that were judged by their patience.
	Blind time.Duration `json:"blind_after_ns,omitempty"`
	// Measured are the longest that was good before the pulse began, where limits or the pace come from it.
	Measured *Measured `json:"measured,omitempty"`
}

// Measured is what a flow took that nobody else asked beside it.
type Measured struct {
	Iterations int           `json:"iterations"` // good ones
	Shortest   time.Duration `json:"shortest_ns"`
	Longest    time.Duration `json:"longest_ns"`
	Request    time.Duration `json:"longest_request_ns,omitempty"`
}

// Alone tells whether one user asks.
func (p Pace) Alone() bool { return p.Every > 0 }

// Period is the time from one begin to the next where all is well, 0 where nobody asks.
func (p Pace) Period() time.Duration {
	if p.Alone() || p.Rate <= 0 {
		return p.Every
	}
	return time.Duration(float64(time.Second) / p.Rate)
}

// Slowest is the longest time from one begin to the next: one user waits for an answer as long as it may take.
func (p Pace) Slowest() time.Duration {
	if p.Alone() {
		return max(p.Every, p.Timeout)
	}
	return p.Period()
}

// LongestSilence of the pulse that is no blind spot: a host under load starts iterations late. A share of a long drill
// would hide a whole outage. Whoever waits for an answer is looking, so waiting is no silence; journals that do not say
// what is one count it as such.
func (p Pace) LongestSilence() time.Duration {
	if p.Blind > 0 {
		return p.Blind
	}
	longest := p.BlindAfter()
	if p.Request > 0 { // journals that do not know it are judged by what they were judged by
		longest = max(longest, p.Timeout+2*p.Period())
	}
	return longest
}

// BlindAfter is how long nobody may begin to ask.
func (p Pace) BlindAfter() time.Duration { return max(5*time.Second, 10*p.Period()) }

// Limit is the time after which an iteration is bad though nothing wrong was answered: the shortest of its limits.
func (p Pace) Limit(latency time.Duration) time.Duration {
	return cmp.Or(latency, p.Request, p.Timeout)
}

// Pace of the pulse: as it began, or in journals that do not say so as it was planned.
func (r *Record) Pace() Pace {
	if r.Pulse != nil && r.Pulse.Pace != nil {
		return *r.Pulse.Pace
	}
	return Pace{Rate: r.Header.PulseRate, Timeout: r.Header.PulseTimeout}
}
