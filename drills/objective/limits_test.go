package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// TestLimitsOfARestorePoint: what is promised of sizes and of retention is held to, what nobody could ask is not known, and rung 0 is
// only reached where all of it held.
func TestLimitsOfARestorePoint(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	listed := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		limit  record.BackupLimit
		point  record.RestorePoint // its size, and what lies there
		status record.Status
		why    string
	}{
		"large enough":               {record.BackupLimit{MinSize: 100}, record.RestorePoint{Size: 100}, record.StatusPassed, ""},
		"too small":                  {record.BackupLimit{MinSize: 100}, record.RestorePoint{Size: 99}, record.StatusFailed, "limit.small"},
		"of no size":                 {record.BackupLimit{MinSize: 100}, record.RestorePoint{}, record.StatusInconclusive, "limit.unsized"},
		"shrunk by as much":          {record.BackupLimit{Shrink: 30, Before: []int64{5, 100, 1000}}, record.RestorePoint{Size: 70}, record.StatusPassed, ""},
		"shrunk by more":             {record.BackupLimit{Shrink: 30, Before: []int64{5, 100, 1000}}, record.RestorePoint{Size: 69}, record.StatusFailed, "limit.shrunk"},
		"the first of all":           {record.BackupLimit{Shrink: 30}, record.RestorePoint{Size: 1}, record.StatusPassed, ""},
		"shrunk, of no size":         {record.BackupLimit{Shrink: 30}, record.RestorePoint{}, record.StatusInconclusive, "limit.unsized"},
		"as many":                    {record.BackupLimit{Keep: 7}, record.RestorePoint{Lies: 7}, record.StatusPassed, ""},
		"fewer":                      {record.BackupLimit{Keep: 7}, record.RestorePoint{Lies: 6}, record.StatusFailed, "limit.few"},
		"nobody counted":             {record.BackupLimit{Keep: 7}, record.RestorePoint{}, record.StatusInconclusive, "limit.unlisted"},
		"old enough":                 {record.BackupLimit{Oldest: 30 * day}, record.RestorePoint{Lies: 1, Oldest: listed.Add(-30 * day), Listed: listed}, record.StatusPassed, ""},
		"none so old":                {record.BackupLimit{Oldest: 30 * day}, record.RestorePoint{Lies: 9, Oldest: listed.Add(-29 * day), Listed: listed}, record.StatusFailed, "limit.no_old"},
		"of tomorrow":                {record.BackupLimit{Oldest: time.Hour}, record.RestorePoint{Lies: 9, Oldest: listed.Add(day), Listed: listed}, record.StatusFailed, "limit.no_old"},
		"one that tells no time":     {record.BackupLimit{Oldest: day}, record.RestorePoint{Lies: 9, Listed: listed}, record.StatusInconclusive, "limit.unlisted"},
		"nobody looked at it at all": {record.BackupLimit{Backup: "gone", Keep: 1}, record.RestorePoint{}, record.StatusInconclusive, "limit.unmeasured"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := checkRun()
			edit(s, func(p *record.RestorePoint) {
				p.Size, p.Lies, p.Oldest, p.Listed = c.point.Size, c.point.Lies, c.point.Oldest, c.point.Listed
				if c.limit.Backup == "" {
					c.limit.Backup = p.Backup
				}
			})
			s.h.Limits = []record.BackupLimit{c.limit}
			r := s.record(t)
			v := Judge(r)
			assert.Equal(t, c.status, v.Status, "%+v", v.Reasons)
			if c.why != "" {
				assert.Equal(t, c.why, v.Reasons[0].ID)
			}
			want := map[record.Status]RungState{record.StatusPassed: RungReached, record.StatusFailed: RungFailed, record.StatusInconclusive: RungUnasked}
			assert.Equal(t, want[c.status], Ladder(r)[0].State)
			if c.status != record.StatusPassed {
				assert.Equal(t, -1, Highest(Ladder(r)), "it caps the ladder")
			}
		})
	}
	s := checkRun()
	edit(s, func(p *record.RestorePoint) {
		p.Size, s.h.Limits = 1, []record.BackupLimit{{Backup: p.Backup, Shrink: 30}}
	})
	assert.Contains(t, Judge(s.record(t)).Observations, record.Observation{ID: "limit.no_size_before", Args: args{"backup": s.h.Limits[0].Backup}},
		"that there are none yet is said")
}
