package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// What is called good is a mistake unless its kind of defect is named, and cannot be seen with what the column has.
func TestMarks(t *testing.T) {
	t.Parallel()
	const kind = "constraints"
	yes := outcome{Status: record.StatusPassed}
	told := outcome{Status: record.StatusPassed, Unseen: []string{"triggers", kind}}
	bad := outcome{Status: record.StatusFailed, At: objective.RungContent}
	unsure := outcome{Status: record.StatusInconclusive, At: objective.RungRead}
	for name, tc := range map[string]struct {
		label *label
		in    column
		said  outcome
		want  mark
	}{
		"a good one":                            {nil, bare, yes, good},
		"a good one, failed":                    {nil, bare, bad, alarm},
		"a good one, not proved":                {nil, bare, unsure, alarm},
		"a broken one":                          {at(objective.RungContent), bare, bad, caught},
		"passed":                                {at(objective.RungContent), bare, yes, passed},
		"passed, and its kind is named":         {at(objective.RungContent), bare, told, passed},
		"caught elsewhere":                      {at(objective.RungRead), bare, bad, astray},
		"not proved, where that is right":       {doubtAt(objective.RungRead), bare, unsure, caught},
		"not proved, where it is bad":           {at(objective.RungRead), bare, unsure, astray},
		"not dated but by its profile":          {doubtAt(objective.RungFound), profiled, unsure, caught},
		"not dated":                             {doubtAt(objective.RungFound), bare, unsure, astray},
		"failed, where nobody can know":         {doubtAt(objective.RungContent), bare, bad, astray},
		"it needs more, named":                  {content(kind, rule), bare, told, named},
		"it needs more, not named":              {content(kind, rule), bare, yes, passed},
		"it needs more, caught":                 {content(kind, profile), bare, bad, caught},
		"it needs a rule, and there are some":   {content(kind, rule), rules, told, passed},
		"it needs a rule, and there are none":   {content(kind, rule), lastTime, told, named},
		"a profile shows what a rule does":      {content(kind, rule), profiled, told, passed},
		"a profile shows what the last one did": {content(kind, lastSeen), profiled, told, passed},
		"a rule shows no structure":             {content(kind, lastSeen), rules, told, named},
	} {
		assert.Equal(t, tc.want, item{label: tc.label}.marked(tc.in, tc.said), name)
	}
}

// Every item has a name of its own that a catalogue takes, says what was done to it, and where it is caught.
func TestLabels(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for _, i := range shelf() {
		assert.Regexp(t, "^[a-z0-9]+(-[a-z0-9]+)*$", i.name)
		assert.False(t, taken[i.name], i.name)
		taken[i.name] = true
		assert.NotEmpty(t, i.what, i.name)
		if l := i.label; l != nil {
			assert.NotEmpty(t, l.at, i.name)
			assert.Equal(t, slices.Contains(l.needs, nothing), l.unseen == "", "%s: what needs more has a name among what is not looked at", i.name)
		}
	}
}

// The demo's night has backups of every kind that is on the shelf, at least twelve, of which three are broken.
func TestNightly(t *testing.T) {
	t.Parallel()
	kinds, broken := map[string]bool{}, 0
	for _, i := range shelf() {
		if !slices.Contains(nightly, i.name) {
			continue
		}
		if kinds[i.shape.name] = true; i.label != nil {
			broken++
		}
	}
	for _, i := range shelf() {
		assert.True(t, kinds[i.shape.name], i.shape.name)
	}
	assert.GreaterOrEqual(t, len(nightly), 12)
	assert.Equal(t, 3, broken)
}
