package record

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// HostLoad is one interval in which the drill's host was watched: for how long its work was held up, and how late
// lifeboat itself was. Quiet intervals are joined, up to a minute; the others last 5 to 10 s.
type HostLoad struct {
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	// Time in which at least one task waited for a processor, for memory, for a disk: "some" of the kernel's pressure
	// stall information, https://docs.kernel.org/accounting/psi.html.
	CPU    time.Duration `json:"cpu_ns,omitempty"`
	Memory time.Duration `json:"memory_ns,omitempty"`
	IO     time.Duration `json:"io_ns,omitempty"`
	// Ours is the share of the processor time used in the interval that went to the drill itself; 0: none, or not known.
	Ours float64 `json:"ours,omitempty"`
	// Late is by how much the latest timer of lifeboat fired too late, Trip the longest question that no application
	// had to answer.
	Late time.Duration `json:"late_ns,omitempty"`
	Trip time.Duration `json:"trip_ns,omitempty"`
	// Held is the most memory that the drill's machines and companions held, bytes: the sum of each one's peak so far; 0: not known.
	Held int64 `json:"held_bytes,omitempty"`
	// Disk is the most that they took on the engine's disk, bytes; 0: not known.
	Disk int64 `json:"disk_bytes,omitempty"`
	// Without says why there are no figures of the kernel: CPU is then the time for which lifeboat's own timers were late.
	Without string `json:"without,omitempty"`
}

// Held is the most memory that the drill held, bytes; 0: not known.
func (r *Record) Held() (most int64) {
	for _, l := range r.Loads {
		most = max(most, l.Held)
	}
	return most
}

// Disk is the most that the drill took on the engine's disk, bytes; 0: not known.
func (r *Record) Disk() (most int64) {
	for _, l := range r.Loads {
		most = max(most, l.Disk)
	}
	return most
}

// LateStart is a stretch in which k6 began its iterations later than its schedule says, and by how much at most.
type LateStart struct {
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	By   time.Duration `json:"by_ns"`
}

// RedFacts say what the bad iterations of a red stretch were like.
type RedFacts struct {
	From time.Duration `json:"from_ns"` // start of the first
	To   time.Duration `json:"to_ns"`   // end of the last
	Bad  int           `json:"bad"`
	// Late are those in which nothing was wrong but the time: they were good and too slow, or had no answer in theirs.
	Late   int           `json:"late,omitempty"`
	Answer time.Duration `json:"answer_ns,omitempty"` // end of the last in which the business gave a wrong answer; 0: none
	// Failed are the flow's checks that failed in it, in the order in which they first did, twelve at most.
	Failed []FailedCheck `json:"failed,omitempty"`
	Last   string        `json:"last,omitempty"` // the error of the last iteration that had one
}

// FailedCheck is a check of a flow, and in how many iterations it failed.
type FailedCheck struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// mostFailed checks are told apart.
const mostFailed = 12

// Failing enters the checks that failed in an iteration.
func (r *RedFacts) Failing(names []string) {
	for _, name := range names {
		i := slices.IndexFunc(r.Failed, func(f FailedCheck) bool { return f.Name == name })
		switch {
		case i >= 0:
			r.Failed[i].Count++
		case len(r.Failed) < mostFailed:
			r.Failed = append(r.Failed, FailedCheck{Name: name, Count: 1})
		}
	}
}

// Checks names them with their counts, the most frequent first: "read it back ×12, log in ×3".
func (r *RedFacts) Checks() string {
	if r == nil {
		return ""
	}
	sorted := slices.Clone(r.Failed)
	slices.SortStableFunc(sorted, func(a, b FailedCheck) int { return b.Count - a.Count })
	var told []string
	for _, f := range sorted {
		told = append(told, fmt.Sprintf("%s ×%d", f.Name, f.Count))
	}
	return strings.Join(told, ", ")
}

// Overdue is a limit of time that passed while something was waited for, without an answer that decides it.
type Overdue struct {
	Limit time.Duration `json:"limit_ns"`
	From  time.Duration `json:"from_ns"` // when the waiting began
	To    time.Duration `json:"to_ns"`   // when it was given up: not before the limit, later where the host held it up
}

