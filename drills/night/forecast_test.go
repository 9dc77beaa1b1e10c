package night

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// series of nights, one a day: took gives the seconds of each.
func series(n int, took func(i int, lot *rand.Rand) float64) (all []Sample) {
	lot := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)
	for i := range n {
		all = append(all, Sample{start.AddDate(0, 0, i), time.Duration(took(i, lot) * float64(time.Second))})
	}
	return all
}

// TestForesee: a growth that is known is found, with the day; what may be no growth is said to be not known.
func TestForesee(t *testing.T) {
	t.Parallel()
	growth := func(noise float64) func(int, *rand.Rand) float64 {
		return func(i int, lot *rand.Rand) float64 { return 300 + 2*float64(i) + noise*lot.NormFloat64() }
	}
	for name, c := range map[string]struct {
		samples []Sample
		limit   time.Duration
		says    string
		day     int // of the series, at which the limit is exceeded
		within  int // days, for that
	}{
		"none":                      {nil, time.Hour, ForecastFew, 0, 0},
		"seven":                     {series(7, growth(0)), time.Hour, ForecastFew, 0, 0},
		"two weeks less a day":      {series(14, growth(0)), 10 * time.Minute, ForecastFew, 0, 0},
		"growing":                   {series(30, growth(0)), 10 * time.Minute, ForecastExceeds, 150, 0},
		"growing, with noise":       {series(60, growth(10)), 10 * time.Minute, ForecastExceeds, 150, 20},
		"growing, not soon":         {series(30, growth(0)), time.Hour, ForecastFar, 1650, 0},
		"growing, without a limit":  {series(30, growth(0)), 0, ForecastNoLimit, 0, 0},
		"growing, beyond it":        {series(30, growth(0)), 5 * time.Minute, ForecastExceeded, 0, 0},
		"always the same":           {series(30, func(int, *rand.Rand) float64 { return 300 }), 10 * time.Minute, ForecastLevel, 0, 0},
		"noise":                     {series(60, func(_ int, lot *rand.Rand) float64 { return 300 + 30*lot.NormFloat64() }), 10 * time.Minute, ForecastLevel, 0, 0},
		"falling":                   {series(30, func(i int, _ *rand.Rand) float64 { return 300 - float64(i) }), 10 * time.Minute, ForecastFalling, 0, 0},
		"a jump":                    {series(30, func(i int, lot *rand.Rand) float64 { return 300 + 100*float64(i/15) + lot.NormFloat64() }), 10 * time.Minute, ForecastStep, 0, 0},
		"growing, and busy nights":  {series(30, func(i int, lot *rand.Rand) float64 { return growth(1)(i, lot) + 900*float64((i%7)/6) }), 10 * time.Minute, ForecastExceeds, 150, 20},
		"the same, and busy nights": {series(30, func(i int, lot *rand.Rand) float64 { return 300 + lot.NormFloat64() + 200*float64((i%7)/6) }), 10 * time.Minute, ForecastLevel, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.samples)
			f := Foresee(c.samples, c.limit)
			assert.Equal(t, c.says, f.Says, "%+v", f)
			assert.Equal(t, before, c.samples)
			if c.day == 0 {
				assert.Zero(t, f.Exceeds)
				return
			}
			want := c.samples[0].At.AddDate(0, 0, c.day)
			assert.InDelta(t, 0, f.Exceeds.Sub(want).Hours()/24, float64(c.within)+0.1, "%s", f.Exceeds)
			assert.False(t, f.Earliest.After(f.Exceeds) || f.Latest.Before(f.Exceeds), "%+v", f)
			if c.within > 0 {
				assert.True(t, f.Earliest.Before(want) && f.Latest.After(want), "the day is within %s and %s", f.Earliest, f.Latest)
			}
		})
	}
}

// TestForeseen: of one backup, the newest restore points, the host of last, whatever the verdict.
func TestForeseen(t *testing.T) {
	t.Parallel()
	var nights []*Night
	for i, s := range series(30, func(i int, _ *rand.Rand) float64 { return 300 + 2*float64(i) }) {
		p := proof("a", record.StatusPassed)
		if i%2 == 0 {
			p.Status = record.StatusFailed
		}
		p.Started, p.Recovery, p.Limit = s.At, s.Took, 10*time.Minute
		older, other, rests := p, p, p
		older.Older, older.Recovery = true, time.Hour
		other.Backup, other.Recovery = "b", time.Hour
		rests.Skipped, rests.Rests, rests.Recovery = Unchanged, &p, time.Hour
		nights = append(nights, &Night{Header: Header{Host: "one"}, Proofs: []Proof{p, older, other, rests}})
	}
	f := Foreseen("a", nights)
	require.Equal(t, ForecastExceeds, f.Says)
	assert.Equal(t, 30, f.Proofs)
	for _, n := range nights[:20] {
		n.Host = "two"
	}
	assert.Equal(t, 10, Foreseen("a", nights).Proofs, "another host is no growth")
	assert.Equal(t, ForecastFew, Foreseen("c", nights).Says)
}

// TestTimesOfAProof are those that its limit is about.
func TestTimesOfAProof(t *testing.T) {
	t.Parallel()
	took, limit := 90*time.Second, 10*time.Minute
	r := &record.Record{Restores: []record.RestoreFact{{Restored: record.Restored{Backup: "a", Bytes: 3000, Started: time.Second, Ended: 31 * time.Second}}}}
	v := record.Verdict{Status: record.StatusPassed, Objectives: []record.Judged{{Name: "age"}, {Name: "boot", Measured: &took, Limit: limit}}}
	p := ProofOf(Planned{Backup: "a"}, r, v)
	assert.Equal(t, []any{took, limit, 30 * time.Second, int64(3000)}, []any{p.Recovery, p.Limit, p.Restoring, p.Bytes})
	assert.Zero(t, ProofOf(Planned{Backup: "a"}, r, record.Verdict{}).Recovery)
}
