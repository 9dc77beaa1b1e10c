package drills

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// aside runs a flow while the pulse rests: a flow that is right for one user need not be right for two, and a check is
// about the system. An iteration of the pulse is never cut for it.
//
//	pulse  ├──┤ ├──┤ ├──┤            ├──┤ ├──┤
//	flow                  ├──┤ ├──┤
//	rest            └──────────────────┘ from the last begin before to the first end after
//
// The flow's iterations are looks at the business like the pulse's own where it is the same flow; they turn nothing
// red or green. Another flow sees other things: nothing was seen of this one meanwhile, and the record says so. So it
// does where k6 needed longer to begin, or to end, than a silence may last: a busy host is slow to start anything.
func (p *pulse) aside(ctx context.Context, r verifier.FlowRequest, same bool, k6 verifier.Flows) (res verifier.FlowResult, err error) {
	defer p.running.GoOn()
	if err := p.running.Rest(ctx); err != nil {
		return res, fmt.Errorf("let the pulse rest while %s runs: %w", filepath.Base(r.Script), err)
	}
	p.mu.Lock()
	begun := p.silence.Began()
	p.mu.Unlock()
	from := p.elapsed()
	rest := record.PulseEvent{State: record.PulseRests, At: record.Moment{Early: min(begun, from), Late: from},
		Why: filepath.Base(r.Script), Seen: same}
	if err := p.Append(record.KindPulse, record.Subject{}, rest); err != nil {
		return res, err
	}
	seen, slow := from, false // until when somebody looked
	if same {
		r.Base, r.Sample = p.base, func(s verifier.Sample) {
			if seen == from {
				slow = p.unwatched(from, s.Start)
			}
			p.looked(s)
			seen = max(seen, s.End)
		}
	}
	res, err = k6.Run(ctx, r)
	to := p.elapsed()
	slow = p.unwatched(seen, to) || slow
	p.mu.Lock()
	p.starts.Rest(from, to)
	p.mu.Unlock()
	return res, errors.Join(err, p.Append(record.KindPulse, record.Subject{},
		record.PulseEvent{State: record.PulseGoesOn, At: record.At(to), Why: rest.Why, Seen: same && !slow}))
}

// looked takes an iteration of the same flow that somebody else ran.
func (p *pulse) looked(s verifier.Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silence.Look(s.Start, s.End)
}

// unwatched takes a time of a rest in which nobody looked, and tells whether it was a long one.
func (p *pulse) unwatched(from, to time.Duration) (long bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silence.Rest(from, to)
}
