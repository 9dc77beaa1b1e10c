// Package detect watches the pulse: when the business turned red and green,
// each with its bracket, and when a trigger rule fired.
package detect

import (
	"cmp"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// Edges turns samples into red and green edges. Samples arrive in the order of
// their ends; the zero state is "not yet known".
//
//	good ✓    ✓         ✗ … ✗        ✓    ✓
//	     start└────────┘end          the red edge's bracket: last good start … first bad end
//	                       start└───┘end   the green edge's: last bad start … first good end
type Edges struct {
	Timeout  time.Duration // an iteration that took as long and failed without an answer was given up; 0: not known
	latency  time.Duration
	tolerate float64
	state    record.PulseState // "" | red | green
	goods    []time.Duration   // starts of the latest good samples of the green state
	lastBad  time.Duration
	since    record.Moment // of the state
	began    time.Duration // start of the first good sample of the green state
	window   []asked       // the last samples, oldest first; only with tolerate
	size     int
	red      *record.RedFacts // of the red state
	Totals   record.PulseTotals
	times    *quantile
}

// asked is what a window remembers of a sample.
type asked struct {
	verifier.Sample
	bad bool
}

// States of the pulse.
const (
	Red   = record.PulseRed
	Green = record.PulseGreen
)

// EdgesOf makes the watcher. latency: slower iterations are bad (0: never);
// tolerate: share of bad ones that is still green (0..1).
func EdgesOf(latency time.Duration, tolerate float64, pace record.Pace) *Edges {
	size := 10
	if p := pace.Period(); p > 0 {
		size = max(size, int(2*time.Second/p))
	}
	return &Edges{Timeout: pace.Timeout, latency: latency, tolerate: tolerate, size: size, times: &quantile{}}
}

// State is red, green or "" before the first sample, and since when.
func (e *Edges) State() (record.PulseState, record.Moment) { return e.state, e.since }

// Bad tells whether a sample counts against the business.
func (e *Edges) Bad(s verifier.Sample) bool {
	return !s.OK || s.Checks == 0 || (e.latency > 0 && s.End-s.Start > e.latency)
}

// Add takes a sample and returns the edge that it makes, or nil.
func (e *Edges) Add(s verifier.Sample) *record.PulseEvent {
	if s.Dropped > 0 {
		e.Totals.Dropped += s.Dropped
		return nil
	}
	bad := e.count(s)
	if e.tolerate > 0 {
		return e.addTolerant(s, bad)
	}
	switch {
	case bad && e.state != Red:
		return e.turnRed(s, e.goodBefore(s.Start))
	case bad:
		e.lastBad = max(e.lastBad, s.Start)
		e.reddens(s)
	case e.state == "" || (e.state == Red && s.Start > e.lastBad):
		return e.turnGreen(s)
	default:
		e.remember(s.Start)
	}
	return nil
}

// mostGoods remembered: minutes of a pulse, while no iteration lasts longer than seconds.
const mostGoods = 2048

func (e *Edges) remember(start time.Duration) {
	if len(e.goods) == mostGoods {
		e.goods = append(e.goods[:0], e.goods[mostGoods/2:]...)
	}
	e.goods = append(e.goods, start)
}

// goodBefore is the start of the last good sample that began before. It need not be the latest one:
// an iteration that hung in a short outage ends after good ones that began behind it.
func (e *Edges) goodBefore(start time.Duration) time.Duration {
	last := min(e.began, start)
	for _, g := range e.goods {
		if g <= start {
			last = max(last, g)
		}
	}
	return last
}

func (e *Edges) count(s verifier.Sample) bool {
	bad := e.Bad(s)
	switch {
	case s.OK && s.Checks == 0:
		e.Totals.Unproven++
	case bad:
		e.Totals.Bad++
	default:
		e.Totals.Good++
		e.times.add(s.End - s.Start)
		e.Totals.P95 = e.times.p95()
	}
	return bad
}

// addTolerant turns single failures into a share over the last two seconds of samples. The share is
// over the limit some samples after the trouble began and under it some samples after it was over, so both
// brackets reach back to the samples that show it.
func (e *Edges) addTolerant(s verifier.Sample, bad bool) *record.PulseEvent {
	e.window = append(e.window, asked{s, bad})
	if len(e.window) > e.size {
		e.window = e.window[1:]
	}
	n, first := 0, -1
	for i, a := range e.window {
		if a.bad {
			if n++; first < 0 {
				first = i
			}
		}
	}
	if bad {
		e.lastBad = max(e.lastBad, s.Start)
	}
	over := float64(n) > e.tolerate*float64(len(e.window))
	switch {
	case over && e.state != Red:
		from := e.window[first].Start
		if first > 0 {
			from = min(from, e.window[first-1].Start)
		}
		edge := e.turnRed(s, from)
		if edge != nil {
			e.red = nil
			for _, a := range e.window {
				if a.bad {
					e.reddens(a.Sample)
				}
			}
		}
		return edge
	case !over && e.state != Green:
		return e.turnGreen(s)
	case bad && e.state == Red:
		e.reddens(s)
	}
	return nil
}

// reddens enters a bad sample into the facts of the red stretch.
func (e *Edges) reddens(s verifier.Sample) {
	if e.red == nil {
		e.red = &record.RedFacts{From: s.Start, To: s.End}
	}
	r := e.red
	r.From, r.To, r.Bad = min(r.From, s.Start), max(r.To, s.End), r.Bad+1
	r.Failing(s.Failed)
	r.Last = cmp.Or(s.Said(), r.Last)
	slow := s.OK && s.Checks > 0
	switch {
	case s.Answered && !slow:
		r.Answer = max(r.Answer, s.End)
	case slow || s.TimedOut || e.Timeout > 0 && s.End-s.Start >= e.Timeout:
		r.Late++
	}
}

// Red are the facts of the red stretch that lasts, nil in a green one.
func (e *Edges) Red() *record.RedFacts {
	if e.state != Red {
		return nil
	}
	return e.red
}

// turnRed: an iteration that began before the present green window belongs to the
// red stretch before it, and is no new one.
func (e *Edges) turnRed(s verifier.Sample, from time.Duration) *record.PulseEvent {
	if e.state == Green && s.Start < e.began {
		return nil
	}
	e.red = nil
	e.reddens(s)
	e.state, e.lastBad, e.since = Red, max(e.lastBad, s.Start), record.Moment{Early: from, Late: s.End}
	return &record.PulseEvent{State: Red, At: e.since, Why: s.Said()}
}

func (e *Edges) turnGreen(s verifier.Sample) *record.PulseEvent {
	from := s.Start
	if e.state == Red {
		from = e.lastBad
	}
	edge := &record.PulseEvent{State: Green, At: record.Moment{Early: from, Late: s.End}, Red: e.Red()}
	e.state, e.began, e.goods = Green, s.Start, e.goods[:0]
	e.since, e.red = edge.At, nil
	return edge
}
