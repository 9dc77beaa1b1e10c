package drills

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// trigger is the rule of the incident that is open, which says when somebody would have been called.
type trigger struct {
	*books
	plan     *Plan
	business *business
	ruled    int // the incident for which it was armed last
}

// armOnFault arms the trigger rule with the first injection of an incident: what was red before is not its doing.
func (t *trigger) armOnFault(f FaultPlan) error {
	if t.plan.Scenario.Trigger != record.TriggerFault || f.Spec.During != record.PhaseFault || t.ruled == f.Incident {
		return nil
	}
	return t.arm(f.Incident - 1)
}

// arm arms the trigger rule of an incident from now on.
func (t *trigger) arm(i int) error {
	t.ruled = i + 1
	in := t.plan.Scenario.Incidents
	if t.business.pulse == nil || i >= len(in) || in[i].Detect.When == "" {
		return nil
	}
	rule, err := scenarios.ParseRule(in[i].Detect.When)
	if err != nil {
		return fmt.Errorf("detect.when: %w", err)
	}
	if t.business.pulse.alarmed(rule) {
		if err := t.Append(record.KindObservation, record.Subject{Incident: i + 1}, record.Observation{ID: "detect.in_green",
			Args: map[string]string{"rule": rule.String(), "incident": strconv.Itoa(i + 1)}}); err != nil {
			return err
		}
	}
	t.business.pulse.expect(rule, rule.String(), t.elapsed())
	return nil
}

// alarmAfter is for how long a rule has to hold in green to be one that holds whatever happens, and alarmOf how many
// iterations of a slow pulse.
const (
	alarmAfter = 3 * time.Second
	alarmOf    = 4
)

// recall keeps the latest iterations. It is called with the lock held.
func (p *pulse) recall(s verifier.Sample) {
	p.recent = append(p.recent, s)
	for len(p.recent) > alarmOf && p.recent[0].End < s.End-2*alarmAfter {
		p.recent = p.recent[1:]
	}
}

// alarmed tells whether a rule holds of a business that is green: it would fire whatever became of it.
func (p *pulse) alarmed(rule scenarios.Rule) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	state, since := p.edges.State()
	rule.For = min(rule.For, scenarios.Duration(alarmAfter))
	w, fires := detect.WatchOf(rule, since.Early, p.edges.Bad), false
	for _, s := range p.recent {
		fires = w.Add(s, "") != nil
	}
	return state == detect.Green && fires
}

// expect arms the trigger rule; samples that began before from do not count.
func (p *pulse) expect(rule scenarios.Rule, text string, from time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fired, p.rule = nil, text
	p.watch = detect.WatchOf(rule, from, p.edges.Bad)
}

// waitFired returns what the armed rule saw.
func (p *pulse) waitFired(ctx context.Context) (*record.Detected, error) {
	err := p.wait(ctx, func() bool { return p.fired != nil })
	p.mu.Lock() // samples go on coming
	defer p.mu.Unlock()
	return p.fired, err
}

// wait returns what the rule of an incident saw.
func (t *trigger) wait(ctx context.Context, i int, in scenarios.Incident) (*record.Detected, error) {
	if t.business.pulse == nil {
		return nil, errors.New("detect: there is no pulse to detect anything with")
	}
	if t.ruled != i+1 { // no fault of it breaks a machine
		if err := t.arm(i); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, in.Detect.Within.Std(), errNotDetected)
	defer cancel()
	fired, err := t.business.pulse.waitFired(ctx)
	if errors.Is(err, errNotDetected) {
		return nil, &stopError{why: fmt.Sprintf("the rule %q did not fire within %s", in.Detect.When, in.Detect.Within)}
	}
	return fired, err
}

var errNotDetected = errors.New("not detected in time")
