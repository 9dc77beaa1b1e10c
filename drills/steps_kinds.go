package drills

import (
	"context"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// stepKind is how the engine takes the steps of one key.
type stepKind struct {
	run   func(d *drill, ctx context.Context, phase string, a scenarios.Action) (printed string, err error)
	asks  bool // it asks the machine itself: that it has no answer may be the work of the steps before
	still bool // it leaves everything as it was: the flow keeps its session
}

// stepKinds by their key. What else there is to know of a step its type in package scenarios says.
var stepKinds = map[string]stepKind{
	"exec":          {run: onMachine((*drill).execStep), asks: true},
	"stop":          {run: onMachine((*drill).stopStep), asks: true},
	"start":         {run: onMachine((*drill).startStep), asks: true},
	"destroy":       {run: inDrill((*drill).destroyStep)},
	"boot":          {run: inDrill((*drill).bootStep)},
	"restore":       {run: inDrill((*drill).restoreStep)},
	"script":        {run: inDrill((*drill).scriptStep)},
	"wait":          {run: inDrill((*drill).waitStep), still: true},
	"reboot":        {run: onMachine((*drill).rebootStep), asks: true},
	"snapshot":      {run: onMachine((*drill).snapshotStep)},
	"revert":        {run: onMachine((*drill).revertStep)},
	"put":           {run: onMachine((*drill).putStep)},
	"select-kernel": {run: onMachine((*drill).selectStep)},
	"predict":       {run: onMachine((*drill).predictStep)},
}

// inDrill takes steps of one type; they are told the phase.
func inDrill[A scenarios.Action](run func(*drill, context.Context, string, A) (string, error),
) func(*drill, context.Context, string, scenarios.Action) (string, error) {
	return func(d *drill, ctx context.Context, phase string, a scenarios.Action) (string, error) {
		return run(d, ctx, phase, a.(A))
	}
}

// onMachine takes steps of one type with the machine that they are about, which must stand.
func onMachine[A scenarios.Action](run func(*drill, context.Context, instance.Machine, A) (string, error),
) func(*drill, context.Context, string, scenarios.Action) (string, error) {
	return func(d *drill, ctx context.Context, _ string, a scenarios.Action) (string, error) {
		m, err := d.room.Machine(a.Traits().On)
		if err != nil {
			return "", err
		}
		return run(d, ctx, m, a.(A))
	}
}

func (d *drill) bootStep(ctx context.Context, phase string, s *scenarios.BootStep) (string, error) {
	if phase == record.PhasePrepare { // it belongs to the restore
		phase = record.PhaseRestore
	}
	return "", d.bootInstance(ctx, s.Instance, boot{image: s.Image, from: s.From, env: s.Env, command: s.Command,
		keepData: s.KeepData, dropData: s.DropData, during: phase})
}
