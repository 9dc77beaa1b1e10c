package drills

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// TestWhatLiesInTheStore: a drill writes down what its store lists beside the restore point, and what that is held to.
func TestWhatLiesInTheStore(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of synctest
	point := func(id string, ago time.Duration) store.Point {
		return store.Point{ID: id, Size: 10, Digest: promised00, Taken: now.Add(-ago)}
	}
	part := store.Point{ID: "part", Taken: now.Add(-99 * time.Hour), Unusable: store.Partial}
	for name, c := range map[string]struct {
		limits string
		points []store.Point
		status record.Status
	}{
		"kept":                     {"retention: {keep: 2, oldest: 48h}", []store.Point{point("a", 48*time.Hour), point("b", time.Hour)}, record.StatusPassed},
		"what is partial is none":  {"retention: {keep: 2}", []store.Point{part, point("b", time.Hour)}, record.StatusFailed},
		"nor is it old":            {"retention: {oldest: 48h}", []store.Point{part, point("b", time.Hour)}, record.StatusFailed},
		"one tells no time":        {"retention: {oldest: 48h}", []store.Point{{ID: "a", Size: 10}, point("b", time.Hour)}, record.StatusInconclusive},
		"large enough":             {"min_size: 10B", []store.Point{point("b", time.Hour)}, record.StatusPassed},
		"too small":                {"min_size: 11B", []store.Point{point("b", time.Hour)}, record.StatusFailed},
		"nothing before it so far": {"shrink: 30%", []store.Point{point("b", time.Hour)}, record.StatusPassed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.made = now.Add(-time.Hour).Format(time.DateTime)
			w.change = func(k *Kit) {
				k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
					return shelf{points: c.points}, nil
				}
			}
			res := w.run(strings.NewReplacer("OBJECTIVES", "", "timezone: UTC", "timezone: UTC, "+c.limits).Replace(shelved))
			assert.Equal(t, c.status, res.Verdict.Status, "%v", res.Verdict.Reasons)
			require.Len(t, res.Record.Header.Limits, 1)
		})
	}
}

// TestAgeOfWhatCannotBeRestored: its beginning says when it was made, so that it was found and fresh, and is bad.
func TestAgeOfWhatCannotBeRestored(t *testing.T) {
	w := newWorld(t)
	w.load = func(int) error { return &restore.BackupError{Backup: "a", Reason: "it ends in the middle"} }
	w.change = func(k *Kit) {
		k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return dating{fakeLoader{w}, map[string]string{"p1": "1999-12-31 23:00:00"}}, nil
		}
	}
	res := w.run(strings.Replace(shelved, "OBJECTIVES", "", 1))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Equal(t, objective.RungReached, objective.Ladder(res.Record)[0].State)
	assert.Equal(t, time.Hour, res.Record.RestorePoints[0].Age)
}
