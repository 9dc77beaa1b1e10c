package drills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/kernel"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// reboot has a machine start its own kernel again and waits until it is ready. A machine
// without a kernel of its own is stopped and started.
func (op *operator) reboot(ctx context.Context, m instance.Machine, _ scenarios.RebootStep) (string, error) {
	started := op.elapsed()
	var err error
	if r, ok := instance.As[instance.Rebooter](m); ok {
		err = r.Reboot(ctx)
	} else if err = m.Stop(ctx); err == nil {
		err = m.Start(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("reboot %s: %w", m.Name(), err)
	}
	return "", op.boots.cameUp(ctx, m, rise{started: started, booting: started})
}

// stop says how the machine ended: one that had to be killed has not written what it held in memory.
func (op *operator) stop(ctx context.Context, m instance.Machine, _ scenarios.StopStep) (string, error) {
	if err := m.Stop(ctx); err != nil {
		return "", err
	}
	s, err := m.State(ctx)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.Name(), err)
	}
	return s.Reason, nil
}

// destroy removes a machine: from then on none carries its name, until it is booted again.
func (op *operator) destroy(ctx context.Context, _ string, s scenarios.DestroyStep) (string, error) {
	for _, m := range op.room.Each([]string{string(s)}) { // none: it was destroyed before
		if err := m.Destroy(ctx); err != nil {
			return "", err
		}
		op.room.Gone(m.Name())
	}
	return "", nil
}

// start starts a machine that was stopped and waits until it is ready. One that runs already is not booted by it.
func (op *operator) start(ctx context.Context, m instance.Machine, _ scenarios.StartStep) (string, error) {
	was, err := m.State(ctx)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.Name(), err)
	}
	started := op.elapsed()
	if err := m.Start(ctx); err != nil {
		return "", err
	}
	if was.Running {
		return "", op.boots.waitReady(ctx, m, op.plan.Scenario.Instances[m.Name()].Ready, started)
	}
	return "", op.boots.cameUp(ctx, m, rise{started: started, booting: started})
}

// rise is how a machine came up.
type rise struct {
	started time.Duration // its restore, or else its boot
	booting time.Duration // when it was started
	waited  time.Duration // of its boot, for a sealed sandbox
	image   string
	loaded  bool // with a backup, after its server had answered
	boot    boot
}

// cameUp waits until a machine is ready and writes that down, with what its times are worth.
func (s *boots) cameUp(ctx context.Context, m instance.Machine, r rise) error {
	spec := s.plan.Scenario.Instances[m.Name()]
	if err := s.waitReady(ctx, m, spec.Ready, r.booting); err != nil {
		return err
	}
	if slow := s.tooSlow(s.elapsed() - r.started); slow != "" {
		if err := s.again(m.Name(), r.boot, slow); err != nil {
			return err
		}
	}
	health := healthOf(m)
	up := record.Booted{Started: r.started, Ready: s.elapsed(), Image: r.image, Basis: record.BasisMeasured,
		SealWait: r.waited, Unseen: spec.Ready == nil && health == nil && !r.loaded}
	if b, ok := instance.As[instance.Based](m); ok {
		up.Basis = b.Basis()
	}
	if of, ok := instance.As[instance.Identified](m); ok {
		up.ImageID = of.ImageID()
	}
	if !up.Unseen {
		s.room.Rose(m.Name(), up.Ready-up.Started)
	}
	if of, ok := instance.As[instance.Described](m); ok {
		up.Facts = map[string]string{}
		for name, fact := range of.Describe(ctx) {
			up.Facts[name] = s.Hide(fact)
		}
	}
	if up.Facts == nil {
		up.Facts = map[string]string{}
	}
	if spec.Ready == nil && health != nil {
		up.Facts["healthcheck"] = s.Hide(strings.Join(health.Command, " "))
	}
	return s.Append(record.KindBooted, s.subject(m.Name()), up)
}

func (op *operator) snapshot(ctx context.Context, m instance.Machine, to *scenarios.SnapshotStep) (string, error) {
	s, ok := instance.As[instance.Snapshotter](m)
	if !ok {
		return "", fmt.Errorf("take a snapshot of %s: an instance of this kind has none", m.Name())
	}
	if err := s.Snapshot(ctx, to.Name); err != nil {
		return "", fmt.Errorf("take snapshot %s of %s: %w", to.Name, m.Name(), err)
	}
	op.room.Snapped(m.Name(), to.Name)
	return "", nil
}

