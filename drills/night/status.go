package night

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// State of a backup, as the nights of its catalogue prove it.
type State string

// The states, the best first.
const (
	Proved    State = "proved"
	InPart    State = "part"       // a part of it is proved, and nothing of the rest
	Changed   State = "changed"    // proved, and since then its entry of the catalogue or lifeboat has changed
	Overdue   State = "overdue"    // its latest proof is older than it may be, or there is none
	NotProved State = "not-proved" // the latest try said nothing of it
	Failed    State = "failed"
)

// Standing is how a backup stands.
type Standing struct {
	Backup string    `json:"backup"`
	Owner  string    `json:"owner,omitempty"`
	State  State     `json:"state"`
	Proof  time.Time `json:"proved,omitzero"` // when its latest good proof began; zero: never
	Latest *Proof    `json:"latest,omitempty"`
	Time   Forecast  `json:"recovery_time"` // when it will take longer than it may
	Speak  []Proof   `json:"-"`             // all for which the latest one stands: of each restore point that was proved or rests
}

// Stand tells how every backup of a catalogue stands now. The planned ones say what the catalogue asks today; every is how old a proof
// may be, build is today's lifeboat; one that is not known is no one's. A night that left a backup out says nothing of it. What was tried
// last counts, whichever night it belongs to: an old one may have been gone on with. A proof of the future is none: some clock was wrong.
func Stand(planned []Planned, nights []*Night, build string, every time.Duration, now time.Time) []Standing {
	var all []Standing
	for _, p := range planned {
		s := Standing{Backup: p.Backup, Owner: p.Owner, State: Overdue, Time: Foreseen(p.Backup, nights)}
		var tries []try
		for _, n := range nights {
			if t, ok := n.of(p.Backup); ok {
				tries = append(tries, t)
			}
		}
		slices.SortStableFunc(tries, func(a, b try) int { return a.last.Compare(b.last) })
		var good try
		for _, t := range tries {
			s.Latest, s.Speak = &t.worst, t.all
			if t.worst.Status == record.StatusPassed {
				good, s.Proof = t, t.first
			}
		}
		switch {
		case s.Latest != nil && s.Latest.Status == record.StatusFailed:
			s.State = Failed
		case s.Latest != nil && s.Latest.Status != record.StatusPassed:
			s.State = NotProved
		case s.Proof.IsZero() || now.Sub(s.Proof) > every || s.Proof.After(now):
		case slices.ContainsFunc(good.all, Proof.InPart):
			s.State = InPart
		case good.worst.Scenario != p.Scenario || good.worst.Which != p.Which || good.build == "" || good.build != build:
			s.State = Changed
		default:
			s.State = Proved
		}
		all = append(all, s)
	}
	return all
}

// Last is what was said last of one that is planned, and which lifeboat said it. What a night left out it says nothing of.
func Last(p Planned, nights []*Night) (last Proof, build string, ok bool) {
	for _, n := range nights {
		for _, q := range n.Proofs {
			if q.key() != p.key() || q.Skipped != "" || q.Drill == "" && q.Error == "" {
				continue
			}
			if q.Started.IsZero() { // it was not begun
				q.Started = n.Started
			}
			if !ok || !q.Started.Before(last.Started) {
				last, build, ok = q, n.Build, true
			}
		}
	}
	return last, build, ok
}

// usual is of how many restore points the sizes are what is usual.
const usual = 7

// Sizes are those of the newest restore points of a backup that passed last, each once, the latest last.
func Sizes(backup string, nights []*Night) []int64 {
	var all []int64
	seen := map[Point]bool{}
	for _, n := range nights {
		for _, p := range n.Proofs {
			if p.Backup != backup || p.Skipped != "" || p.Older || p.Status != record.StatusPassed {
				continue
			}
			for _, x := range p.Points {
				if x.Size > 0 && !seen[x] {
					seen[x] = true
					all = append(all, x.Size)
				}
			}
		}
	}
	return all[max(0, len(all)-usual):]
}

// try is what one night says of a backup with all the restore points that it chose.
type try struct {
	worst       Proof
	all         []Proof
	first, last time.Time // when its check runs began
	build       string
}

// of a night: what it says of a backup. Where some of its restore points were not come to, those that passed do not speak for the rest.
func (n *Night) of(backup string) (t try, ok bool) {
	var said, rests []Proof
	missing := false
	for _, p := range n.Proofs {
		switch {
		case p.Backup != backup || p.Read:
		case p.Rests != nil:
			rests = append(rests, p)
		case p.Skipped != "":
		case p.Drill == "" && p.Error == "":
			missing = true
		default:
			if p.Started.IsZero() { // it was not begun
				p.Started = n.Started
			}
			said = append(said, p)
		}
	}
	if len(said) == 0 {
		return t, false
	}
	rank := func(p Proof) int {
		i := slices.Index([]record.Status{record.StatusPassed, record.StatusNotRun, record.StatusAborted, record.StatusInconclusive, record.StatusFailed}, p.Status)
		if i < 0 { // of a newer lifeboat
			return 1
		}
		return i
	}
	t = try{worst: said[0], all: slices.Concat(said, rests), first: said[0].Started, last: said[0].Started, build: n.Build}
	for _, p := range said[1:] {
		if rank(p) >= rank(t.worst) {
			t.worst = p
		}
		if p.Started.Before(t.first) {
			t.first = p.Started
		}
		if p.Started.After(t.last) {
			t.last = p.Started
		}
	}
	for _, p := range rests { // they say nothing anew, and are no younger for what was proved beside them
		if p.Started.Before(t.first) {
			t.first = p.Started
		}
	}
	return t, !missing || t.worst.Status != record.StatusPassed
}
