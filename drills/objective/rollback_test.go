package objective

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// asked makes a story of a journal that numbers its faults and asks them again.
func asked(again ...record.FaultEvent) *story {
	s := good(record.TriggerFault)
	edit(s, func(f *record.FaultEvent) { f.Index = 1 })
	for _, e := range again {
		e.Kind, e.On, e.Index = "pg-hba-reject", "db", 1
		e.At = record.At(110 * sec)
		s.add(110*sec, record.KindFault, in(1), e)
	}
	return s
}

// What a fault answers after the rollback, and whether the rollback was to remove it, decide.
func TestFaultAskedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		again  []record.FaultEvent
		status record.Status
		reason string
	}{
		"gone":                     {[]record.FaultEvent{{State: "removed", After: 1, Expected: true}}, passed, "passed.all"},
		"gone, and nobody says so": {[]record.FaultEvent{{State: "removed", After: 1}}, unknown, "fault.unclaimed"},
		"still there":              {[]record.FaultEvent{{State: "remains", After: 1, Expected: true}}, failed, "fault.remains"},
		"left":                     {[]record.FaultEvent{{State: "remains", After: 1}}, unknown, "fault.left"},
		"not asked in time":        {[]record.FaultEvent{{State: "unasked", After: 1, Expected: true}}, unknown, "fault.unasked"},
		"an answer of tomorrow":    {[]record.FaultEvent{{State: "perhaps", After: 1, Expected: true}}, unknown, "fault.unasked"},
		"never asked":              {nil, unknown, "fault.unasked"},
		"a throttle that ended":    {[]record.FaultEvent{{State: "ended"}}, passed, "passed.all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := asked(tc.again...).judge(t)
			assert.Equal(t, tc.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), tc.reason)
		})
	}
	v := good(record.TriggerFault).judge(t)
	assert.Equal(t, passed, v.Status, "a journal that numbers no faults asked none")
}

// Red before the injection is neither T0 nor what was seen of the fault.
func TestRedBeforeTheInjection(t *testing.T) {
	t.Parallel()
	s := good(record.TriggerFault)
	for i := range s.lines { // what comes before the injection takes a while
		if s.lines[i].kind == record.KindIncident {
			s.lines[i].at = 22 * sec
		}
	}
	edit(s, func(e *record.IncidentEvent) { e.At = record.At(22 * sec) })
	s.edge("red", 24*sec, 24*sec+100*time.Millisecond).edge("green", 26*sec, 26*sec+100*time.Millisecond)
	r := s.record(t)
	assert.GreaterOrEqual(t, r.Incidents[0].T0.Early, 30*sec)
	assert.True(t, r.Pulse.Reds[0].Planned)
	assert.Equal(t, passed, s.judge(t).Status)

	s.drop(kind(record.KindUpgrade)) // nothing was planned
	r = s.record(t)
	assert.False(t, r.Pulse.Reds[0].Planned)
	assert.GreaterOrEqual(t, r.Incidents[0].T0.Early, 30*sec)
	s.drop(func(l line) bool { return l.kind == record.KindPulse && l.at > 28*sec && l.at < 100*sec })
	assert.Contains(t, ids(s.judge(t)), "fault.unseen", "what was red before is nothing that was seen of the fault")
}

// A business that was green again before the rollback began was not brought back by it.
func TestRollbackBeginsInGreen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		green, red int // s after the fault; red 0: it stays green
		want       bool
	}{
		"green and stays so":          {6, 0, true},
		"green for long enough":       {6, 70, true},
		"red again within the window": {6, 20, false},
	} {
		s := good(record.TriggerFault)
		s.drop(isState("green")).edge("green", 10*sec, 10*sec+100*time.Millisecond)
		green := 30*sec + time.Duration(tc.green)*sec
		s.edge("green", green, green+100*time.Millisecond)
		if tc.red > 0 {
			red := 30*sec + time.Duration(tc.red)*sec
			s.edge("red", red, red+100*time.Millisecond).edge("green", red+5*sec, red+5*sec+100*time.Millisecond)
		}
		v := s.judge(t)
		assert.Equal(t, tc.want, slices.Contains(ids(v), "rollback.in_green"), "%s: %v", name, v.Reasons)
	}
}