// revert goes back to a snapshot. That there is none is the rollback's own failure: an operator
// would stand there just the same.
func (op *operator) revert(ctx context.Context, m instance.Machine, to *scenarios.RevertStep) (string, error) {
	name := to.Name
	s, ok := instance.As[instance.Snapshotter](m)
	if !ok {
		return "", fmt.Errorf("revert %s: an instance of this kind has no snapshots", m.Name())
	}
	taken := op.room.Snapshots(m.Name())
	if !slices.Contains(taken, name) {
		return "", &stepFailed{what: "revert " + m.Name() + " to " + name,
			why: fmt.Sprintf("there is no such snapshot; there are %v", taken)}
	}
	started := op.elapsed()
	if err := s.Revert(ctx, name); err != nil {
		return "", fmt.Errorf("revert %s to %s: %w", m.Name(), name, err)
	}
	op.room.Reverted(m.Name())
	return "", op.boots.cameUp(ctx, m, rise{started: started, booting: started})
}

// selectKernel makes the boot loader choose an installed kernel.
func (op *operator) selectKernel(ctx context.Context, m instance.Machine, s *scenarios.SelectStep) (string, error) {
	release := s.Release
	if release == scenarios.Before {
		if release = op.room.Remembered(m.Name()); release == "" {
			return "", fmt.Errorf("select the kernel of before on %s: the baseline did not come as far as asking", m.Name())
		}
	}
	out, err := kernel.Choose(ctx, kernel.On(m), release)
	return out, unfit("select kernel "+release+" on "+m.Name(), err)
}

// unfit makes the machine's own answer, that it cannot do what is asked, a failed step.
func unfit(what string, err error) error {
	if no, ok := errors.AsType[*kernel.UnfitError](err); ok {
		return &stepFailed{what: what, why: no.Reason}
	}
	return err
}

// rememberKernels asks those machines for their kernel to which a step will go back.
func (op *operator) rememberKernels(ctx context.Context) error {
	for _, in := range op.plan.Scenario.Incidents {
		for _, st := range slices.Concat(op.plan.Scenario.Upgrade, in.Upgrade, in.Rollback) {
			if st.Select == nil || st.Select.Release != scenarios.Before || op.room.Remembered(st.Select.On) != "" {
				continue
			}
			m, err := op.room.Machine(st.Select.On)
			if err != nil {
				return err
			}
			release, err := kernel.Release(ctx, kernel.On(m))
			if err != nil {
				return fmt.Errorf("remember the kernel of %s: %w", m.Name(), err)
			}
			op.room.Remember(m.Name(), release)
		}
	}
	return nil
}

// predict foretells which modules will not load on the next kernel. What is done about it the scenario
// says; where it says stop, nothing more is rehearsed, and that is the right outcome.
func (op *operator) predict(ctx context.Context, m instance.Machine, s *scenarios.PredictStep) (string, error) {
	seen := record.Observation{ID: "upgrade.unpredicted", Args: map[string]string{"instance": s.On,
		"next": s.Packages + s.Release, "on_conflict": s.OnConflict}}
	f, err := kernel.Ask(ctx, kernel.On(m), kernel.Next{Packages: s.Packages, Release: s.Release})
	if err != nil && ctx.Err() != nil {
		return "", err
	}
	if err != nil { // it is not known, which is not the same as no conflict
		seen.Args["why"] = op.Hide(err.Error())
		return "not predicted: " + seen.Args["why"], op.foretold(s, seen)
	}
	if conflicts := f.Conflicts(); len(conflicts) > 0 {
		names, why := told(conflicts)
		return f.String(), op.foretold(s, record.Observation{ID: "upgrade.conflict", Args: map[string]string{
			"instance": s.On, "running": f.Running, "next": f.Next, "modules": names, "why": why,
			"on_conflict": s.OnConflict}})
	}
	if unknown := f.Unknown(); len(unknown) > 0 { // it is no conflict, and not the same as none
		_, seen.Args["why"] = told(unknown)
		seen.Args["next"], seen.Args["on_conflict"] = f.Next, "go-on"
		return f.String(), op.Append(record.KindObservation, op.subject(s.On), seen)
	}
	return f.String(), nil
}

// told are the names of modules, and what is said of each.
func told(modules []kernel.Outlook) (names, why string) {
	var all, lines []string
	for _, m := range modules {
		all, lines = append(all, m.Module), append(lines, m.Module+": "+m.Words)
	}
	return strings.Join(all, ", "), strings.Join(lines, "; ")
}

// foretold writes a prediction down that is not good, and stops where the scenario says so.
func (op *operator) foretold(s *scenarios.PredictStep, seen record.Observation) error {
	err := op.Append(record.KindObservation, op.subject(s.On), seen)
	if err == nil && s.OnConflict == "stop" {
		err = &stopError{why: fmt.Sprintf("the upgrade was stopped: %s", seen.Args["why"])}
	}
	return err
}
