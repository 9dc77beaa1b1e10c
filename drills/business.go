package drills

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// business is what the restored system is for, as its flow sees it: by the pulse, and aside of it.
type business struct {
	*books
	plan    *Plan
	host    *hostWatch
	flows   *flows
	trials  *trials
	reached *reached
	told    func(Iteration) // nil: nobody looks on

	pulse *pulse        // nil: nobody asks
	since time.Duration // when the latest rollback started: a green window counts from there
}

// start begins to ask the business, at a low constant rate, until clean-up.
func (b *business) start(ctx context.Context) error {
	f := b.plan.Scenario.Flow
	env, err := b.env(f.Env)
	if err != nil {
		return err
	}
	pace, err := b.trials.pace(ctx)
	if err != nil {
		return err
	}
	p := &pulse{books: b.books, flow: f, flows: b.flows, told: b.told, changed: make(chan struct{}), pace: pace, asker: askerOf(f),
		edges:   detect.EdgesOf(f.Latency.Std(), f.Tolerate.Share(), pace),
		silence: detect.SilenceOf(pace), starts: detect.StartsOf(pace)}
	p.started = b.now()
	if err := b.Append(record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseStarted, At: p.started, Pace: &pace}); err != nil {
		return err
	}
	if err := p.run(ctx, p.asker, env, false); err != nil {
		return err
	}
	b.reached.byFlow(f.Script)
	b.pulse = p
	return nil
}

// env is the environment of a flow with its secrets revealed.
func (b *business) env(of map[string]scenarios.Secret) (map[string]string, error) {
	env := map[string]string{}
	if variable, err := b.RevealEnv(env, of); err != nil {
		return nil, fmt.Errorf("set %s of the flow: %w", variable, err)
	}
	return env, nil
}

// run has a flow asked, as often as the request says, while the pulse rests.
func (b *business) run(ctx context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	k6, err := b.flows.opened()
	if err != nil {
		return verifier.FlowResult{}, err
	}
	f := b.plan.Scenario.Flow
	if f != nil && r.Script == f.Script && r.Scenario == "" {
		r.Scenario = f.Scenario
	}
	same := b.pulse != nil && b.pulse.asks(r)
	if f != nil && r.Env == nil {
		if r.Env, err = b.env(f.Env); err != nil {
			return verifier.FlowResult{}, err
		}
	}
	if r.Decoy != decoy.None {
		return b.flows.control(ctx, k6, r)
	}
	b.reached.byFlow(r.Script)
	if b.pulse == nil {
		return k6.Run(ctx, r)
	}
	return b.pulse.aside(ctx, r, same, k6)
}

// renew has the flow's session made anew: what setup() had of a system is gone when that is another since. Where the
// flow has no setup() nothing happens.
func (b *business) renew() {
	if b.pulse != nil {
		b.pulse.running.Renew()
	}
}

// servedSince tells whether the business, having been red since a moment, works again: what is booting then serves it.
func (b *business) servedSince(from time.Duration) bool {
	if b.pulse == nil {
		return false
	}
	b.pulse.mu.Lock()
	defer b.pulse.mu.Unlock()
	state, since := b.pulse.edges.State()
	return state == detect.Green && since.Early > from
}

// waitGreen waits for a business that is green for some time, from a moment on. What is waited for longer than that and
// the limit, since the host holds the business up, is written down where it was in vain.
func (b *business) waitGreen(ctx context.Context, stable, within, since time.Duration) error {
	from := b.elapsed()
	for left := within + stable; ; left = hostLook {
		limited, cancel := context.WithTimeoutCause(ctx, left, errNotGreen)
		err := b.pulse.waitGreen(limited, stable, since)
		cancel()
		if !errors.Is(err, errNotGreen) {
			return err
		}
		if o := b.overdue(within+stable, from); b.host.over(o) {
			if err := b.Append(record.KindWaited, b.subject(""), o); err != nil {
				return err // who asks for errNotGreen goes on
			}
			return errNotGreen
		}
	}
}

// hostLook is how long a business is waited for beyond its limit before the host is looked at again.
const hostLook = 5 * time.Second

// waitSettled waits until the business is green again after steps that interrupt it as planned: what is red before the
// fault is not the fault's doing.
func (b *business) waitSettled(ctx context.Context, incident int) error {
	if b.pulse == nil {
		return nil
	}
	stable := b.plan.Scenario.Baseline.StableFor.Std()
	err := b.waitGreen(ctx, stable, b.plan.Scenario.Verify.Within.Std(), b.elapsed())
	if !errors.Is(err, errNotGreen) {
		return err
	}
	if err := b.Append(record.KindObservation, record.Subject{Incident: incident}, record.Observation{ID: "fault.red_before",
		Args: map[string]string{"incident": strconv.Itoa(incident)}}); err != nil {
		return err
	}
	return &stopError{why: "the business was not green before the fault of the incident"}
}

// waitStable waits until the pulse has been green for that long since the rollback started, and within a
// time beyond that.
func (b *business) waitStable(ctx context.Context, stable, within time.Duration) error {
	if b.pulse == nil {
		return nil
	}
	return b.waitGreen(ctx, stable, within, b.since)
}

// bearsCompany says whether the flow bears its own company, where the pulse may give it some.
func (b *business) bearsCompany(ctx context.Context) error {
	p, f := b.pulse, b.plan.Scenario.Flow
	if p.pace.Alone() {
		return nil
	}
	seen := company{good: true} // by the pulse's own iterations, or before its pace was chosen
	if !p.overlapped() && f.Pulse.Given() {
		var err error
		if seen, err = b.trials.twoUsers(ctx); err != nil {
			return err
		}
	}
	switch {
	case seen.crowded:
		if err := b.crowded(seen.why); err != nil {
			return err
		}
		return &stopError{why: "the flow does not bear its own company"}
	case seen.good:
		return b.Append(record.KindObservation, record.Subject{}, record.Observation{ID: "flow.company"})
	}
	return nil
}

// crowded writes down that the flow is red where its iterations overlap, and good by one user.
func (b *business) crowded(why string) error {
	return b.Append(record.KindObservation, record.Subject{}, record.Observation{ID: "flow.crowded",
		Args: map[string]string{"pace": b.plan.Scenario.Flow.Pulse.String(), "why": why}})
}

// askAlone finds out whether a flow that is red where its iterations overlap is good by one user, and says so. One that
// was only ever too late, on a host that held it up for as long, says nothing of its company.
func (b *business) askAlone(ctx context.Context, waited record.Overdue) error {
	p := b.pulse
	if !p.overlapped() || p.onlyLate() && b.host.outweighs(waited) {
		return nil
	}
	f := b.plan.Scenario.Flow
	r, err := b.run(ctx, verifier.FlowRequest{Script: f.Script, Scenario: f.Scenario, Iterations: 1, Timeout: longestFlow})
	if err != nil || b.flows.good(askerOf(f), r) == 0 {
		return err
	}
	return b.crowded(p.lastError())
}
