package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/record"
)

// TestGateOf: the latest drill of a restore point that passed or failed counts, and none that passed speaks over one that cannot be read.
func TestGateOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	of := func(verdict record.Status, digest string, ago time.Duration) drills.Past {
		return drills.Past{Drill: digest, Verdict: verdict, Started: now.Add(-ago)}
	}
	bad := drills.Past{Drill: "bad", Error: "line 7 was changed"}
	passed, failed, none := record.StatusPassed, record.StatusFailed, record.StatusNotRun
	restores := map[string]record.Restored{"in part": {Part: &record.Part{Only: "app"}}, "of another in part": {Backup: "other",
		Part: &record.Part{Only: "app"}}}
	for name, c := range map[string]struct {
		past   []drills.Past
		want   record.Status
		unread bool
	}{
		"in part":                 {[]drills.Past{of(passed, "a", time.Hour)}, none, false},
		"of another in part":      {[]drills.Past{of(passed, "a", time.Hour)}, passed, false},
		"passed":                  {[]drills.Past{of(passed, "a", time.Hour)}, passed, false},
		"failed since":            {[]drills.Past{of(passed, "a", 2*time.Hour), of(failed, "a", time.Hour)}, failed, false},
		"nobody knows since":      {[]drills.Past{of(passed, "a", 2*time.Hour), of(record.StatusInconclusive, "a", time.Hour)}, passed, false},
		"too old":                 {[]drills.Past{of(passed, "a", 30*time.Hour)}, none, false},
		"of another":              {[]drills.Past{of(passed, "b", time.Hour)}, none, false},
		"of the future":           {[]drills.Past{of(passed, "a", -time.Hour)}, none, false},
		"failed before it":        {[]drills.Past{of(failed, "a", time.Hour), of(passed, "a", -time.Hour)}, failed, false},
		"one that cannot be read": {[]drills.Past{of(passed, "a", 2*time.Hour), bad}, passed, true},
		"and a proof after it":    {[]drills.Past{bad, of(passed, "a", time.Hour)}, passed, false},
		"none, and one unread":    {[]drills.Past{bad}, none, false},
	} {
		left := c.past // a drill is judged in the order in which it is asked for, and named by the digest of its restore point
		got, unread, err := gateOf("a", c.past, now.Add(-26*time.Hour), now, func(drill string) (*record.Record, record.Verdict, error) {
			for len(left) > 0 {
				p := left[len(left)-1]
				left = left[:len(left)-1]
				if p.Drill == drill && (p.Verdict == passed || p.Verdict == failed) {
					return &record.Record{Header: record.Header{Started: p.Started}, RestorePoints: []record.RestorePoint{{Digest: drill}},
						Restores: []record.RestoreFact{{Restored: restores[name]}}}, record.Verdict{Status: p.Verdict}, nil
				}
			}
			return nil, record.Verdict{}, errors.New("it is not asked for")
		})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got.Verdict, name)
		assert.Equal(t, c.unread, len(unread) > 0, name)
	}
}

// TestBlames: a drill of two backups that failed by one of them says nothing of the other; where it is not said by which, by both.
func TestBlames(t *testing.T) {
	t.Parallel()
	r := &record.Record{RestorePoints: []record.RestorePoint{{Backup: "db", Digest: "a"}, {Backup: "app", Digest: "b"}}}
	of := func(backups ...string) (v record.Verdict) {
		for _, b := range backups {
			v.Reasons = append(v.Reasons, record.Reason{ID: "backup.bad", Status: record.StatusFailed, Args: map[string]string{"backup": b}})
		}
		return v
	}
	assert.True(t, blames(r, of("db"), "a"))
	assert.False(t, blames(r, of("app"), "a"))
	assert.True(t, blames(r, of("app, db"), "a"))
	assert.True(t, blames(r, of("app", ""), "a"))
	assert.True(t, blames(r, of(), "a"))
}
