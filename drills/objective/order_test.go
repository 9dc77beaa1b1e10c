package objective

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

func causes(v record.Verdict) (told, follow []string) {
	for _, r := range v.Reasons {
		if r.Follows {
			follow = append(follow, r.ID)
		} else if !slices.Contains(told, r.ID) {
			told = append(told, r.ID)
		}
	}
	return told, slices.Compact(follow)
}

// The cause is told first, what follows from it is marked, and neither changes the verdict.
func TestReasonsAreOrderedByCause(t *testing.T) {
	t.Parallel()
	silent := func(s *story) {
		s.h.Incidents = []record.IncidentPlan{{ID: 1, Rule: "flow.failed > 5% for 5s", Within: 30 * sec}}
		s.drop(kind(record.KindDetected)).drop(kind(record.KindDecided)).drop(kind(record.KindRollback))
		s.drop(func(l line) bool {
			c, check := l.data.(record.CheckResult)
			p, phase := l.data.(record.PhaseEvent)
			return check && c.When == "after" || phase && slices.Contains([]string{"detect", "decide", "rollback", "verify"}, p.Phase)
		})
		s.add(32*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "detect"})
		s.add(62*sec, record.KindPhase, record.Subject{}, record.PhaseEvent{Phase: "detect", Outcome: record.OutcomeFailed,
			Error: "the rule did not fire"})
	}
	for _, tc := range []struct {
		name         string
		bend         func(*story)
		status       record.Status
		told, follow []string
	}{
		{"the rule never fired, so nothing was asked", silent, unknown, []string{"detect.silent"},
			[]string{"incident.undecided", "objective.unfinished", "check.missing"}},
		{"the journal of old does not say what the rule was", func(s *story) {
			silent(s)
			s.h.Incidents = nil
		}, unknown, []string{"incident.undecided"}, []string{"objective.unfinished", "check.missing"}},
		{"a time that is wanting for a reason of its own", func(s *story) {
			silent(s)
			edit(s, func(p *record.RestorePoint) { p.ConsistentTo = time.Time{} })
		}, unknown, []string{"detect.silent", "objective.not_measured"}, []string{"incident.undecided", "objective.unfinished",
			"check.missing"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := good("fault")
			tc.bend(s)
			v := s.judge(t)
			told, follow := causes(v)
			assert.Equal(t, tc.status, v.Status)
			assert.Equal(t, tc.told, told[:min(len(told), len(tc.told))])
			if tc.follow != nil {
				assert.Equal(t, tc.follow, follow)
			}
		})
	}
}

// Every reason has its place among the causes.
func TestEveryReasonHasACause(t *testing.T) {
	t.Parallel()
	for _, m := range Messages {
		if slices.Contains(m.Uses, UseReason) && !strings.HasPrefix(m.ID, "passed.") {
			assert.Less(t, causeOf(m.ID), len(byCause), "%s: give it a place in byCause (judge.go)", m.ID)
		}
	}
	for _, id := range append(slices.Clone(empty), ending...) {
		assert.True(t, slices.ContainsFunc(Messages, func(m Message) bool { return strings.HasPrefix(m.ID, id) }), id)
	}
}
