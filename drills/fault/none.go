package fault

import (
	"context"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// none is the negative control: it breaks nothing, so a drill with it must come
// out as inconclusive and never as passed.
type none struct{}

func newNone(s scenarios.Settings) (Fault, []scenarios.Problem) { return none{}, s.Decode(&struct{}{}) }

// Available implements Fault.
func (none) Available(context.Context, Target) error { return nil }

// Prepare implements Fault.
func (none) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	return instance.UndoCommand(t.Machine, shell("", "true"))
}

// Inject implements Fault.
func (none) Inject(context.Context, Target) error { return nil }

// Effective implements Fault: there is never anything to see.
func (none) Effective(context.Context, Target) error {
	return instance.NotInForce("nothing was broken: this is the negative control")
}
