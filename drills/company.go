package drills

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

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
