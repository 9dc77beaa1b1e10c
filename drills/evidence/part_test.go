package evidence_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
)

// A night of the plan: + proved, p in part, l with something left behind, r unchanged for ten days, - failed, o left out, · planned and never come to.
func nightOf(t *testing.T, home string, at time.Time, plan string) {
	t.Helper()
	h := night.Header{Catalogue: "nightly", File: "/nightly.yaml", Started: at}
	var proofs []night.Proof
	for i, what := range plan {
		p := night.Planned{Backup: string(rune('a' + i))}
		switch what {
		case 'o':
			p.Skipped = "shard"
		case '+':
			proofs = append(proofs, night.Proof{Planned: p, Status: record.StatusPassed, Drill: "d", Started: at})
		case 'p':
			proofs = append(proofs, night.Proof{Planned: p, Status: record.StatusPassed, Drill: "d", Started: at, Part: &record.Part{Only: "x"}})
		case 'r':
			p.Rests = &night.Proof{Planned: p, Status: record.StatusPassed, Drill: "d", Started: at.AddDate(0, 0, -10)}
		case 'l':
			proofs = append(proofs, night.Proof{Planned: p, Status: record.StatusPassed, Drill: "d", Started: at, Left: 1})
		case '-':
			proofs = append(proofs, night.Proof{Planned: p, Status: record.StatusFailed, Drill: "d", Started: at})
		}
		h.Planned = append(h.Planned, p)
	}
	j, _, err := night.Create(home, h)
	require.NoError(t, err)
	for _, p := range proofs {
		require.NoError(t, j.Add(p))
	}
	require.NoError(t, j.Seal())
}

// What proves a part fulfils no duty that asks for the whole: of a backup, or of a catalogue of which others have proved the rest.
func TestPartOfADuty(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		nights []string // one a day, the last one a day ago
		part   bool
		want   string
		days   int // ago, when what was proved was begun to be proved
	}{
		"whole":                              {[]string{"++"}, false, evidence.DutyDone, 1},
		"a backup in part":                   {[]string{"+p"}, false, evidence.DutyNever, 0},
		"which is enough":                    {[]string{"+p"}, true, evidence.DutyDone, 1},
		"one left out":                       {[]string{"+o"}, false, evidence.DutyNever, 0},
		"which is not enough":                {[]string{"+o"}, true, evidence.DutyNever, 0},
		"two shards":                         {[]string{"+o", "o+"}, false, evidence.DutyDone, 2},
		"two shards, one in part":            {[]string{"po", "o+"}, false, evidence.DutyNever, 0},
		"unchanged":                          {[]string{"+r"}, false, evidence.DutyDone, 11},
		"unchanged for too long":             {[]string{"rr", "o+", "+o"}, false, evidence.DutyDone, 2},
		"two shards, one unchanged":          {[]string{"ro", "o+"}, false, evidence.DutyDone, 12},
		"two shards, one left something":     {[]string{"lo", "o+"}, false, evidence.DutyNever, 0},
		"two shards, one failed":             {[]string{"-o", "o+"}, false, evidence.DutyNever, 0},
		"two shards, one failed since":       {[]string{"+o", "o+", "-o"}, false, evidence.DutyFailed, 3},
		"two shards, one never come to":      {[]string{"·o", "o+"}, false, evidence.DutyNever, 0},
		"two shards, mended":                 {[]string{"-o", "o+", "+o"}, false, evidence.DutyDone, 2},
		"whole, and one of it since":         {[]string{"++", "o+"}, false, evidence.DutyDone, 2},
		"whole, and a part of it since":      {[]string{"++", "+p"}, false, evidence.DutyDone, 2},
		"a backup that was added, not asked": {[]string{"+", "+o"}, false, evidence.DutyDone, 2},
	} {
		home := t.TempDir()
		for i, plan := range c.nights {
			nightOf(t, home, now.AddDate(0, 0, i-len(c.nights)), plan)
		}
		text := "programme: p\ndrills:\n- {name: n, catalogue: nightly, every: 30d"
		if c.part {
			text += ", part: true"
		}
		p, err := evidence.ParseProgramme([]byte(text + "}\n"))
		require.NoError(t, err)
		runs, unread := evidence.Nights(home)
		require.NoError(t, unread)
		got := p.Stand(runs, now)[0]
		assert.Equal(t, c.want, got.State, name)
		if c.days > 0 {
			assert.Equal(t, now.AddDate(0, 0, -c.days), got.At.UTC(), name)
		}
	}
	p, err := evidence.ParseProgramme([]byte("programme: p\ndrills:\n- {name: n, series: s, every: 30d}\n"))
	require.NoError(t, err)
	runs := []evidence.Run{{ID: "d", Series: "s", Started: now.AddDate(0, 0, -1), Verdict: record.StatusPassed, Part: true}}
	assert.Equal(t, evidence.DutyNever, p.Stand(runs, now)[0].State)
	assert.Equal(t, "part", p.Stand(runs, now)[0].Verdict)
}