// Over is what the limit was overrun by.
func (o Overdue) Over() time.Duration { return max(0, o.To-o.From-o.Limit) }

// Lapse is a stretch of time with exact ends.
type Lapse struct{ From, To time.Duration }

// Held says for how long the host held a stretch of time up, by each of the figures that are kept of it.
//
//	CPU     pressure of the processors, in the share of their time that was not the drill's own
//	Memory  pressure of memory, IO of the disks; not while a restore of the drill ran: nobody knows whose it was then
//	Late, Trip, K6  the longest delay of a timer, of a question without an application, of k6's own start
type Held struct{ CPU, Memory, IO, Late, Trip, K6 time.Duration }

// Names of the figures, as messages call them.
const (
	HeldCPU    = "cpu"
	HeldMemory = "memory"
	HeldIO     = "io"
	HeldLate   = "late"
	HeldTrip   = "trip"
	HeldK6     = "k6"
)

// Most is the largest of the figures, and which it is. They overlap, so they are not added up.
func (h Held) Most() (held time.Duration, by string) {
	for _, f := range []struct {
		d  time.Duration
		by string
	}{{h.CPU, HeldCPU}, {h.Memory, HeldMemory}, {h.IO, HeldIO}, {h.Late, HeldLate}, {h.Trip, HeldTrip}, {h.K6, HeldK6}} {
		if f.d > held {
			held, by = f.d, f.by
		}
	}
	return held, by
}

// Plus adds another stretch. Delays of single questions are not added up: each belongs to one of them.
func (h Held) Plus(o Held) Held {
	return Held{CPU: h.CPU + o.CPU, Memory: h.Memory + o.Memory, IO: h.IO + o.IO,
		Late: max(h.Late, o.Late), Trip: max(h.Trip, o.Trip), K6: max(h.K6, o.K6)}
}

// Outweighs tells whether the host held a stretch up by at least what a limit was overrun by in it.
func (h Held) Outweighs(over time.Duration) bool {
	held, _ := h.Most()
	return held > 0 && held >= over
}

// HeldUp computes what the host held up between two moments. An interval that reaches beyond them counts in proportion.
// own are the drill's own restores.
func HeldUp(loads []HostLoad, own []Lapse, late []LateStart, from, to time.Duration) Held {
	var h Held
	for _, l := range loads {
		part := Lapse{max(l.From, from), min(l.To, to)}
		if part.To <= part.From {
			continue
		}
		whole := l.To - l.From
		share := (part.To - part.From).Seconds() / whole.Seconds()
		idle := apart(part, own).Seconds() / whole.Seconds()
		h.CPU += times(min(l.CPU, whole), share*(1-min(1, max(0, l.Ours))))
		h.Memory += times(min(l.Memory, whole), idle)
		h.IO += times(min(l.IO, whole), idle)
		h.Late, h.Trip = max(h.Late, l.Late), max(h.Trip, l.Trip)
	}
	for _, s := range late {
		if s.From < to && s.To > from {
			h.K6 = max(h.K6, s.By)
		}
	}
	return h
}

func times(d time.Duration, share float64) time.Duration { return time.Duration(float64(d) * share) }

// apart is how much of a stretch lies in none of the others.
func apart(s Lapse, others []Lapse) time.Duration {
	others = slices.Clone(others)
	slices.SortFunc(others, func(a, b Lapse) int { return int(a.From - b.From) })
	left, at := time.Duration(0), s.From
	for _, o := range others {
		if o.From > at {
			left += max(0, min(o.From, s.To)-at)
		}
		at = max(at, o.To)
	}
	return left + max(0, s.To-at)
}

// HeldUp is what the host held up between two moments of the drill.
func (r *Record) HeldUp(from, to time.Duration) Held {
	var own []Lapse
	for _, x := range r.Restores {
		own = append(own, Lapse{x.Started, x.Ended})
	}
	var late []LateStart
	if r.Pulse != nil {
		late = r.Pulse.Late
	}
	return HeldUp(r.Loads, own, late, from, to)
}
