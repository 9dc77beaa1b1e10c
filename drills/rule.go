package drills

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// armOnFault arms the trigger rule with the first injection of an incident: what was red before is not its doing.
func (d *drill) armOnFault(f FaultPlan) error {
	if d.plan.Scenario.Trigger != record.TriggerFault || f.Spec.During != record.PhaseFault || d.ruled == f.Incident {
		return nil
	}
	return d.armRule(f.Incident - 1)
}

// armRule arms the trigger rule of an incident from now on.
func (d *drill) armRule(i int) error {
	d.ruled = i + 1
	in := d.plan.Scenario.Incidents
	if d.pulse == nil || i >= len(in) || in[i].Detect.When == "" {
		return nil
	}
	rule, err := scenarios.ParseRule(in[i].Detect.When)
	if err != nil {
		return fmt.Errorf("detect.when: %w", err)
	}
	if d.pulse.alarmed(rule) {
		if err := d.Append(record.KindObservation, record.Subject{Incident: i + 1}, record.Observation{ID: "detect.in_green",
			Args: map[string]string{"rule": rule.String(), "incident": strconv.Itoa(i + 1)}}); err != nil {
			return err
		}
	}
	d.pulse.expect(rule, rule.String(), d.elapsed())
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
