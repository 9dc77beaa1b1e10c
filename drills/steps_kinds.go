package drills

import (
	"context"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// stepKind is how the engine takes the steps of one key.
type stepKind struct {
	run   func(op *operator, ctx context.Context, phase string, a scenarios.Action) (printed string, err error)
	asks  bool // it asks the machine itself: that it has no answer may be the work of the steps before
	still bool // it leaves everything as it was: the flow keeps its session
}

// stepKinds by their key. What else there is to know of a step its type in package scenarios says.
var stepKinds = map[string]stepKind{
	"exec":          {run: onMachine((*operator).exec), asks: true},
	"stop":          {run: onMachine((*operator).stop), asks: true},
	"start":         {run: onMachine((*operator).start), asks: true},
	"destroy":       {run: inDrill((*operator).destroy)},
	"boot":          {run: inDrill((*operator).boot)},
	"restore":       {run: inDrill((*operator).restore)},
	"script":        {run: inDrill((*operator).script)},
	"wait":          {run: inDrill((*operator).wait), still: true},
	"reboot":        {run: onMachine((*operator).reboot), asks: true},
	"snapshot":      {run: onMachine((*operator).snapshot)},
	"revert":        {run: onMachine((*operator).revert)},
	"put":           {run: onMachine((*operator).put)},
	"select-kernel": {run: onMachine((*operator).selectKernel)},
	"predict":       {run: onMachine((*operator).predict)},
}

// inDrill takes steps of one type; they are told the phase.
func inDrill[A scenarios.Action](run func(*operator, context.Context, string, A) (string, error),
) func(*operator, context.Context, string, scenarios.Action) (string, error) {
	return func(op *operator, ctx context.Context, phase string, a scenarios.Action) (string, error) {
		return run(op, ctx, phase, a.(A))
	}
}

// onMachine takes steps of one type with the machine that they are about, which must stand.
func onMachine[A scenarios.Action](run func(*operator, context.Context, instance.Machine, A) (string, error),
) func(*operator, context.Context, string, scenarios.Action) (string, error) {
	return func(op *operator, ctx context.Context, _ string, a scenarios.Action) (string, error) {
		m, err := op.room.Machine(a.Traits().On)
		if err != nil {
			return "", err
		}
		return run(op, ctx, m, a.(A))
	}
}

func (op *operator) boot(ctx context.Context, phase string, s *scenarios.BootStep) (string, error) {
	if phase == record.PhasePrepare { // it belongs to the restore
		phase = record.PhaseRestore
	}
	return "", op.boots.one(ctx, s.Instance, boot{image: s.Image, from: s.From, env: s.Env, command: s.Command, load: s.Load,
		keepData: s.KeepData, dropData: s.DropData, during: phase})
}
