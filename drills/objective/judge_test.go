package objective

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

const (
	passed  = record.StatusPassed
	failed  = record.StatusFailed
	unknown = record.StatusInconclusive
)

func afterChecks(change func(*record.CheckResult)) func(*story) {
	return func(s *story) {
		edit(s, func(c *record.CheckResult) {
			if c.When == "after" && c.Name == "rows" {
				change(c)
			}
		})
	}
}

func isAfter(l line) bool {
	c, ok := l.data.(record.CheckResult)
	return ok && c.When == "after"
}

func isPulse(l line) bool { return l.kind == record.KindPulse }

func isState(state string) func(line) bool {
	return func(l line) bool {
		p, ok := l.data.(record.PulseEvent)
		return ok && p.State == state
	}
}

func harness(at time.Duration) func(*story) {
	return func(s *story) {
		s.add(at, record.KindHarness, record.Subject{}, record.HarnessError{Phase: "verify", Error: "the engine is gone"})
	}
}

// stumble is an error of the harness's while it cleans up.
func stumble(s *story) {
	s.add(180*sec+sec/2, record.KindHarness, record.Subject{}, record.HarnessError{Phase: record.PhaseCleanup,
		Error: "read egress: the engine is busy"})
}

// control is the outcome of a negative control.
func control(s *story, id string) {
	s.add(sec, record.KindObservation, record.Subject{}, record.Observation{ID: id, Args: map[string]string{"flows": "home"}})
}

// neverBack: the rollback restores nothing; the business stays red to the end.
func neverBack(s *story) {
	green := 0
	s.drop(func(l line) bool {
		if isState("green")(l) {
			green++
		}
		return isState("green")(l) && green > 1
	})
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range append(casesOfEvidence(), casesOfTheRun()...) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := good(c.trigger)
			if c.bend != nil {
				c.bend(s)
			}
			v := s.judge(t)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
			if c.status == failed || c.status == unknown {
				assert.Equal(t, c.status, v.Reasons[0].Status, "the first reason says why")
			}
		})
	}
}

func TestVerdictOfACheckRun(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		bend   func(*story)
		status record.Status
		reason string
	}{
		{"all good", func(*story) {}, passed, "passed.check_run"},
		{"a check failed", func(s *story) {
			edit(s, func(c *record.CheckResult) { c.Status = record.CheckFailed })
		}, failed, "check.failed"},
		{"a check skipped", func(s *story) {
			edit(s, func(c *record.CheckResult) { c.Status = record.CheckSkipped })
		}, unknown, "check.skipped"},
		{"nothing asked", func(s *story) { s.drop(kind(record.KindCheck)) }, unknown, "check.missing"},
		{"red after a green baseline, and green again", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 30*sec, 31*sec).edge("green", 32*sec, 33*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 480, Bad: 20}})
		}, failed, "business.red_again"},
		{"red before its baseline was over, and long after", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 19900*time.Millisecond, 20100*time.Millisecond).edge("green", 49*sec, 50*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 200, Bad: 300}})
		}, failed, "business.red_again"},
		{"red while it came up, within its baseline", func(s *story) {
			s.h.PulseRate = 10
			s.pulseStarts()
			s.edge("red", 12*sec, 13*sec).edge("green", 14*sec, 15*sec)
			s.add(time.Minute, record.KindPulse, record.Subject{}, record.PulseEvent{State: "stopped",
				At: record.At(time.Minute), Totals: record.PulseTotals{Good: 480, Bad: 20}})
		}, passed, "passed.check_run"},
		{"a flow, and no pulse of it", func(s *story) { s.h.PulseRate = 10 }, unknown, "pulse.missing"},
		{"a check takes any page for an answer", func(s *story) { control(s, "flow.hollow") }, passed, "passed.check_run"},
		{"a check takes an error for an answer", func(s *story) { control(s, "flow.blind_errors") }, unknown, "flow.blind_errors"},
		{"too old", func(s *story) { s.limit("age", time.Minute) }, failed, "objective.missed"},
		{"boots too slowly", func(s *story) { s.limit("boot", 3*sec) }, failed, "objective.missed"},
		{"the backup is bad", func(s *story) {
			edit(s, func(r *record.Restored) { r.BackupBad = "empty" })
			s.drop(kind(record.KindBooted))
			s.drop(kind(record.KindCheck))
		}, failed, "backup.bad"},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := checkRun()
			c.bend(s)
			v := s.judge(t)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
			assert.Equal(t, record.StatusNotRun, judged(t, v, "start_rollback").Status, "no incident in a check run")
			assert.Equal(t, c.name == "a check takes any page for an answer", len(v.Weak) > 0, "said beside the verdict")
		})
	}
}
