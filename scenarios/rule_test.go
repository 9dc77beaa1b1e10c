package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRule(t *testing.T) {
	good := map[string]Rule{
		"flow.failed > 5% for 5s":        {Metric: MetricFailed, Op: ">", Percent: 5, For: 5 * second},
		"flow.failed >= 100% for 1m":     {Metric: MetricFailed, Op: ">=", Percent: 100, For: minute},
		"  flow.failed  >  0%  for  10s": {Metric: MetricFailed, Op: ">", For: 10 * second},
		"flow.latency > 5s for 10m":      {Metric: MetricLatency, Op: ">", Duration: 5 * second, For: 10 * minute},
	}
	for text, want := range good {
		got, err := ParseRule(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		again, err := ParseRule(got.String())
		require.NoError(t, err, got.String())
		assert.Equal(t, got, again)
	}
	bad := map[string]string{
		"":                            "is not a rule",
		"flow.failed > 5%":            "is not a rule",
		"flow.failed > 5% over 5s":    "is not a rule",
		"flow.failed > 5 for 5s":      "is not a share",
		"flow.failed > 5s for 5s":     "is not a share",
		"flow.latency > 5% for 5s":    "is not a length of time",
		"flow.failed < 5% for 5s":     "is not a comparison",
		"flow.fialed > 5% for 5s":     "is not a metric",
		"flow.failed > 5% for 5":      "is not a length of time",
		"flow.failed > 5% for 0s":     "cannot be 0s",
		"flow.failed >= 0% for 5s":    "is always true",
		"flow.latency >= 0s for 5s":   "is always true",
		"flow.failed > 100% for 5s":   "is never true",
		"flow.failed > 5% for 5s now": "is not a rule",
	}
	for text, want := range bad {
		_, err := ParseRule(text)
		assert.ErrorContains(t, err, want, text)
	}
}

// FuzzParseRule: no panic, and what is read can be written and read again.
func FuzzParseRule(f *testing.F) {
	f.Add("flow.failed > 5% for 5s")
	f.Add("flow.latency >= 1.5s for 1d2h")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again != r {
			t.Fatalf("%q was read as %v and %v (%v)", text, r, again, err)
		}
	})
}

// FuzzScanImports: no panic, and every import stands where it is said to stand.
func FuzzScanImports(f *testing.F) {
	f.Add("import a from './a.js'; /* ` */ open(\"b\"); require(`c`) // '\n'")
	f.Fuzz(func(t *testing.T, text string) {
		for _, im := range scanImports([]byte(text)) {
			if im.pos.Line < 1 || im.pos.Column < 1 || im.pos.Line > len(text)+1 {
				t.Fatalf("%q is said to stand at %v", im.name, im.pos)
			}
		}
	})
}
