package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// turned is an upgrade that breaks things, as another flow says: it is red from its first iteration to the rollback.
func turned(more ...line) *story {
	s := good(record.TriggerUpgrade)
	s.h.FlowAfter = "new.js"
	pulse := func(at time.Duration, state record.PulseState, flow string) {
		s.add(at, record.KindPulse, record.Subject{}, record.PulseEvent{State: state, At: record.At(at), Why: flow})
	}
	pulse(35*sec, record.PulseTurns, "new.js")
	pulse(36*sec, record.PulseGoesOn, "")
	pulse(38*sec, record.PulseTurns, "flow.js")
	pulse(39*sec, record.PulseGoesOn, "")
	s.lines = append(s.lines, more...)
	return s
}

func brokenCheck(name string) line {
	return line{37 * sec, record.ActorLifeboat, record.KindCheck, in(1), record.CheckResult{Name: name,
		Layer: record.LayerService, When: record.Broken, Status: record.CheckFailed, Started: 36 * sec, Ended: 37 * sec}}
}

// A flow that nobody ever saw green proves no outage; another witness does.
func TestFlowThatIsNeverGreen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		s       *story
		status  record.Status
		reasons []string
	}{
		"never green": {turned(), unknown, []string{"flow.never_green"}},
		"green, then red": {turned().edge("green", 36*sec, 36*sec+100*time.Millisecond).edge("red", 36500*time.Millisecond, 37*sec),
			passed, []string{"passed.all"}},
		"never green, as a check that was good": {turned(brokenCheck("port")), passed, []string{"passed.all"}},
		"as a check that nobody asked before":   {turned(brokenCheck("health")), unknown, []string{"flow.never_green"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tc.s.judge(t)
			assert.Equal(t, tc.status, v.Status, "%v", v.Reasons)
			assert.Equal(t, tc.reasons, ids(v))
		})
	}
}

// What it was red for is no outage for sure, and what it is red for at the end no business that is down.
func TestRedOfAFlowThatIsNeverGreen(t *testing.T) {
	t.Parallel()
	s := turned()
	s.limit("outage", 30*sec) // 30.7 s at least, of which the flow that is never green saw 2
	v := s.judge(t)
	assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
	assert.Contains(t, ids(v), "objective.across")
	assert.Equal(t, 28700*time.Millisecond, v.Outage.Sum.Lower)

	s = turned()
	s.drop(func(l line) bool {
		return l.kind == record.KindRollback || l.at > 37*sec && l.at < 170*sec && (l.kind == record.KindPulse || l.kind == record.KindBooted)
	})
	edit(s, func(d *record.Decision) { d.Outcome = record.GoOnWatching })
	v = s.judge(t)
	assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
	assert.Subset(t, ids(v), []string{"flow.never_green", "business.red_at_end"})
}
