package fault

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// wrongOwner: the data directory belongs to root after the upgrade, so that the
// server refuses to start.
type wrongOwner struct{ server }

func newWrongOwner(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server
	}
	problems := s.Decode(&keys)
	keys.defaults()
	return &wrongOwner{keys.server}, problems
}

// Available implements Fault.
func (f *wrongOwner) Available(ctx context.Context, t Target) error {
	return isPostgres(ctx, t.Machine)
}

// Prepare implements Fault.
func (f *wrongOwner) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	old, err := sh(ctx, t.Machine, "", `stat -c %u:%g "$PGDATA"`)
	if err != nil {
		return ledger.Undo{}, fmt.Errorf("read the owner of the data directory: %w", err)
	}
	return instance.UndoCommand(t.Machine, shell("root", `chown "$1" "$PGDATA"`, strings.TrimSpace(old)))
}

// Inject implements Fault.
func (f *wrongOwner) Inject(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, "root", `chown 0:0 "$PGDATA"`); err != nil {
		return fmt.Errorf("change the owner of the data directory: %w", err)
	}
	return restart(ctx, t.Machine)
}

// Effective implements Fault.
func (f *wrongOwner) Effective(ctx context.Context, t Target) error {
	return bites(f.unreachable(ctx, t.Machine))
}

// Lasts implements Lasting.
func (f *wrongOwner) Lasts(ctx context.Context, t Target) error { return f.unreachable(ctx, t.Machine) }
