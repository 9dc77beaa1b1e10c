package drills

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// carries is a driver on whose engine the image carries an id.
type carries struct {
	instance.Driver
	id string
}

func (c carries) ImageID(context.Context, string) (string, error) {
	if c.id == "" {
		return "", errors.New("no such image")
	}
	return c.id, nil
}

// ages is a check whose answer passes with time.
type ages struct{ verifier.Check }

func (ages) Ages() bool { return true }

// TestUnchanged: a proof of the past speaks for a backup only while nothing of what it was made of is another one, and it would pass
// by now.
func TestUnchanged(t *testing.T) {
	w := newWorld(t)
	w.made = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Hour).Format(time.DateTime)
	res := w.run(strings.Replace(shelved, "OBJECTIVES", "objectives: {age: 26h}", 1))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, res.Verdict.Reasons)
	for i := range res.Record.Boots {
		res.Record.Boots[i].ImageID = "sha256:one"
	}
	started := res.Record.Header.Started
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(shelved, "OBJECTIVES", "objectives: {age: 26h}", 1)), 0o600))

	type now struct {
		id    string
		after time.Duration
		plan  func(p *Plan, b *BackupPlan)
		past  func(r *record.Record)
	}
	for name, c := range map[string]struct {
		bend func(n *now)
		want bool
	}{
		"nothing":                  {func(*now) {}, true},
		"another image":            {func(n *now) { n.id = "sha256:two" }, false},
		"no image":                 {func(n *now) { n.id = "" }, false},
		"nobody knows which image": {func(n *now) { n.past = func(r *record.Record) { r.Boots[0].ImageID = "" } }, false},
		"it was not booted":        {func(n *now) { n.past = func(r *record.Record) { r.Boots = nil } }, false},
		"another restore point":    {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.ID = "p2" } }, false},
		"another size":             {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Size++ } }, false},
		"written again": {func(n *now) {
			n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Taken = b.Point.Taken.Add(time.Nanosecond) }
		}, false},
		"its store tells no time": {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Taken = time.Time{} } }, false},
		"another promise":         {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Digest.Value = "01" } }, false},
		"no promise":              {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Digest = record.Digest{} } }, false},
		"a doubt":                 {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Doubt = "two digests" } }, false},
		"a folder":                {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Point.Dir = true } }, false},
		"consistent to another moment": {func(n *now) {
			n.plan = func(_ *Plan, b *BackupPlan) { b.Point.ConsistentTo = started }
		}, false},
		"a newer one that is not whole": {func(n *now) {
			n.plan = func(_ *Plan, b *BackupPlan) { b.Beside = []record.Observation{{ID: "point.skipped"}} }
		}, false},
		"nothing lies there":    {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.Missing = &record.Missing{} } }, false},
		"the host refuses":      {func(n *now) { n.plan = func(p *Plan, _ *BackupPlan) { p.Refusals = []string{"no"} } }, false},
		"something is prepared": {func(n *now) { n.plan = func(p *Plan, _ *BackupPlan) { p.Scenario.Prepare = make([]scenarios.Step, 1) } }, false},
		"young enough by now":   {func(n *now) { n.after = 24 * time.Hour }, true},
		"too old by now":        {func(n *now) { n.after = 26 * time.Hour }, false},
		"it did not pass":       {func(n *now) { n.past = func(r *record.Record) { r.Checks[0].Status = record.CheckFailed } }, false},
		"a profile beside it":   {func(n *now) { n.plan = func(_ *Plan, b *BackupPlan) { b.profile.digest = "sha256:new" } }, false},
		"a profile is gone":     {func(n *now) { n.past = func(r *record.Record) { r.RestorePoints[0].Profile = "sha256:old" } }, false},
		"fewer lie there": {func(n *now) {
			n.past = func(r *record.Record) { r.Header.Limits = []record.BackupLimit{{Backup: "a", Keep: 2}} }
		}, false},
		"a question of what time it is": {func(n *now) {
			n.plan = func(p *Plan, _ *BackupPlan) { p.Checks[0].Check = ages{p.Checks[0].Check} }
		}, false},
		"another backup's proof": {func(n *now) { n.past = func(r *record.Record) { r.RestorePoints[0].Backup = "b" } }, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := now{id: "sha256:one"}
			c.bend(&n)
			w.change = func(k *Kit) {
				plain := k.Instances["fake"].New
				k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
					d, err := plain(s)
					return carries{d, n.id}, err
				})
				k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return fakeStore{}, nil }
			}
			s, err := scenarios.Load(file)
			require.NoError(t, err)
			past := *res.Record
			past.Boots, past.Checks = append([]record.BootFact{}, past.Boots...), append([]record.CheckResult{}, past.Checks...)
			past.RestorePoints = append([]record.RestorePoint{}, past.RestorePoints...)
			if n.past != nil {
				n.past(&past)
			}
			synctest.Test(t, func(t *testing.T) {
				p, err := NewPlan(t.Context(), w.kit(), s)
				require.NoError(t, err)
				if n.plan != nil {
					n.plan(p, p.Backups["a"])
				}
				assert.Equal(t, c.want, Unchanged(t.Context(), w.kit(), p, &past, started.Add(n.after)))
			})
		})
	}
}
