package drills

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// shelf is a store of these points.
type shelf struct {
	fakeStore
	points []store.Point
	gone   error // instead of a list
}

func (s shelf) List(context.Context) ([]store.Point, error) { return s.points, s.gone }

// dating is a loader that knows when each backup was made.
type dating struct {
	fakeLoader
	made map[string]string
}

func (d dating) Made(_ context.Context, s restore.Source) (string, error) {
	return d.made[s.Point.ID], nil
}

const shelved = `
scenario: shelved
trigger: none
OBJECTIVES
backups: {a: {store: {kind: fake}, restore: {kind: fake}, timezone: UTC}}
instances: {db: {kind: fake, image: img, load: a}}
checks:
  system: [{kind: ask}]
  excluded: {service: none, data: none, business: none}
`

func drillShelf(t *testing.T, age string, made map[string]string, points ...store.Point) *Result {
	t.Helper()
	return drillStore(t, age, made, shelf{points: points})
}

func drillStore(t *testing.T, age string, made map[string]string, of shelf) *Result {
	t.Helper()
	w := newWorld(t)
	w.made = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Hour).Format(time.DateTime)
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return of, nil }
		k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return dating{fakeLoader{w}, made}, nil
		}
	}
	objectives := ""
	if age != "" {
		objectives = "objectives: {age: " + age + "}"
	}
	return w.run(strings.Replace(shelved, "OBJECTIVES", objectives, 1))
}

// On the night on which the backup is missing there is a verdict, with a record that says what lies there.
func TestNothingCompleteToRestore(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of synctest
	part := store.Point{ID: "sat.dump.part", Taken: now.Add(-time.Hour), Unusable: store.Partial}
	locked := store.Point{ID: "sat", Taken: now.Add(-time.Hour), Unusable: store.Unreadable}
	fri := store.Point{ID: "fri.dump", Size: 10, Digest: promised00, Taken: now.Add(-30 * time.Hour)}
	late := store.Point{ID: "late.dump", Size: 10, Digest: promised00, Taken: now.Add(-20 * time.Hour)}
	for name, c := range map[string]struct {
		age    string
		points []store.Point
		status record.Status
		newest string
		beside []string
	}{
		"nothing else":                  {"", []store.Point{part}, record.StatusFailed, "", nil},
		"nothing else that may be read": {"", []store.Point{locked}, record.StatusInconclusive, "", nil},
		"nothing else within age":       {"24h", []store.Point{fri, part}, record.StatusFailed, "fri.dump", nil},
		"within age":                    {"48h", []store.Point{fri, part}, record.StatusPassed, "", []string{"point.skipped"}},
		"within the usual age":          {"", []store.Point{late, part}, record.StatusPassed, "", []string{"point.skipped"}},
		"all is well":                   {"48h", []store.Point{fri}, record.StatusPassed, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			res := drillShelf(t, c.age, nil, c.points...)
			assert.Equal(t, c.status, res.Verdict.Status, "%v", res.Verdict.Reasons)
			require.Len(t, res.Record.RestorePoints, 1)
			beside := []string(nil)
			for _, o := range res.Record.RestorePoints[0].Beside {
				beside = append(beside, o.ID)
			}
			assert.Equal(t, c.status == record.StatusPassed, len(res.Record.Boots) == 1)
			if c.status == record.StatusPassed {
				assert.Equal(t, c.beside, beside)
				return
			}
			first := res.Verdict.Reasons[0]
			assert.Equal(t, "backup.missing", first.ID)
			assert.Equal(t, c.points[len(c.points)-1].ID, first.Args["name"])
			assert.Equal(t, c.newest, first.Args["newest"])
			assert.NotContains(t, reasons(res.Verdict), "harness.broke")
		})
	}
}

// A store in which nothing lies may be one that is not mounted: the night has its record all the same.
func TestNothingLiesThere(t *testing.T) {
	res := drillShelf(t, "24h", nil)
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%v", res.Verdict.Reasons)
	assert.Equal(t, "backup.none", res.Verdict.Reasons[0].ID)
	assert.Equal(t, map[string]string{"backup": "a"}, res.Verdict.Reasons[0].Args)
	assert.Empty(t, res.Record.Restores[0].BackupBad, "that is no word on the backup")
	assert.Empty(t, res.Record.Boots)
	assert.NotContains(t, reasons(res.Verdict), "harness.broke")
}

