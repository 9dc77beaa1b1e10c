package evidence_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

func TestProgramme(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	ago := func(days int, v record.Status) evidence.Run {
		return evidence.Run{ID: "d", Series: "shop", Scenario: "s", Started: now.AddDate(0, 0, -days), Verdict: v}
	}
	p, err := evidence.ParseProgramme([]byte("programme: 2026\ndrills:\n- {name: a, series: shop, every: 90d, by: ops}\n"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		runs []evidence.Run
		want string
	}{
		"nothing":              {nil, evidence.DutyNever},
		"it never passed":      {[]evidence.Run{ago(3, record.StatusFailed)}, evidence.DutyNever},
		"another series":       {[]evidence.Run{{Series: "else", Started: now.AddDate(0, 0, -1), Verdict: record.StatusPassed}}, evidence.DutyNever},
		"a night of that name": {[]evidence.Run{{Series: "shop", Catalogue: "shop", Started: now.AddDate(0, 0, -1), Verdict: record.StatusPassed}}, evidence.DutyNever},
		"lately":               {[]evidence.Run{ago(3, record.StatusPassed), ago(200, record.StatusFailed)}, evidence.DutyDone},
		"on the last day":      {[]evidence.Run{ago(90, record.StatusPassed)}, evidence.DutySoon},
		"a day too late":       {[]evidence.Run{ago(91, record.StatusPassed)}, evidence.DutyOverdue},
		"too late, and failed": {[]evidence.Run{ago(91, record.StatusPassed), ago(1, record.StatusFailed)}, evidence.DutyOverdue},
		"failed since":         {[]evidence.Run{ago(1, record.StatusFailed), ago(3, record.StatusPassed)}, evidence.DutyFailed},
		"nobody knows since":   {[]evidence.Run{ago(3, record.StatusPassed), ago(1, record.StatusInconclusive)}, evidence.DutyDone},
		"passed in the future": {[]evidence.Run{ago(-1, record.StatusPassed)}, evidence.DutyNever},
	} {
		assert.Equal(t, c.want, p.Stand(c.runs, now)[0].State, name)
	}
	for text, want := range map[string]string{
		"programme: p\ndrills: []":                                                                 "there is none",
		"programme: p\ndrills: [{name: a, every: 1d}]":                                             "one of series, scenario and catalogue",
		"programme: p\ndrills: [{name: a, series: s, scenario: c, every: 1d}]":                     "one of series, scenario and catalogue",
		"programme: p\ndrills: [{name: a, series: s, catalogue: c, every: 1d}]":                    "one of series, scenario and catalogue",
		"programme: p\ndrills: [{name: a, scenario: s, catalogue: c, every: 1d}]":                  "one of series, scenario and catalogue",
		"programme: p\ndrills: [{name: a, series: s, every: often}]":                               "every: write a length of time",
		"programme: p\ndrills: [{name: a, series: s, every: 1d, soon: 2d}]":                        "soon: write",
		"programme: p\ndrills: [{series: s, every: 1d}]":                                           "name is missing",
		"programme: p\ndrills: [{name: a, series: s, every: 1d, hwo: x}]":                          "hwo",
		"programme: p\ndrills: [{name: a, series: s, every: 1d}, {name: a, series: t, every: 1d}]": "stands there twice",
		"drills: [{name: a, series: s, every: 1d}]":                                                "it has no name",
		"programme: p\ndrills: [{name: a, series: s, every: 1d}]\n---\nmore: true":                 "a second document",
		"": "it is empty",
	} {
		_, err := evidence.ParseProgramme([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}
