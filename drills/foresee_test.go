package drills

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// measuring is a loader of a backup with an archive beside it.
type measuring struct{ fakeLoader }

func (measuring) Measures() bool           { return true }
func (measuring) Needs() map[string]string { return map[string]string{"wal": "wal"} }

// datingStore is one that can say to which moment its restore points are consistent, and does where it is told to.
type datingStore struct {
	store.Store
	asked bool
}

func (d datingStore) Dates() bool { return d.asked }

// What can only end inconclusive for want of a time is said beforehand, and what a manifest may still say is not said to be certain.
func TestForesee(t *testing.T) {
	now := time.Now()
	limit := func(names ...string) map[string]scenarios.Duration {
		m := map[string]scenarios.Duration{}
		for _, n := range names {
			m[n] = scenarios.Duration(26 * time.Hour)
		}
		return m
	}
	dump := func(b scenarios.Backup) *BackupPlan { return &BackupPlan{Name: "db", Spec: b, Loader: fakeLoader{}} }
	undated := dump(scenarios.Backup{TimeZone: "Asia/Shanghai"})
	undated.undated = true
	zoned := dump(scenarios.Backup{})
	zoned.made = "2026-01-31 02:00:00 UTC"
	image := &BackupPlan{Name: "app", Imager: readyImage{}}
	for name, tc := range map[string]struct {
		objectives map[string]scenarios.Duration
		backups    []*BackupPlan
		listed     bool
		says       string
	}{
		"no objective needs it":        {limit("restored"), []*BackupPlan{dump(scenarios.Backup{})}, true, ""},
		"a dump without a zone":        {limit("age"), []*BackupPlan{dump(scenarios.Backup{})}, true, "age (26h) cannot be measured"},
		"a manifest may say it":        {limit("data_loss"), []*BackupPlan{dump(scenarios.Backup{})}, false, "unless a manifest beside it says so"},
		"the zone of its header":       {limit("age"), []*BackupPlan{dump(scenarios.Backup{TimeZone: "Asia/Shanghai"})}, true, ""},
		"a zone in its header":         {limit("age"), []*BackupPlan{zoned}, true, ""},
		"a zone, and no time in it":    {limit("age"), []*BackupPlan{undated}, true, "put consistent_to: on it"},
		"declared":                     {limit("age"), []*BackupPlan{dump(scenarios.Backup{ConsistentTo: &now})}, true, ""},
		"a manifest says it":           {limit("age"), []*BackupPlan{{Name: "db", Loader: fakeLoader{}, Point: store.Point{ConsistentTo: now}}}, true, ""},
		"an image beside a dated dump": {limit("age"), []*BackupPlan{image, dump(scenarios.Backup{ConsistentTo: &now})}, true, ""},
		"it is measured, and its WAL":  {limit("data_loss"), []*BackupPlan{{Name: "db", Loader: measuring{}}, {Name: "wal", Loader: fakeLoader{}}}, true, ""},
		"its store says it":            {limit("age"), []*BackupPlan{{Name: "db", Loader: fakeLoader{}, Store: datingStore{asked: true}}}, true, ""},
		"its store could say it":       {limit("age"), []*BackupPlan{{Name: "db", Loader: fakeLoader{}, Store: datingStore{}}}, true, "consistent: begun on its store"},
		"images only":                  {limit("age"), []*BackupPlan{image}, true, "no backup says to which moment"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Plan{Scenario: &scenarios.Scenario{Objectives: tc.objectives}, Backups: map[string]*BackupPlan{}}
			for _, b := range tc.backups {
				p.Backups[b.Name] = b
			}
			said := strings.Join(p.foresee(tc.listed), "\n")
			if tc.says == "" {
				assert.Empty(t, said)
				return
			}
			assert.Contains(t, said, tc.says)
			assert.Equal(t, !tc.listed, strings.Contains(said, "unless"))
			assert.NotEmpty(t, p.Outline().Foreseen, "the plan shows it")
		})
	}
}
