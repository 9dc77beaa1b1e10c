package drills

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
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
