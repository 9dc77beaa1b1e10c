package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// A check that had no answer only because of the host is no proof that the system was not restored.
func TestExcusedCheckIsNotNotRestored(t *testing.T) {
	t.Parallel()
	s := good(record.TriggerFault)
	s.limit("restored", 100*time.Second)
	edit(s, func(c *record.CheckResult) {
		if c.Name == "port" && c.When == "after" {
			c.Status, c.Overdue = record.CheckFailed, overdue(120*sec, 131*sec, 10*sec)
		}
	})
	pressed(s, 120*sec, 135*sec, sec/2, 0)
	v := s.judge(t)
	spoken(t, v)
	assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
	assert.Contains(t, ids(v), "host.slow_check")
}

// A red stretch that the host explains does not move the moment from which the business stayed green, and so miss an
// objective; one that it does not explain does.
func TestExcusedRedMovesNoClock(t *testing.T) {
	t.Parallel()
	hiccup := func(name string, late int, held time.Duration, limit time.Duration) *story {
		s := good(record.TriggerFault)
		s.h.LatencyLimit = sec
		s.limit(name, limit)
		s.edge("red", 99*sec, 100*sec)
		s.add(103*sec, record.KindPulse, record.Subject{}, record.PulseEvent{State: "green", At: bracket(102*sec, 103*sec),
			Red: &record.RedFacts{From: 99 * sec, To: 102 * sec, Bad: 3, Late: late}})
		pressed(s, 95*sec, 105*sec, held, 0)
		return s
	}
	for name, tc := range map[string]struct {
		story  *story
		status record.Status
		reason string
	}{
		"the host's":                    {hiccup("business_back", 3, sec, 60*sec), unknown, "host.slow_objective"},
		"the host's, but missed before": {hiccup("business_back", 3, sec, 20*sec), failed, "objective.missed"},
		"an answer":                     {hiccup("business_back", 2, sec, 60*sec), failed, "objective.missed"},
		"of a quiet host":               {hiccup("business_back", 3, sec/10, 60*sec), failed, "objective.missed"},
		"the limit is held":             {hiccup("business_back", 3, sec, 80*sec), passed, "passed.all"},
		"restored":                      {hiccup("restored", 3, sec, 80*sec), unknown, "host.slow_objective"},
		"restored, too late anyhow":     {hiccup("restored", 3, sec, 30*sec), failed, "objective.missed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tc.story.judge(t)
			spoken(t, v)
			assert.Equal(t, tc.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), tc.reason)
		})
	}
}
