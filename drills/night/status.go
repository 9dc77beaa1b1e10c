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
}

// Stand tells how every backup of a catalogue stands now. The planned ones say what the catalogue asks today; every is how old a proof
// may be, tool is today's lifeboat. A night that left a backup out says nothing of it.
func Stand(planned []Planned, nights []*Night, tool string, every time.Duration, now time.Time) []Standing {
	var all []Standing
	for _, p := range planned {
		s := Standing{Backup: p.Backup, Owner: p.Owner, State: Overdue}
		var good *Proof
		by := ""
		for _, n := range nights { // the oldest first
			for _, got := range n.of(p.Backup) {
				s.Latest = &got
				if got.Status == record.StatusPassed {
					good, by = &got, n.Tool
				}
			}
		}
		if good != nil {
			s.Proof = good.Started
		}
		switch {
		case s.Latest != nil && s.Latest.Status == record.StatusFailed:
			s.State = Failed
		case s.Latest != nil && s.Latest.Status != record.StatusPassed:
			s.State = NotProved
		case good == nil || now.Sub(good.Started) > every:
		case good.Scenario != p.Scenario || by != tool:
			s.State = Changed
		default:
			s.State = Proved
		}
		all = append(all, s)
	}
	return all
}

// of a night: what it says of a backup, its worst restore point last.
func (n *Night) of(backup string) []Proof {
	var all []Proof
	for _, p := range n.Proofs {
		if p.Backup == backup && p.Skipped == "" && (p.Drill != "" || p.Error != "") {
			all = append(all, p)
		}
	}
	rank := func(p Proof) int {
		return slices.Index([]record.Status{record.StatusPassed, record.StatusNotRun, record.StatusAborted, record.StatusInconclusive, record.StatusFailed}, p.Status)
	}
	slices.SortStableFunc(all, func(a, b Proof) int { return rank(a) - rank(b) })
	return all
}
