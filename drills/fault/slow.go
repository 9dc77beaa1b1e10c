package fault

import (
	"context"
	"errors"

	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// SlowRestore limits how fast a backup is read, as storage of too few IOPS or a
// narrow link does. It is armed on a backup, not on a machine: the engine asks
// it for BytesPerSecond. Key: rate ("2MB/s"), of the bytes as stored.
type SlowRestore struct{ rate scenarios.Rate }

func newSlowRestore(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Rate scenarios.Rate `yaml:"rate"` // bytes per second of the backup as stored, such as 2MB/s; needed
	}
	problems := s.Decode(&keys)
	if keys.Rate <= 0 && len(problems) == 0 {
		problems = append(problems, s.Problem("rate", "bytes per second of the backup as stored, rate: 2MB/s",
			"slow-restore needs a rate"))
	}
	return &SlowRestore{rate: keys.Rate}, problems
}

// BytesPerSecond of every restore of the backup from now on.
func (f *SlowRestore) BytesPerSecond() int64 { return f.rate.BytesPerSecond() }

var errNotMachine = errors.New("slow-restore is armed on a backup, not on a machine")

// Available implements Fault.
func (f *SlowRestore) Available(context.Context, Target) error { return errNotMachine }

// Prepare implements Fault.
func (f *SlowRestore) Prepare(context.Context, Target) (ledger.Undo, error) {
	return ledger.Undo{}, errNotMachine
}

// Inject implements Fault.
func (f *SlowRestore) Inject(context.Context, Target) error { return errNotMachine }

// Effective implements Fault.
func (f *SlowRestore) Effective(context.Context, Target) error { return errNotMachine }
