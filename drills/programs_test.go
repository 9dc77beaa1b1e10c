package drills

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// sleeping is a store whose stream is a program, which nobody ends.
type sleeping struct {
	at store.Site
}

func (sleeping) List(context.Context) ([]store.Point, error) {
	return []store.Point{{ID: "p1", Size: 10}}, nil
}

func (s sleeping) Fetch(ctx context.Context, _ store.Point) (store.Stream, error) {
	_, err := s.at.Programs.Start(context.WithoutCancel(ctx), exec.Command("sleep", "600"))
	return nil, err
}

// opening is a loader that opens its backup.
type opening struct{ fakeLoader }

func (o opening) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	if _, err := s.Open(ctx); err != nil {
		return restore.Outcome{}, err
	}
	return o.fakeLoader.Load(ctx, s, m)
}

// A program that a store started and forgot is ended with the drill: it stands in the ledger like all that a drill makes.
func TestStoresPrograms(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(at store.Site, _ scenarios.Settings) (store.Store, []scenarios.Problem) {
			return sleeping{at: at}, nil
		}
		k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) { return opening{fakeLoader{w}}, nil }
	}
	res := w.run(simple)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Empty(t, res.Left)
	entries, err := ledger.Load(res.Dir)
	require.NoError(t, err)
	ended := 0
	for _, e := range entries {
		if e.What == "process" {
			assert.Equal(t, ledger.Undone, e.State)
			ended++
		}
	}
	assert.Equal(t, 2, ended, "of the restore, and of the rollback's")
}
