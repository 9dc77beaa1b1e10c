package evidence

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// A night that rests on what is too old by then ends no gap.
func TestGapOfOldProofs(t *testing.T) {
	t.Parallel()
	p, err := ParseProgramme([]byte("programme: p\ndrills: [{name: n, catalogue: c, every: 30d}]\n"))
	require.NoError(t, err)
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	night := func(id string, at, since int) Run {
		return Run{ID: id, Catalogue: "c", Started: day(at), Since: day(since), Verdict: record.StatusPassed}
	}
	d := p.Drills[0].against([]Run{night("whole", 5, 5), night("old", 40, 5), night("mended", 50, 45)}, day(0), day(60))
	assert.Equal(t, []Gap{{From: day(35), To: day(50), Runs: []string{"old"}}}, d.Gaps)
	assert.Equal(t, []int{3, 2}, []int{d.Runs, d.Passed})
	assert.Equal(t, day(75), d.Due)
}
