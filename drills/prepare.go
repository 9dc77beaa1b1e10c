package drills

import (
	"context"
	"fmt"

	"lifeboat/drills/record"
)

// prepare takes the scenario's steps between restore and baseline: what a real restore needs beside its backups. One that
// fails ends the drill, and its step says why; that is no word on the backups, nor on any way back.
func (d *drill) prepare(ctx context.Context) error {
	err := d.operator.run(ctx, record.PhasePrepare, d.plan.Scenario.Prepare)
	if ctx.Err() == nil && isStepsOwn(err) {
		return &stopError{why: fmt.Sprintf("a step of the preparation failed: %s", err)}
	}
	return err
}
