package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// exact makes all clocks of the incident exact: T0 is 30 s.
func exact(s *story) *story {
	s.h.PulseRate = 0 // the totals are not stretched with the drill
	edit(s, func(f *record.FaultEvent) { f.At = record.At(30 * sec) })
	edit(s, func(p *record.PulseEvent) {
		switch p.State {
		case "red":
			p.At = record.At(30 * sec)
		case "green":
			p.At = record.At(p.At.Late)
		}
	})
	return s
}

func TestLimits(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		objective string
		limit     time.Duration
		at        time.Duration // the clock that ends it is moved here, after T0
		status    record.Status
	}{
		{"rollback started on the limit", "start_rollback", 30 * time.Minute, 30 * time.Minute, passed},
		{"rollback started 1 ns before", "start_rollback", 30 * time.Minute, 30*time.Minute - 1, passed},
		{"rollback started 1 ns after", "start_rollback", 30 * time.Minute, 30*time.Minute + 1, failed},
		{"restored on the limit", "restored", 2 * time.Hour, 2 * time.Hour, passed},
		{"restored 1 ns before", "restored", 2 * time.Hour, 2*time.Hour - 1, passed},
		{"restored 1 ns after", "restored", 2 * time.Hour, 2*time.Hour + 1, failed},
		{"back on the limit", "business_back", 2 * time.Hour, 2 * time.Hour, passed},
		{"back 1 ns after", "business_back", 2 * time.Hour, 2*time.Hour + 1, failed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := exact(good("fault"))
			s.h.Objectives = nil
			s.limit(c.objective, c.limit)
			// from the event that ends the objective on, everything comes later by as much as is missing
			ends := map[string]time.Duration{"start_rollback": 38 * sec, "business_back": 61 * sec,
				"restored": 2*time.Minute + 350*time.Millisecond}[c.objective]
			s.shift(ends, 30*sec+c.at-ends)
			v := s.judge(t)
			o := judged(t, v, c.objective)
			require.NotNil(t, o.Measured)
			assert.Equal(t, c.at, *o.Measured)
			assert.Equal(t, c.limit-c.at, *o.Margin)
			assert.Equal(t, c.status, o.Status)
			assert.Equal(t, c.status, v.Status)
		})
	}
}

func TestBrackets(t *testing.T) {
	t.Parallel()
	span := func(lower, upper time.Duration) measure {
		return measure{span: &record.Span{Lower: lower, Upper: upper}, basis: record.BasisMeasured}
	}
	least := func(d time.Duration) measure { return measure{atLeast: &d, basis: record.BasisMeasured} }
	with := func(m measure, b record.Basis) measure { m.basis = b; return m }
	cases := []struct {
		name   string
		m      measure
		status record.Status
		reason string
	}{
		{"upper below", span(1, 9), passed, ""},
		{"upper equal", span(1, 10), passed, ""},
		{"across by one", span(10, 11), unknown, "objective.across"},
		{"lower above by one", span(11, 12), failed, "objective.missed"},
		{"not recovered within the limit", least(10), unknown, "objective.unfinished"},
		{"not recovered over the limit", least(11), failed, "objective.not_recovered"},
		{"nothing", measure{}, unknown, "objective.not_measured"},
		{"emulated and held", with(span(1, 10), record.BasisEmulated), passed, ""},
		{"emulated and missed", with(span(11, 12), record.BasisEmulated), unknown, "objective.emulated_missed"},
		{"emulated and not recovered", with(least(11), record.BasisEmulated), unknown, "objective.emulated_missed"},
		{"projected and below", with(span(1, 2), record.BasisProjected), unknown, "objective.projected"},
		{"simulated and missed", with(span(11, 12), record.BasisSimulated), failed, "objective.missed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, why := judgeOne("restored", 10, c.m)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.reason, why.ID)
		})
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	s := good("fault")
	s.limit("outage", time.Minute)
	v := s.judge(t)
	require.Equal(t, passed, v.Status, "%v", v.Reasons)

	o := judged(t, v, "start_rollback")
	assert.Equal(t, record.BasisSimulated, o.Basis)
	assert.Equal(t, "basis.time_for_people", o.Note.ID)
	assert.Equal(t, "29m52s", o.Note.Args["left"])
	assert.Equal(t, 7*sec+800*time.Millisecond, *o.Lower)
	assert.Equal(t, 8*sec, *o.Upper)

	o = judged(t, v, "business_back")
	assert.True(t, o.Unlimited)
	assert.Equal(t, 31*sec, *o.Upper)
	assert.Equal(t, "basis.simulated_decision", o.Note.ID)

	o = judged(t, v, "restored")
	assert.Equal(t, 90*sec+350*time.Millisecond, *o.Upper)

	o = judged(t, v, "data_loss")
	assert.Equal(t, 10*time.Minute+30*sec+200*time.Millisecond, *o.Upper)
	assert.Equal(t, "shop-db", o.Scope)

	o = judged(t, v, "outage")
	assert.Equal(t, 30*sec+900*time.Millisecond, *o.Upper)
	assert.Equal(t, 30*sec+700*time.Millisecond, *o.Lower)
	assert.Equal(t, &record.Outage{Sum: record.Span{Lower: *o.Lower, Upper: *o.Upper}, Longest: *o.Upper,
		Count: 1}, v.Outage)

	assert.Equal(t, 20*sec, *judged(t, v, "boot").Upper, "the slowest: db, the second time")
}

