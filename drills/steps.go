package drills

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// stepFailed says that a step of an upgrade or a rollback did not do what it should.
type stepFailed struct {
	what, why string
	late      *record.Overdue // nothing but a limit of time failed it
}

func (e *stepFailed) Error() string { return fmt.Sprintf("step %q: %s", e.what, e.why) }

// unansweredError is of a step that asked a machine and had no answer, or none in time: what the steps before did to the
// machine may be the reason.
type unansweredError struct{ error }

func (e *unansweredError) Unwrap() error { return e.error }

// unanswered marks an error of a step that asks the machine itself, and any that came after the step's time was up.
func unanswered(limit scenarios.Duration, asks, late bool, err error) error {
	if err != nil && late {
		err = &lateError{limit, err}
	}
	if err == nil || !asks && !late {
		return err
	}
	return &unansweredError{err}
}

// lateError is of a step that was ended by its own limit of time.
type lateError struct {
	limit scenarios.Duration
	error
}

func (e *lateError) Unwrap() error { return e.error }

func (e *lateError) Error() string {
	text := "not done within its timeout of " + e.limit.String()
	if said := e.error.Error(); said != context.DeadlineExceeded.Error() {
		text += ": " + said
	}
	return text
}

// operator takes the steps of a preparation, of an upgrade and of a rollback, as a person would.
type operator struct {
	site
	host     *hostWatch
	restores *restores
	boots    *boots
	shows    *diagnoses
	checks   *checks
	renew    func() // the flow's session, which may be another system's now
}

// run takes steps in order and writes each one down; those after a failed one were not reached.
func (op *operator) run(ctx context.Context, phase string, steps []scenarios.Step) error {
	var failed error
	for i, st := range steps {
		fact := record.Step{Phase: phase, Index: i, What: st.String(), Outcome: record.OutcomeNotReached}
		fact.Kind, _, _ = strings.Cut(fact.What, " ")
		on := st.Traits().On
		subject := op.subject(on)
		if failed == nil {
			fact.Started = op.elapsed()
			stepCtx, cancel := context.WithTimeout(ctx, st.Timeout.Std())
			out, asks, err := op.take(stepCtx, phase, st)
			err = unanswered(st.Timeout, asks, stepCtx.Err() != nil && ctx.Err() == nil, err)
			cancel()
			err = op.boots.failed(ctx, on, phase, fact.Started, err)
			fact.Ended, fact.Outcome, fact.Output = op.elapsed(), record.OutcomeDone, lastLines(op.Hide(out), 20)
			if failed = err; err != nil && !errors.As(err, new(*stopError)) {
				fact.Outcome, fact.Error = record.OutcomeFailed, op.Hide(err.Error())
				op.shows.since(ctx, on, fact.Started)
			}
			subject = op.subject(on)
		}
		if err := op.Append(record.KindStep, subject, fact); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// take returns what the step printed, and whether it asks the machine itself.
func (op *operator) take(ctx context.Context, phase string, st scenarios.Step) (printed string, asks bool, err error) {
	key, action := st.Action()
	kind, ok := stepKinds[key]
	if !ok {
		return "", false, fmt.Errorf("the step at line %d asks for nothing", st.Pos.Line)
	}
	printed, err = kind.run(op, ctx, phase, action)
	if !kind.still {
		op.renew()
	}
	return printed, kind.asks, err
}

func (op *operator) exec(ctx context.Context, m instance.Machine, s *scenarios.ExecStep) (string, error) {
	res, err := m.Exec(ctx, instance.Command{Args: s.Run, User: s.User})
	if err != nil {
		return "", err
	}
	out := res.Stdout + res.Stderr
	if res.Exit != 0 && !s.AllowFailure {
		return out, &stepFailed{what: strings.Join(s.Run, " "), why: fmt.Sprintf("exit code %d", res.Exit)}
	}
	return out, nil
}

// restore loads the instance's backup again into the running machine.
func (op *operator) restore(ctx context.Context, phase string, s scenarios.RestoreStep) (string, error) {
	name := string(s)
	m, err := op.room.Machine(name)
	if err != nil {
		return "", err
	}
	all := op.standing(name).Load
	if len(all) == 0 {
		return "", fmt.Errorf("instance %s has no backup to load", name)
	}
	for _, load := range all {
		if err := op.restores.take(ctx, name, op.plan.Backups[load], m, boot{during: phase}); err != nil {
			return "", err
		}
	}
	return "", nil
}

// wait asks a check of the scenario again and again until it passes. A question that cannot be asked just when its
// time is up is asked on for a while: the answers before it are no word on now, and nor is it.
func (op *operator) wait(ctx context.Context, _ string, w *scenarios.WaitStep) (string, error) {
	for _, c := range op.plan.Checks {
		if c.Spec.Name != w.Check {
			continue
		}
		for from := op.elapsed(); ; {
			answer := op.checks.once(ctx, c)
			if answer.Status == record.CheckPassed {
				return "", nil
			}
			o := op.overdue(w.Within.Std(), from)
			unasked := answer.Status == record.CheckCrashed && o.Over() < unaskedAfter // of what is so now, that says nothing
			if op.host.over(o) && !unasked {
				return "", op.waitedInVain(c, answer, o)
			}
			if err := instance.Pause(ctx, 500*time.Millisecond); err != nil {
				return "", err
			}
		}
	}
	return "", fmt.Errorf("there is no check named %q", w.Check)
}

// waitedInVain: an answer counts against the step, and what could not be asked against lifeboat.
func (op *operator) waitedInVain(c CheckPlan, last verifier.Answer, o record.Overdue) error {
	if last.Status == record.CheckCrashed {
		return &instance.UnaskedError{What: "check " + c.Spec.Name, Err: errors.New(last.Message)}
	}
	failed := &stepFailed{what: "wait " + c.Spec.Name, why: fmt.Sprintf("not passed within %s: %s", o.Limit, last.Message)}
	if last.Late > 0 {
		failed.late = &o
	}
	return failed
}

// lastLines are the last n lines of a text, and at most the last 16 KiB: a line may be of any length.
func lastLines(s string, n int) string {
	const most = 16 << 10
	s = instance.LastLines(s, n)
	if len(s) > most {
		s = "… " + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}

// lateOnly is the limit of time that was all that failed a rollback.
func lateOnly(step *stepFailed, boot *instance.BootError) *record.Overdue {
	switch {
	case boot != nil:
		return boot.Overdue
	case step != nil:
		return step.late
	}
	return nil
}

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
