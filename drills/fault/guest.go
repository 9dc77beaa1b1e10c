package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// inGuest is a fault that a few lines of shell make in a Linux guest, as root. Only virtual machines are
// broken this way: what these lines touch belongs to a container's host. What they change they keep beside
// itself, so that healing is putting it back; a guest that does not come up any more heals by the rollback only.
type inGuest struct {
	args   []string // of every script, $1 and so on
	needs  string   // fails, and says why on standard error, where the fault cannot be injected
	breaks string
	broken string // fails where the change is not there
	heals  string // also where nothing was broken, or where it was healed before
	boots  bool   // it bites when the machine boots

	down bool // the change was read back, then the machine went down
}

// Available implements Fault.
func (f *inGuest) Available(ctx context.Context, t Target) error {
	if _, err := hypervised(t.Machine); err != nil {
		return err
	}
	r, err := t.Machine.Exec(ctx, shell("root", f.needs, f.args...))
	switch {
	case err != nil:
		return fmt.Errorf("ask the guest of %s: %w", t.Machine.Name(), err)
	case r.Exit != 0:
		return fmt.Errorf("the guest of %s: %s", t.Machine.Name(), strings.TrimSpace(r.Stderr+r.Stdout))
	}
	return nil
}

// Fits implements Fitting.
func (f *inGuest) Fits(of instance.Traits) error { return virtualOnly(of) }

// Prepare implements Fault.
func (f *inGuest) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	return instance.UndoCommand(t.Machine, shell("root", f.heals, f.args...))
}

// Inject implements Fault.
func (f *inGuest) Inject(ctx context.Context, t Target) error {
	if _, err := hypervised(t.Machine); err != nil {
		return err
	}
	if _, err := sh(ctx, t.Machine, "root", f.breaks, f.args...); err != nil {
		return err
	}
	if !f.boots {
		return nil
	}
	if err := f.readBack(ctx, t.Machine); err != nil {
		return err
	}
	if _, err := sh(ctx, t.Machine, "root", "sync"); err != nil {
		return fmt.Errorf("write the change to the disk: %w", err)
	}
	if err := reboot(ctx, t.Machine); err != nil {
		return err
	}
	f.down = true
	return nil
}

func reboot(ctx context.Context, m instance.Machine) error {
	if r, ok := instance.As[instance.Rebooter](m); ok {
		return r.Reboot(ctx)
	}
	return restart(ctx, m)
}

// errNotThere is a change that is not there.
var errNotThere = instance.NotInForce("the change is not there")

// ErrCameUp is wrapped by Effective where a guest rebooted with the change on its disk and came up all the same.
var ErrCameUp = errors.New("the guest came up with the change on its disk")

// ErrSilent is wrapped by Effective where a guest rebooted with the change on its disk and does not answer: it hangs on
// it, or is still on its way there.
var ErrSilent = errors.New("the guest went down with the change on its disk and does not answer")

// unanswered is a guest that could not be asked.
type unanswered struct{ error }

func (e unanswered) Unwrap() error { return e.error }

func (f *inGuest) readBack(ctx context.Context, m instance.Machine) error {
	r, err := m.Exec(ctx, shell("root", f.broken, f.args...))
	if err != nil {
		return unanswered{fmt.Errorf("ask the guest of %s: %w", m.Name(), err)}
	}
	if r.Exit != 0 {
		return fmt.Errorf("%w on %s: %s", errNotThere, m.Name(), strings.TrimSpace(r.Stderr+r.Stdout))
	}
	return nil
}

// Lasts implements Lasting: the change is on the disk or not, whether or not the guest came up with it.
func (f *inGuest) Lasts(ctx context.Context, t Target) error {
	within, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	return f.readBack(within, t.Machine)
}

// silence is how long a guest that went down is asked whether it is back.
const silence = 5 * time.Second

// Effective implements Fault. A machine that was seen to go down with the change on its disk has come up when it
// answers; while it does not, only time or what its console shows tells whether it ever will.
func (f *inGuest) Effective(ctx context.Context, t Target) error {
	if !f.down {
		return f.readBack(ctx, t.Machine)
	}
	within, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	err := f.readBack(within, t.Machine)
	switch {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrCameUp, t.Machine.Name())
	case errors.Is(err, errNotThere):
		return fmt.Errorf("%w, where it is no more: %w", ErrCameUp, err)
	case errors.As(err, new(unanswered)) && ctx.Err() == nil:
		if _, err = t.Machine.State(ctx); err == nil {
			err = fmt.Errorf("%w: %s", ErrSilent, t.Machine.Name())
		}
	}
	return err
}
