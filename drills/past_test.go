package drills

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// slowChecks are answered after the rollback 5 minutes after they were asked.
func slowChecks(w *world) {
	w.answer = func(string) record.CheckStatus {
		if w.loads > 1 {
			time.Sleep(5 * time.Minute)
		}
		return record.CheckPassed
	}
}

// afterwards is true from some time after the business was back.
func afterwards(w *world, by time.Duration) func(time.Duration) bool {
	broke, back := false, time.Duration(0)
	return func(now time.Duration) bool {
		switch up := w.up(); {
		case !up:
			broke = true
		case broke && back == 0:
			back = now
		}
		return back > 0 && now >= back+by
	}
}

// onceLoading is true from the second load on, which is the rollback's.
func onceLoading(w *world) func(time.Duration) bool {
	var loading atomic.Bool
	w.load = func(n int) error { loading.Store(n > 1); return nil }
	return func(time.Duration) bool { return loading.Load() }
}

// fewer is a flow that leaves the second of its checks out for some time after the business was back.
func fewer(w *world, lasts time.Duration) func(time.Duration) []string {
	broke, back := false, time.Duration(0)
	return func(now time.Duration) []string {
		switch broken := !w.injected.IsZero(); {
		case broken && !broke:
			broke, back = true, now
		}
		if broke && now < back+lasts {
			return []string{"the page is there"}
		}
		return []string{"the page is there", "an order is taken"}
	}
}

// slept is a host's clock that goes on by that much in one moment, boot time too where the host slept.
func slept(when func(time.Duration) bool, by time.Duration, asleep bool) record.Clock {
	gone := func() time.Duration {
		if when(0) {
			return by
		}
		return 0
	}
	return record.Clock{
		Wall: func() time.Time { return time.Now().Add(gone()) },
		Boot: func() int64 {
			if asleep {
				return time.Now().Add(gone()).UnixNano()
			}
			return time.Now().UnixNano()
		},
	}
}

// The track record: verdicts that lifeboat got wrong once, and must not again. Each row fails without its mend.
func TestPastBugs(t *testing.T) {
	for _, tc := range []struct {
		name    string
		yaml    string // simple where empty
		arrange func(*world)
		want    record.Status
		reason  string
	}{
		{name: "nobody looks any more while the last checks are asked", want: record.StatusInconclusive, reason: "pulse.silent",
			arrange: func(w *world) { slowChecks(w); w.blind = afterwards(w, 11*time.Second) }},
		{name: "half a second of green after the rollback, then drops alone", want: record.StatusInconclusive,
			reason: "pulse.silent", arrange: func(w *world) { slowChecks(w); w.drops = afterwards(w, time.Second/2) }},
		{name: "a run of drops that is less than a percent of a long drill", want: record.StatusInconclusive,
			reason: "pulse.silent", arrange: func(w *world) {
				slowChecks(w)
				w.drops = func(at time.Duration) bool { return at >= 5*time.Minute && at < 5*time.Minute+6*time.Second }
			}},
		{name: "single drops are no blind spot", want: record.StatusPassed, arrange: func(w *world) {
			slowChecks(w)
			w.drops = func(at time.Duration) bool { return at.Milliseconds()%20000 < 100 }
		}},
		{name: "the pulse ends while the last checks are asked", want: record.StatusInconclusive, reason: "pulse.broken",
			arrange: func(w *world) { slowChecks(w); w.ends = 40 * time.Second }},
		{name: "red, and nobody looks after the rollback: that it still is red was not seen", want: record.StatusInconclusive,
			reason: "pulse.silent", arrange: func(w *world) { w.drops = onceLoading(w) }},
		{name: "a rule that holds while all is well", want: record.StatusInconclusive, reason: "detect.in_green",
			yaml: strings.Replace(simple, "flow.failed > 5% for 3s", "flow.latency > 500us for 10s", 1), arrange: func(*world) {}},
		{name: "green with half of its checks", want: record.StatusInconclusive, reason: "flow.unasked", arrange: func(w *world) {
			w.names = fewer(w, time.Hour)
		}},
		{name: "all checks are asked again when the new version has warmed up", want: record.StatusPassed, arrange: func(w *world) {
			w.names = fewer(w, 2*time.Second)
		}},
		{name: "nobody rolls back, and it is green with half of its checks", want: record.StatusInconclusive, reason: "flow.unasked",
			yaml: strings.NewReplacer("after: 2s", "after: 2s, outcome: watch", "rollback:\n  - destroy: db\n  - boot: db\n", "").
				Replace(simple), arrange: func(w *world) {
				w.names = fewer(w, time.Hour)
				w.business = func() bool {
					w.mu.Lock()
					defer w.mu.Unlock()
					return w.injected.IsZero() || time.Since(w.injected) > 8*time.Second
				}
			}},
		{name: "the host sleeps for three hours in the rollback", want: record.StatusInconclusive, reason: "clock.jumped",
			arrange: func(w *world) { w.clock = slept(onceLoading(w), 3*time.Hour, true) }},
		{name: "the wall clock is set back by ten minutes in the rollback", want: record.StatusInconclusive,
			reason: "clock.jumped", arrange: func(w *world) { w.clock = slept(onceLoading(w), -10*time.Minute, false) }},
		{name: "the clock is set by two seconds", want: record.StatusPassed,
			arrange: func(w *world) { w.clock = slept(onceLoading(w), 2*time.Second, false) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.arrange(w)
			if tc.yaml == "" {
				tc.yaml = simple
			}
			res := w.run(tc.yaml)
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			if tc.reason != "" {
				assert.Contains(t, reasons(res.Verdict), tc.reason)
			}
		})
	}
}