// A store that gives nothing leaves a record too, and is no word on the backup: a folder that is not mounted, a bucket that
// is gone, a manifest that nobody can read, a name that is not there any more.
func TestAStoreThatGivesNothing(t *testing.T) {
	fri := store.Point{ID: "fri.dump", Size: 10, Digest: promised00, Taken: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)}
	torn := fri
	torn.Wrong = &store.Problem{Store: "b", Reason: "fri.dump.manifest.yaml: not a time"}
	for want, of := range map[string]shelf{
		"read store b: there is no folder /b": {gone: &store.Problem{Store: "b", Reason: "there is no folder /b"}},
		"fri.dump.manifest.yaml: not a time":  {points: []store.Point{torn}},
	} {
		res := drillStore(t, "", nil, of)
		assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%v", res.Verdict.Reasons)
		assert.Equal(t, "backup.unasked", res.Verdict.Reasons[0].ID)
		assert.Contains(t, res.Verdict.Reasons[0].Args["why"], want)
		assert.Empty(t, res.Record.Restores[0].BackupBad)
		assert.Empty(t, res.Record.Boots, "nothing was started")
		assert.NotContains(t, reasons(res.Verdict), "harness.broke")
	}
}

// What this host lacks is refused before a number is taken, and a plan that cannot ask a store says so.
func TestASecretThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	planned := func(yaml string) *Plan {
		file := filepath.Join(t.TempDir(), "s.yaml")
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(yaml, "OBJECTIVES", "", 1)), 0o600))
		s, err := scenarios.Load(file)
		require.NoError(t, err)
		p, err := NewPlan(t.Context(), w.kit(), s)
		require.NoError(t, err)
		return p
	}
	p := planned(strings.Replace(shelved, "image: img", "image: img, env: {A: {env: LIFEBOAT_NOT_SET}, B: {env: LIFEBOAT_NOT_SET}}", 1))
	require.Len(t, p.Refusals, 1)
	assert.Contains(t, p.Refusals[0], "LIFEBOAT_NOT_SET is not set")

	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
			return shelf{gone: &store.Problem{Store: "b", Reason: "there is no folder /b"}}, nil
		}
	}
	p = planned(shelved)
	assert.Empty(t, p.Refusals)
	assert.Equal(t, []string{"list backup a: read store b: there is no folder /b"}, p.Outline().Cannot)
}

// The newest by the time of writing need not be the newest by its name, or by what it says of itself.
func TestNewestByOtherMeans(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	written := func(id string, ago time.Duration) store.Point {
		return store.Point{ID: id, Size: 10, Digest: promised00, Taken: now.Add(-ago)}
	}
	for name, c := range map[string]struct {
		points []store.Point
		made   map[string]string
		want   string
		other  string
	}{
		"by name": {points: []store.Point{written("shop-20261128", 3*time.Hour), written("shop-20261127", time.Hour)},
			want: "point.name_later", other: "shop-20261128"},
		"by content": {points: []store.Point{written("a", 3*time.Hour), written("b", time.Hour)},
			made: map[string]string{"a": "1999-12-31 20:00:00", "b": "1999-12-30 20:00:00 CST"}, want: "point.made_later", other: "a"},
		"by neither": {points: []store.Point{written("shop-20261127", 3*time.Hour), written("shop-20261128", time.Hour)},
			made: map[string]string{"shop-20261127": "1999-12-30 20:00:00", "shop-20261128": "1999-12-31 20:00:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			res := drillShelf(t, "", c.made, c.points...)
			beside := res.Record.RestorePoints[0].Beside
			if c.want == "" {
				assert.Empty(t, beside)
				return
			}
			require.Len(t, beside, 1)
			assert.Equal(t, c.want, beside[0].ID)
			assert.Equal(t, c.other, beside[0].Args["name"])
		})
	}
}
