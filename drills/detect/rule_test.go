package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

func watch(t *testing.T, rule string, from time.Duration) *Watch {
	t.Helper()
	r, err := scenarios.ParseRule(rule)
	require.NoError(t, err)
	return WatchOf(r, from, EdgesOf(0, 0, record.Pace{Rate: 10}).Bad)
}

// fires says with which sample a watch fires.
func fires(w *Watch, samples []verifier.Sample) (int, *record.Detected) {
	for i, s := range samples {
		if d := w.Add(s, "rule"); d != nil {
			return i, d
		}
	}
	return -1, nil
}

// steady is one sample every 100 ms from a moment on, n of them.
func steady(from, n int, good func(i int) bool) []verifier.Sample {
	var all []verifier.Sample
	for i := range n {
		start := from + i*100
		if good(i) {
			all = append(all, ok(start, start+5))
		} else {
			all = append(all, bad(start, start+5))
		}
	}
	return all
}

func TestWatch(t *testing.T) {
	never := func(int) bool { return false }
	always := func(int) bool { return true }
	slow := func(n, ms int) []verifier.Sample {
		var all []verifier.Sample
		for i := range n {
			all = append(all, ok(i*1000, i*1000+ms))
		}
		return all
	}
	for name, c := range map[string]struct {
		rule    string
		from    time.Duration
		samples []verifier.Sample
		at      int // ms of the end of the sample that fires; -1: never
		seen    string
	}{
		"all good":         {"flow.failed > 5% for 3s", 0, steady(0, 100, always), -1, ""},
		"all bad":          {"flow.failed > 5% for 3s", 0, steady(0, 100, never), 3005, "100% failed"},
		"not long enough":  {"flow.failed > 5% for 3s", 0, steady(0, 30, never), -1, ""},
		"just long enough": {"flow.failed > 5% for 3s", 0, steady(0, 31, never), 3005, "100% failed"},
		"goes bad later":   {"flow.failed > 5% for 3s", 0, steady(0, 100, func(i int) bool { return i < 50 }), 8005, ""},
		"recovers in between": {"flow.failed > 50% for 3s", 0, steady(0, 100, func(i int) bool {
			return i >= 20 &&
				i < 40
		}), 7505, ""},
		"half is not over half": {"flow.failed > 60% for 2s", 0, steady(0, 100, func(i int) bool { return i%2 == 0 }), -1,
			""},
		"one in ten is over": {"flow.failed > 5% for 2s", 0, steady(0, 100, func(i int) bool { return i%5 != 0 }), 2005,
			""},
		"at least all":     {"flow.failed >= 100% for 2s", 0, steady(0, 100, never), 2005, "100% failed"},
		"what came before": {"flow.failed > 5% for 3s", 5 * time.Second, steady(0, 100, never), 8005, "100% failed"},
		"fast enough":      {"flow.latency > 500ms for 5s", 0, slow(20, 500), -1, ""},
		"too slow":         {"flow.latency > 500ms for 5s", 0, slow(20, 501), 5501, "501ms"},
		"slow enough":      {"flow.latency >= 500ms for 5s", 0, slow(20, 500), 5500, "500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			i, d := fires(watch(t, c.rule, c.from), c.samples)
			if c.at < 0 {
				assert.Equal(t, -1, i, "%+v", d)
				return
			}
			require.NotNil(t, d)
			assert.Equal(t, record.At(time.Duration(c.at)*ms), d.At)
			assert.Equal(t, "rule", d.Rule)
			assert.Contains(t, d.Seen, c.seen)
		})
	}
}

func TestWatchPassesOverDropped(t *testing.T) {
	w := watch(t, "flow.failed > 5% for 1s", 0)
	for i := range 50 {
		at := time.Duration(i) * 100 * ms
		assert.Nil(t, w.Add(verifier.Sample{Start: at, End: at, Dropped: 1}, "rule"), "what was not asked did not fail")
	}
}

// A pulse whose requests hang until their time-out is detected within the rule's window and one time-out.
func TestHangingPulseIsDetected(t *testing.T) {
	w := watch(t, "flow.failed > 5% for 3s", 0)
	var samples []verifier.Sample
	for i := range 100 {
		samples = append(samples, bad(i*100, i*100+1000))
	}
	_, d := fires(w, samples)
	require.NotNil(t, d)
	assert.LessOrEqual(t, d.At.Late, 4*time.Second)
	assert.GreaterOrEqual(t, d.At.Late, 3*time.Second)
}
