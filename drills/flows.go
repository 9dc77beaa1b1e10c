package drills

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// flows are run by k6, beside the drill's machines.
type flows struct {
	room *machines.Room
	with func(c instance.Companion, log *slog.Logger) (verifier.Flows, error)
	log  *slog.Logger

	mu       sync.Mutex
	k6       verifier.Flows                 // nil: not found yet
	controls map[string]verifier.FlowResult // before decoys, by what was asked
	throwing map[asker]bool                 // flows that have no checks: they throw, and were seen to
}

// opened finds who can run k6 for this drill, once.
func (fl *flows) opened() (verifier.Flows, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.k6 != nil {
		return fl.k6, nil
	}
	c, err := fl.room.Companion()
	if err != nil {
		return nil, err
	}
	fl.k6, err = fl.with(c, fl.log)
	return fl.k6, err
}

// control runs a flow once before each decoy, also when a check has the same one: nothing changes there.
func (fl *flows) control(ctx context.Context, k6 verifier.Flows, r verifier.FlowRequest) (verifier.FlowResult, error) {
	key := fmt.Sprint(r) // prints maps in the order of their keys
	fl.mu.Lock()
	seen, ok := fl.controls[key]
	fl.mu.Unlock()
	if ok {
		return seen, nil
	}
	result, err := k6.Run(ctx, r)
	if err == nil {
		fl.mu.Lock()
		fl.controls[key] = result
		fl.mu.Unlock()
	}
	return result, err
}

// controlled remembers whether a flow throws where it must not pass: that it does not throw is its answer then.
func (fl *flows) controlled(a asker, throws bool) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.throwing[a] = throws
}

// throws tells whether a flow without checks was seen to throw.
func (fl *flows) throws(a asker) bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.throwing[a]
}

// good is how many iterations of a flow were.
func (fl *flows) good(a asker, r verifier.FlowResult) int {
	if fl.throws(a) {
		return r.Good + r.Unproven
	}
	return r.Good
}

// asker is a flow that is the pulse for a time.
type asker struct{ script, scenario string }

func askerOf(f *scenarios.Flow) asker { return asker{f.Script, f.Scenario} }

// askersOf are the flow and the one that asks after an upgrade.
func askersOf(f *scenarios.Flow) []asker {
	switch {
	case f == nil:
		return nil
	case f.AfterUpgrade == nil:
		return []asker{askerOf(f)}
	}
	return []asker{askerOf(f), {f.AfterUpgrade.Script, f.AfterUpgrade.Scenario}}
}

// turnNew lets the flow ask that the new version needs, once an upgrade has taken all its steps. Where the upgrade is what
// breaks things, the rule counts from here: what the first flow met meanwhile is the upgrade's own doing.
func (d *drill) turnNew(ctx context.Context, incident int) error {
	f := d.plan.Scenario.Flow
	if d.business.pulse == nil || f.AfterUpgrade == nil || d.business.pulse.turned { // nobody rolled back since: it asks already
		return nil
	}
	env := f.AfterUpgrade.Env
	if env == nil {
		env = f.Env
	}
	if err := d.business.turn(ctx, asker{f.AfterUpgrade.Script, f.AfterUpgrade.Scenario}, env); err != nil {
		return err
	}
	if d.plan.Scenario.Trigger == record.TriggerUpgrade {
		return d.trigger.arm(incident - 1)
	}
	return nil
}

// turnBack lets the flow ask again that the old version needs, before a rollback.
func (b *business) turnBack(ctx context.Context) error {
	if b.pulse == nil || !b.pulse.turned {
		return nil
	}
	f := b.plan.Scenario.Flow
	return b.turn(ctx, askerOf(f), f.Env)
}

// turn puts another flow in the pulse's place. No iteration is cut for it; until the first of the other has ended nobody
// looks, and the record says so.
//
//	old flow  ├──┤ ├──┤
//	new flow                  ├──┤ ├──┤
//	turn           └───────────┘ from the last begin before to the first begin after
func (b *business) turn(ctx context.Context, to asker, env map[string]scenarios.Secret) error {
	p := b.pulse
	plain, err := b.env(env)
	if err != nil {
		return err
	}
	name := filepath.Base(to.script)
	if err := p.running.Rest(ctx); err != nil {
		return fmt.Errorf("let the pulse rest before %s takes its place: %w", name, err)
	}
	if err := p.running.Stop(ctx); err != nil {
		return fmt.Errorf("end the pulse before %s takes its place: %w", name, err)
	}
	p.mu.Lock()
	begun, from := p.silence.Began(), b.elapsed()
	p.asker, p.turned, p.turning = to, !p.turned, &from
	p.mu.Unlock()
	if err := b.Append(record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseTurns,
		At: record.Moment{Early: min(begun, from), Late: from}, Why: name, Scenario: to.scenario}); err != nil {
		return err
	}
	b.reached.byFlow(to.script)
	return p.run(ctx, to, plain, true)
}

// asks tells whether a flow that is to be run is what the pulse asks now.
func (p *pulse) asks(r verifier.FlowRequest) bool {
	other := p.flow.AfterUpgrade
	return r.Env == nil && p.asker == asker{r.Script, r.Scenario} && (!p.turned || other.Env == nil)
}

// looksAgain ends a turn with the first iteration of the flow that asks now. It is called with the lock held.
func (p *pulse) looksAgain(s verifier.Sample) error {
	if p.turning == nil || s.Dropped > 0 {
		return nil
	}
	at := max(s.Start, *p.turning)
	p.silence.Rest(*p.turning, at)
	p.starts.Rest(*p.turning, at)
	p.turning = nil
	return p.Append(record.KindPulse, record.Subject{}, record.PulseEvent{State: record.PulseGoesOn, At: record.At(at)})
}
