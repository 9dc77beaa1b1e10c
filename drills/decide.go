package drills

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Outcomes of a decision, the first being the default of a simulated one.
func Outcomes() []string {
	var names []string
	for _, o := range []record.DecisionOutcome{record.FullRollback, record.PartialRollback, record.SwitchToStandby, record.Pause, record.GoOnWatching} {
		names = append(names, string(o))
	}
	return names
}

// commander decides for a drill: a person, or the scenario in their place.
type commander struct {
	*books
	ask func(ctx context.Context, q Question) (Answer, error) // at the terminal; nil: only lifeboat approve can answer
}

// decide waits for the decision; the waiting is on the clock, simulated or not.
func (c *commander) decide(ctx context.Context, in scenarios.Incident, detected string) (record.Decision, error) {
	dec := in.Decide
	if dec.By != "person" {
		if err := instance.Pause(ctx, dec.After.Std()); err != nil {
			return record.Decision{}, err
		}
		return record.Decision{Outcome: record.DecisionOutcome(dec.Outcome), Scope: dec.Scope, Reason: dec.Reason, By: record.BySimulated, At: c.now()}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dec.Within.Std(), errNotDecided)
	defer cancel()
	a, err := c.askPerson(ctx, Question{Drill: c.id, Incident: c.incident, Rule: detected, Choices: Outcomes()})
	if errors.Is(err, errNotDecided) {
		return record.Decision{}, &stopError{why: fmt.Sprintf("nobody decided within %s", dec.Within)}
	}
	if err != nil {
		return record.Decision{}, err
	}
	return record.Decision{Outcome: record.DecisionOutcome(a.Outcome), Scope: a.Scope, Reason: a.Reason, By: a.By, At: c.now()}, nil
}

var errNotDecided = errors.New("not decided in time")
