package objective

import (
	"slices"
	"time"

	"lifeboat/drills/record"
)

// excusedAt: by then the drill had left its course for a reason that is not the system's, so what did not come, or went
// wrong, proves nothing. What was proved before that stays: lifeboat that stumbles in the clean-up takes no finding back.
func (j *judge) excusedAt(t time.Duration) bool {
	lacks := slices.ContainsFunc(j.r.Restores, func(x record.RestoreFact) bool {
		return (x.ImageBad+x.Unread != "" || x.Lack != nil) && x.Ended <= t
	})
	leak := slices.ContainsFunc(j.r.Probes, func(p record.ProbeFact) bool { return p.Reached && !p.Control })
	broke := slices.ContainsFunc(j.r.Harness, func(h record.HarnessError) bool { return h.At <= t })
	jumped := slices.ContainsFunc(j.r.Jumps, func(p record.Jump) bool { return p.From < t })
	return lacks || leak || broke || jumped || j.r.Status != record.RunCompleted && t >= j.r.Observed
}

// excusedEnd: the same of something that ended the drill at t. What the harness broke by is written down after that, and
// before the clean-up begins.
func (j *judge) excusedEnd(t time.Duration) bool {
	return j.excusedAt(t) ||
		slices.ContainsFunc(j.r.Harness, func(h record.HarnessError) bool { return h.At <= j.r.Observed })
}

// sure: a red stretch was seen by a drill on its course.
func (j *judge) sure(s record.Stretch) bool {
	return !j.excusedAt(j.r.Observed) || !s.Open && s.To.Late < j.broke()
}

// broke is when the harness first broke, the clocks jumped, or the drill stopped being watched.
func (j *judge) broke() time.Duration {
	at := j.r.Observed
	for _, h := range j.r.Harness {
		at = min(at, h.At)
	}
	for _, p := range j.r.Jumps {
		at = min(at, p.From)
	}
	return at
}

// clocks: what was watched while the host slept, or while a clock was set, was not watched by one clock.
func (j *judge) clocks() {
	for _, p := range j.r.Jumps {
		if p.From >= j.r.Observed { // clean-up has no figure
			continue
		}
		a := args{"from": span(p.From), "to": span(p.To), "counted": span(p.Counted), "wall": span(p.Wall), "boot": ""}
		if p.Boot != 0 {
			a["boot"] = span(p.Boot)
		}
		j.unknown("clock.jumped", a)
	}
}
