package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

func TestSilence(t *testing.T) {
	drop := func(at int) verifier.Sample {
		return verifier.Sample{Start: time.Duration(at) * ms, End: time.Duration(at) * ms, Dropped: 1}
	}
	for name, c := range map[string]struct {
		samples []verifier.Sample
		now     int
		longest int
		since   int // -1: nobody asks now
	}{
		"nothing yet":                          {nil, 9000, 0, -1},
		"only drops":                           {[]verifier.Sample{drop(100), drop(200)}, 9000, 0, -1},
		"all along":                            {[]verifier.Sample{ok(100, 105), ok(600, 605)}, 700, 500, 100},
		"the end counts":                       {[]verifier.Sample{ok(100, 105), ok(200, 205)}, 5205, 5000, -1},
		"drops are silence":                    {[]verifier.Sample{ok(100, 105), drop(900), drop(1800), ok(2100, 2105)}, 2200, 2000, 2100},
		"drops are silence at the end":         {[]verifier.Sample{ok(100, 105), drop(900), drop(1800)}, 1905, 1800, -1},
		"a gap that is allowed":                {[]verifier.Sample{ok(100, 105), ok(1100, 1105)}, 1105, 1000, 100},
		"an iteration that lasts is no gap":    {[]verifier.Sample{ok(100, 3100), ok(600, 3600)}, 3700, 500, 100},
		"one that began before the latest one": {[]verifier.Sample{ok(100, 105), ok(600, 605), bad(200, 1200)}, 1300, 500, 100},
		"a bad one has asked":                  {[]verifier.Sample{ok(100, 105), bad(900, 905)}, 905, 800, 100},
	} {
		t.Run(name, func(t *testing.T) {
			s := SilenceOf(record.Pace{Rate: 2, Blind: time.Second})
			for _, v := range c.samples {
				s.Add(v)
			}
			now := time.Duration(c.now) * ms
			assert.Equal(t, time.Duration(c.longest)*ms, s.Longest(now))
			since, asked := s.Since(now)
			assert.Equal(t, c.since >= 0, asked)
			if asked {
				assert.Equal(t, time.Duration(c.since)*ms, since)
			}
		})
	}
}

// However long an iteration may be waited for, nobody may wait as long to ask.
func TestSilenceOfAPatientPulse(t *testing.T) {
	one := record.Pace{Every: 100 * ms, Timeout: 2 * time.Minute, Request: time.Minute, Blind: 5 * time.Second}
	many := record.Pace{Rate: 10, Timeout: 2 * time.Minute, Request: time.Minute, Blind: 5 * time.Second}
	for name, c := range map[string]struct {
		pace    record.Pace
		samples []verifier.Sample
		now     int
		longest int
		asks    bool
	}{
		"one user waits":                       {one, []verifier.Sample{ok(0, 100), ok(200, 60_200), ok(60_300, 90_000)}, 90_100, 100, true},
		"one user does not begin":              {one, []verifier.Sample{ok(0, 100), ok(60_100, 60_200)}, 60_300, 60_000, true},
		"one user waits longer than it may":    {one, []verifier.Sample{ok(0, 180_000), ok(180_100, 180_200)}, 180_300, 60_100, true},
		"an answer that has not come":          {one, []verifier.Sample{ok(0, 100)}, 100_000, 0, true},
		"an answer that came not in time":      {one, []verifier.Sample{ok(0, 100)}, 130_100, 10_000, false},
		"many begin whether or not they wait":  {many, []verifier.Sample{ok(0, 60_000), ok(30_000, 61_000)}, 61_000, 30_000, true},
		"many hang, and those after them, too": {many, []verifier.Sample{ok(0, 60_000), ok(100, 60_100), ok(200, 60_200)}, 60_300, 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := SilenceOf(c.pace)
			for _, v := range c.samples {
				s.Add(v)
			}
			now := time.Duration(c.now) * ms
			assert.Equal(t, time.Duration(c.longest)*ms, s.Longest(now))
			_, asks := s.Since(now)
			assert.Equal(t, c.asks, asks)
		})
	}
}
