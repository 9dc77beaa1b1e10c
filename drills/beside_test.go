package drills

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// needing is a loader that reads another backup beside its own.
type needing struct{ fakeLoader }

func (needing) Needs() map[string]string { return map[string]string{"roles_from": "globals"} }
func (l needing) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	out, err := l.fakeLoader.Load(ctx, s, m)
	out.Beside = map[string]restore.Outcome{"globals": {Digest: "sha256:00", Bytes: 7}}
	return out, err
}

// What is read beside a backup was read and restored, too: the ladder does not end at it.
func TestLadderOfABackupBeside(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Loaders["needing"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return needing{fakeLoader{w}}, s.Decode(&struct{}{})
		}
	}
	yaml := strings.Replace(simple, "restore: {kind: fake}", "restore: {kind: needing}", 1)
	require.NotEqual(t, simple, yaml)
	res := w.run(strings.Replace(yaml, "backups:\n", "backups:\n  globals: {store: {kind: fake}, restore: {kind: fake}}\n", 1))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	for _, rung := range objective.Ladder(res.Record)[1:3] {
		assert.Equal(t, objective.RungReached, rung.State, "%+v", rung)
	}
}

// partly is a loader that restores a part.
type partly struct{ fakeLoader }

func (l partly) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	out, err := l.fakeLoader.Load(ctx, s, m)
	out.Part = &record.Part{Only: "orders", Left: "customers"}
	return out, err
}

// What a loader says to be a part the record has as one, so that the ladder does not take it for the whole.
func TestLadderOfAPart(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Loaders["fake"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return partly{fakeLoader{w}}, s.Decode(&struct{}{})
		}
	}
	res := w.run(simple)
	require.Equal(t, &record.Part{Only: "orders", Left: "customers"}, res.Record.Restores[0].Part)
	assert.Equal(t, objective.RungUnasked, objective.Ladder(res.Record)[2].State)
}

// A machine that its loader holds is not started before it is loaded.
func TestLoaderHoldsItsMachine(t *testing.T) {
	w := newWorld(t)
	var held bool
	w.change = func(k *Kit) {
		k.Loaders["fake"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return holding{fakeLoader{w}, &held}, s.Decode(&struct{}{})
		}
	}
	res := w.run(simple)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.True(t, held)
}

// holding is a loader that starts its machine by itself.
type holding struct {
	fakeLoader
	held *bool
}

func (holding) Prepare(r *instance.Request) error { r.Hold = !r.KeepData; return nil }
func (l holding) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	state, err := m.State(ctx)
	if err != nil {
		return restore.Outcome{}, err
	}
	*l.held = *l.held || !state.Running
	if !state.Running {
		if err := m.Start(ctx); err != nil {
			return restore.Outcome{}, err
		}
	}
	return l.fakeLoader.Load(ctx, s, m)
}

// What is wrong with a backup that is read beside another one, for its roles, is no word on that one.
func TestFaultOfABackupBeside(t *testing.T) {
	yaml := strings.NewReplacer("backups:\n", "backups:\n  globals: {store: {kind: fake}, restore: {kind: fake}}\n",
		"flow:", "  later: {kind: fake, image: img, load: globals, needs: [db], ready: {exec: [up]}}\nflow:").Replace(simple)
	for want, err := range map[string]error{
		"backup.bad":  &restore.BackupError{Backup: "globals", Reason: "cut off"},
		"backup.lack": &restore.LackError{Backup: "globals", Lack: record.LackRoles, What: "it holds no roles"},
	} {
		w := newWorld(t)
		w.load = func(int) error { return err }
		res := w.run(yaml)
		require.Contains(t, reasons(res.Verdict), want)
		for _, r := range res.Verdict.Reasons {
			if r.ID == want {
				assert.Equal(t, "globals", r.Args["backup"])
			}
		}
	}
}
