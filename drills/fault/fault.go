// Package fault is the catalogue of what can be broken on purpose, one file
// for each fault. A fault is undone by data that was written down before it
// was injected.
package fault

import (
	"context"
	"errors"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// Target is the machine to break.
type Target struct {
	Machine instance.Machine
}

// Fault breaks one thing in one machine.
type Fault interface {
	// Available returns nil, or a sentence that says why this fault cannot be injected there.
	Available(ctx context.Context, t Target) error
	// Prepare reads what will be changed and returns how to put it back. It changes nothing.
	Prepare(ctx context.Context, t Target) (ledger.Undo, error)
	// Inject breaks it. After an error the undo is run all the same.
	Inject(ctx context.Context, t Target) error
	// Effective returns nil once the fault is seen to bite, asked through a new connection or by
	// reading the state back; an error that is instance.ErrNotInForce says what was seen instead, any other one that it
	// could not be asked. It is asked until it returns nil, ErrSilent, or time is up.
	Effective(ctx context.Context, t Target) error
}

// Lasting is a fault that is asked in another way when somebody was to remove it.
type Lasting interface {
	// Lasts answers as Effective does, on whatever machine carries the name now.
	Lasts(ctx context.Context, t Target) error
}

// Lasts asks whether a fault that has bitten is still in force, as Effective answers. A virtual machine that is down
// cannot be asked: what is on its disk shows when it boots.
func Lasts(ctx context.Context, f Fault, t Target) error {
	if _, virtual := instance.As[instance.Hypervised](t.Machine); virtual {
		state, err := t.Machine.State(ctx)
		if err == nil && !state.Running {
			err = errors.New("it does not run")
		}
		if err != nil {
			return &instance.UnaskedError{What: t.Machine.Name(), Err: err}
		}
	}
	if l, ok := f.(Lasting); ok {
		return l.Lasts(ctx, t)
	}
	return f.Effective(ctx, t)
}

// Fitting is a fault that only some instances can have, whatever is in them.
type Fitting interface {
	// Fits returns nil, or half a sentence that says what it needs.
	Fits(of instance.Traits) error
}

// errContainer is why what belongs to a machine of its own is not broken in a container.
var errContainer = errors.New("only a virtual machine has a hypervisor, a disk and a kernel of its own")

// virtualOnly is the Fits of faults of virtual machines.
func virtualOnly(of instance.Traits) error {
	if of.OwnKernel {
		return nil
	}
	return errContainer
}
