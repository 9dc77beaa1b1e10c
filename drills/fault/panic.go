package fault

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// kernelPanic: the guest's Linux is told to panic on an unknown non-maskable interrupt, and gets one. Only
// a hypervisor can send it, so this can never hit a kernel that others use. There is no undo: the machine has to
// boot, by itself where the guest's kernel.panic says so, or by the rollback.
type kernelPanic struct {
	below
	seen int // panics on the console before
}

// panicLine is what Linux prints, whatever the cause.
const panicLine = "Kernel panic - not syncing"

func newKernelPanic(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &kernelPanic{below: below{impairment: instance.Impairment{NMI: true}}}, s.Decode(&struct{}{})
}

// errNoPanic is a guest that goes on.
var errNoPanic = instance.NotInForce("the guest's console shows no panic since the interrupt")

const panicSwitch = "/proc/sys/kernel/unknown_nmi_panic"

// Available implements Fault.
func (f *kernelPanic) Available(ctx context.Context, t Target) error {
	if err := f.below.Available(ctx, t); err != nil {
		return err
	}
	if _, err := sh(ctx, t.Machine, "root", `test -w "$1"`, panicSwitch); err != nil {
		return fmt.Errorf("the guest of %s cannot be told to panic on an interrupt (%s): %w", t.Machine.Name(),
			panicSwitch, err)
	}
	return nil
}

// Prepare implements Fault.
func (f *kernelPanic) Prepare(ctx context.Context, t Target) (undo ledger.Undo, err error) {
	if undo, err = f.below.Prepare(ctx, t); err == nil {
		f.seen, err = panics(ctx, t.Machine)
	}
	return undo, err
}

// Inject implements Fault.
func (f *kernelPanic) Inject(ctx context.Context, t Target) error {
	if _, err := hypervised(t.Machine); err != nil { // its kernel is its host's
		return err
	}
	if _, err := sh(ctx, t.Machine, "root", `echo 1 > "$1"`, panicSwitch); err != nil {
		return fmt.Errorf("tell the guest to panic on an interrupt: %w", err)
	}
	return f.below.Inject(ctx, t)
}

// Effective implements Fault: the interrupt came since the machine started, and there is one panic more.
func (f *kernelPanic) Effective(ctx context.Context, t Target) error {
	if err := f.below.Effective(ctx, t); err != nil {
		return err
	}
	now, err := panics(ctx, t.Machine)
	if err == nil && now <= f.seen {
		err = errNoPanic
	}
	return err
}

// Lasts implements Lasting: a guest that answers runs, whatever its console has shown.
func (f *kernelPanic) Lasts(ctx context.Context, t Target) error {
	within, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	if _, err := t.Machine.Exec(within, shell("", ":")); err == nil {
		return instance.NotInForce("the guest of %s runs", t.Machine.Name())
	}
	return f.Effective(ctx, t)
}

func panics(ctx context.Context, m instance.Machine) (int, error) {
	said, err := instance.Console(ctx, m)
	if err != nil {
		return 0, fmt.Errorf("read the console of %s: %w", m.Name(), err)
	}
	return strings.Count(said, panicLine), nil
}
