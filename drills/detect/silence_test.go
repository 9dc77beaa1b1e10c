package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
			s := SilenceOf(time.Second)
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
