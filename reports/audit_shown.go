package reports

import (
	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// Shown gives what a summary in a language shows of one drill.
func Shown(l Language) func(evidence.Leaf, *record.Record, record.Verdict) *evidence.Shown {
	return func(leaf evidence.Leaf, r *record.Record, v record.Verdict) *evidence.Shown {
		a := author{c: Messages(), l: l.known(), r: r, v: v}
		x := &evidence.Shown{Customer: r.Header.Customer, Host: r.Header.Host.Name, Objectives: v.Objectives, Measured: measured{}}
		if leaf.Verdict != record.StatusPassed {
			x.Why = a.why()
		} else {
			for _, w := range a.weaknesses() {
				x.Weak = append(x.Weak, a.words(w))
			}
		}
		for _, n := range r.Notes {
			x.Noted = append(x.Noted, [2]string{n.Text, a.say("audit.noted", "drill", numbered(leaf), "who", n.Actor, "at", a.l.Time(a.wall(n.At)))})
		}
		measured(x.Measured).add(a)
		return x
	}
}