func TestOutageShowsPlannedDowntimeApart(t *testing.T) {
	t.Parallel()
	s := good("fault")
	s.edge("red", 21*sec, 21*sec).edge("green", 23*sec, 23*sec)
	s.limit("outage", 33*sec)
	v := s.judge(t)
	assert.Equal(t, passed, v.Status)
	assert.Equal(t, 2*sec, v.Outage.Planned)
	assert.Equal(t, 2, v.Outage.Count)
	assert.Equal(t, 32*sec+900*time.Millisecond, v.Outage.Sum.Upper)
	s.limit("outage", 32*sec)
	assert.Equal(t, failed, s.judge(t).Status, "planned downtime counts")
}

func TestDecisionOfAPerson(t *testing.T) {
	t.Parallel()
	s := good("fault")
	edit(s, func(d *record.Decision) { d.By = "Li" })
	o := judged(t, s.judge(t), "start_rollback")
	assert.Equal(t, record.BasisMeasured, o.Basis)
	assert.Nil(t, o.Note)
}

func TestReferenceTimeOfDataLoss(t *testing.T) {
	t.Parallel()
	s := good("fault")
	ref := start.Add(-9 * time.Minute)
	s.h.Reference = &ref
	assert.Equal(t, time.Minute, *judged(t, s.judge(t), "data_loss").Upper)
}

// A rollback that never finished is failed after its limit and unknown before.
func TestUnfinishedRollback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		died   time.Duration
		status record.Status
	}{{"within the limit", time.Hour, unknown}, {"over the limit", 3 * time.Hour, failed}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := good("fault").cut(50 * sec)
			s.add(c.died, record.KindNote, record.Subject{}, record.Note{Text: "still loading"})
			s.lines = append(s.lines, line{9 * time.Hour, record.ActorReaper, record.KindCleanup, record.Subject{},
				record.CleanupEvent{State: "proved"}})
			v := s.judge(t)
			assert.Equal(t, c.status, v.Status, "the reaper's hours do not count: %v", v.Reasons)
			o := judged(t, v, "restored")
			assert.Nil(t, o.Upper)
			assert.Equal(t, c.died-30*sec-200*time.Millisecond, *o.Lower)
		})
	}
}

// Two incidents in one journal: the first is answered with a pause, the second
// with a partial rollback; each has clocks of its own.
// No beginning of a journal is ever passed, and none of them makes anything panic.
// A good drill without any one of these events is not passed.
// FuzzJudge shuffles, drops and doubles events of real journals: nothing may panic,
// and nothing that was not sealed may be passed.
