package drills

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// farStore fails a test that asks it.
type farStore struct {
	fakeStore
	t *testing.T
}

func (s farStore) List(context.Context) ([]store.Point, error) {
	s.t.Error("the store was asked")
	return nil, errors.New("unreachable")
}

// Check needs neither a network nor an engine, and goes on where the file itself has problems.
func TestCheckAsksNobody(t *testing.T) {
	k := newWorld(t).kit()
	k.Stores["far"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return farStore{t: t}, nil }
	k.Instances["fake"] = docker.Kind(func(instance.Site) (instance.Driver, error) {
		t.Error("the host was asked")
		return nil, errors.New("no engine")
	})
	k.Capacity = func(context.Context) (int64, int64, error) {
		t.Error("the host was measured")
		return 0, 0, nil
	}
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
scenario: check
trigger: none
stable_for: 60
backups:
  a: {store: {kind: far}, restore: {kind: faek}}
  b: {store: {}, restore: {kind: fake}}
instances:
  one: {kind: fake, image: img, load: a, needs: [gone]}
  two: {image: img, load: b}
checks:
  system: [{kind: asks, on: one}]
  excluded: {service: none, data: none, business: none}
`), 0o600))
	s, problems := scenarios.Read(file)
	require.NotNil(t, s)
	assert.Len(t, problems, 4, "stable_for, two kinds that are missing, and an instance")
	got := Check(k, s)
	require.Len(t, got, 2, "those that were reported are not repeated: %v", got)
	assert.Contains(t, got[0].Message, `unknown kind of restore "faek"`)
	assert.Contains(t, got[1].Message, `unknown kind of system check "asks"`)
}
