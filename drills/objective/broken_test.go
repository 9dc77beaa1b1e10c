package objective

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// A rollback of several steps may turn the business green and red again before it is done.
func TestRedBetweenTheStepsOfARollback(t *testing.T) {
	t.Parallel()
	s := good("fault")
	s.drop(func(l line) bool { return l.at == 60*sec && l.kind == record.KindRollback })
	s.shift(61*sec+1, time.Hour) // green at 61 s, and then another step takes an hour
	s.edge("red", time.Hour, time.Hour+sec).edge("green", time.Hour+5*sec, time.Hour+6*sec)
	s.add(time.Hour+10*sec, record.KindRollback, in(1), record.RollbackEvent{State: "done"})
	s.h.PulseRate = 0
	v := s.judge(t)
	assert.Equal(t, passed, v.Status, "%v", v.Reasons)
	assert.Equal(t, time.Hour+6*sec-30*sec, *judged(t, v, "business_back").Upper, "the last time it turned green")
}

// What the harness broke is unknown, however long lifeboat needed to notice and clean up.
func TestHarnessBreaksInTheRollback(t *testing.T) {
	t.Parallel()
	s := good("fault").cut(50 * sec)
	harness(51 * sec)(s)
	s.limit("restored", time.Minute)
	s.limit("outage", time.Minute)
	s.end(10*time.Minute, true)
	v := s.judge(t)
	assert.Equal(t, unknown, v.Status, "%v", v.Reasons)
	for _, name := range []string{"restored", "outage"} {
		o := judged(t, v, name)
		assert.Equal(t, unknown, o.Status, name)
		assert.Nil(t, o.Upper, name)
		assert.LessOrEqual(t, *o.Lower, 21*sec, name)
	}
	assert.Contains(t, ids(v), "rollback.unfinished")
}

// An abort ends the watching as well; what was measured until then is kept.
func TestAbortKeepsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	s := good("fault").cut(50 * sec)
	s.add(51*sec, record.KindAborted, record.Subject{}, record.Aborted{Why: "interrupted"})
	s.end(10*time.Minute, true)
	v := s.judge(t)
	assert.Equal(t, record.StatusAborted, v.Status)
	assert.Equal(t, "aborted.by", v.Reasons[0].ID)
	assert.Equal(t, passed, judged(t, v, "start_rollback").Status)
	assert.LessOrEqual(t, *judged(t, v, "restored").Lower, 21*sec)
}

// What a throttled restore would have needed is said against what it had.
func TestSlowRestoreNamesTheThroughput(t *testing.T) {
	t.Parallel()
	s := good("fault")
	s.limit("restored", 80*sec)
	v := s.judge(t)
	assert.Equal(t, failed, v.Status)
	var slow record.Finding
	for _, f := range v.Findings {
		if f.ID == "restore.too_slow" {
			slow = f
		}
	}
	// 90.35 s were needed, 19 s of them for 1 MiB; within 80 s that leaves 8.65 s.
	assert.Equal(t, "shop-db", slow.Args["backup"])
	assert.Equal(t, "55188", slow.Args["rate"])
	assert.Equal(t, "121222", slow.Args["needed"])
}

// What happens to the clocks while the drill cleans up changes no figure.
func TestClocksThatJump(t *testing.T) {
	t.Parallel()
	r := good("fault").record(t)
	r.Jumps = []record.Jump{{From: r.Observed, To: r.Observed + sec, Counted: sec, Boot: 3 * time.Hour, Wall: 3 * time.Hour}}
	assert.Equal(t, passed, Judge(r).Status)
	r.Jumps[0].From -= sec
	v := Judge(r)
	spoken(t, v)
	assert.Equal(t, unknown, v.Status)
	assert.Equal(t, []string{"clock.jumped"}, ids(v))
	afterFailed := good("fault")
	afterChecks(func(c *record.CheckResult) { c.Status = record.CheckFailed })(afterFailed)
	r = afterFailed.record(t)
	r.Jumps = []record.Jump{{From: 0, To: sec, Counted: sec, Wall: 3 * time.Hour}}
	assert.Equal(t, failed, Judge(r).Status, "an answer is an answer")
}
