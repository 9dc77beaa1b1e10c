package drills

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// What the pulse does where the scenario does not say.
const (
	usualRate     = 10.0                   // iterations a second
	usualPeriod   = 100 * time.Millisecond // of these
	shortestLimit = time.Second            // of an iteration and of a request
	limitFactor   = 4                      // times the longest that was good
	unknownLimit  = 10 * time.Second       // where none was good
	paceRuns      = 3                      // of the flow, one after the other
	paceWithin    = 20 * time.Second       // a run that begins later is none; a freshly restored business may still be starting
	paceTimeout   = 30 * time.Second       // of each run
	paceAgain     = 500 * time.Millisecond
	mostUsers     = 100 // of k6, while a system hangs, where the scenario gives a rate and no limit
)

// trials find out what a flow is like before it is the pulse.
type trials struct {
	*books
	plan  *Plan
	flows *flows
	run   func(context.Context, verifier.FlowRequest) (verifier.FlowResult, error)
}

// pace finds how the pulse asks: as the scenario says, and where it says nothing, as the flow's own good runs show.
func (t *trials) pace(ctx context.Context) (record.Pace, error) {
	f := t.plan.Scenario.Flow
	p := record.Pace{Rate: float64(f.Pulse.Rate), Every: f.Pulse.Every.Std(), Timeout: f.Timeout.Std(),
		Request: f.RequestTimeout.Std()}
	if !f.Pulse.Given() || f.Timeout == 0 {
		m, err := t.measure(ctx)
		if err != nil {
			return p, fmt.Errorf("measure the flow: %w", err)
		}
		p.Measured = m
	}
	if !f.Pulse.Given() {
		if m := p.Measured; m != nil && f.AfterUpgrade == nil && m.Shortest <= usualPeriod && limitOf(m.Longest) <= mostUsers*usualPeriod {
			seen, err := t.twoUsers(ctx)
			if err != nil {
				return p, err
			}
			if !seen.crowded {
				p.Rate = usualRate
			}
		}
		if p.Rate == 0 {
			p.Every = usualPeriod
		}
	}
	slow := t.slowestSeen()
	if f.Timeout == 0 {
		p.Timeout = max(unknownLimit, slow, p.Request)
		if m := p.Measured; m != nil {
			p.Timeout = max(limitOf(m.Longest), slow, p.Request)
		}
		if f.AfterUpgrade != nil { // nobody knows how long that one takes, nor whether it bears its own company
			p.Timeout = max(p.Timeout, unknownLimit)
		}
		p.Timeout = min(p.Timeout, t.longestLimit(p, slow))
	}
	p.Blind = p.BlindAfter()
	if p.Request == 0 {
		p.Request = p.Timeout
		if m := p.Measured; m != nil && f.Timeout == 0 && slow == 0 && f.AfterUpgrade == nil {
			p.Request = min(limitOf(m.Request), p.Timeout)
		}
	}
	return p, nil
}

// longestLimit bounds what comes from the flow's own runs, which a busy host may have held up for minutes: the trigger
// rule must be able to fire after an iteration that was waited for so long, and at a rate each of those that hang holds a
// user of k6, with its memory.
func (t *trials) longestLimit(p record.Pace, slow time.Duration) time.Duration {
	longest, _ := t.plan.Scenario.Patience(p.Alone())
	limit := longest.Std()
	if m := p.Measured; m != nil && !p.Alone() {
		limit = min(limit, max(mostUsers*p.Period(), 2*m.Longest, slow))
	}
	return limit
}

// limitOf what was good for so long, in tenths of a second.
func limitOf(longest time.Duration) time.Duration {
	const step = 100 * time.Millisecond
	return max(shortestLimit, (limitFactor*longest + step - 1).Truncate(step))
}

// slowestSeen is how long an iteration must be waited for so that what is said about slow ones is seen; 0: nothing is.
func (t *trials) slowestSeen() time.Duration {
	s := t.plan.Scenario
	var slow time.Duration
	if s.Flow.Latency > 0 {
		slow = 2 * s.Flow.Latency.Std()
	}
	for _, in := range s.Incidents {
		if rule, err := scenarios.ParseRule(in.Detect.When); err == nil && rule.Metric == scenarios.MetricLatency {
			slow = max(slow, 2*rule.Duration.Std())
		}
	}
	return slow
}

// measure runs the flow by one user, with nobody beside it, until it is good; nil: it was not in time.
func (t *trials) measure(ctx context.Context) (*record.Measured, error) {
	f := t.plan.Scenario.Flow
	var best *record.Measured
	for from := t.elapsed(); t.elapsed()-from < paceWithin; {
		r, err := t.run(ctx, verifier.FlowRequest{Script: f.Script, Scenario: f.Scenario, Iterations: paceRuns,
			Timeout: paceTimeout})
		if err != nil {
			return nil, err
		}
		good := t.flows.good(askerOf(f), r)
		if good > 0 && (best == nil || good > best.Iterations) {
			best = &record.Measured{Iterations: good, Shortest: r.Shortest, Longest: r.Longest, Request: r.LongestRequest}
		}
		if good > 0 && good == r.Iterations {
			break
		}
		if err := instance.Pause(ctx, paceAgain); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// The run of a flow by two users at once.
const (
	companyUsers   = 2
	companyRuns    = 6 // in all
	companyTimeout = 30 * time.Second
)

// company is what two users at once saw; neither where that could not be told.
type company struct {
	good    bool
	crowded bool   // red each time, and good by one user in between
	why     string // the first that failed
}

// twoUsers finds out on a system that works whether the flow bears its own company. Whoever shares an account may spoil the
// other's numbers, which a pulse at a rate does to itself as soon as its iterations last longer: in a rollback.
func (t *trials) twoUsers(ctx context.Context) (company, error) {
	f := t.plan.Scenario.Flow
	run := func(users int) (verifier.FlowResult, bool, error) {
		r, err := t.run(ctx, verifier.FlowRequest{Script: f.Script, Scenario: f.Scenario, Users: users, Iterations: companyRuns,
			Timeout: companyTimeout})
		if err != nil {
			err = fmt.Errorf("ask the flow by %d users: %w", users, err)
		}
		return r, t.flows.good(askerOf(f), r) == companyRuns, err
	}
	var why string
	for range 2 { // what is red once may have another cause
		r, good, err := run(companyUsers)
		if err != nil || good {
			return company{good: good}, err
		}
		if r.ChecksFailed+r.Threw == 0 || r.Cut > 0 { // nothing wrong was answered, it was late
			return company{}, nil
		}
		why = strings.Join(r.Failed, "; ")
		if _, good, err := run(1); err != nil || !good {
			return company{}, err
		}
	}
	return company{crowded: true, why: why}, nil
}
