package detect

import (
	"cmp"
	"fmt"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Watch evaluates a trigger rule over the pulse: it fires when the figure of
// each last second has been over the limit for as long as the rule says.
type Watch struct {
	rule   scenarios.Rule
	bad    func(verifier.Sample) bool
	from   time.Duration // samples that began before do not count
	recent []verifier.Sample
	over   time.Duration // since when the figure is over the limit
	isOver bool
}

// step is the length over which the figure is taken.
const step = time.Second

// WatchOf makes a watch from a moment on; bad is the pulse's own idea of a bad sample.
func WatchOf(rule scenarios.Rule, from time.Duration, bad func(verifier.Sample) bool) *Watch {
	return &Watch{rule: rule, bad: bad, from: from}
}

// Add takes a sample (in the order of ends) and tells whether the rule fires with it.
func (w *Watch) Add(s verifier.Sample, text string) *record.Detected {
	if s.Dropped > 0 || s.Start < w.from {
		return nil
	}
	w.recent = append(w.recent, s)
	for len(w.recent) > 1 && w.recent[0].End < s.End-step {
		w.recent = w.recent[1:]
	}
	fig, isOver := w.figure()
	if !isOver {
		w.isOver = false
		return nil
	}
	if !w.isOver {
		w.isOver, w.over = true, s.Start
	}
	if s.End-w.over < w.rule.For.Std() {
		return nil
	}
	return &record.Detected{Rule: text, At: record.At(s.End), Seen: fig}
}

func (w *Watch) figure() (string, bool) {
	switch w.rule.Metric {
	case scenarios.MetricFailed:
		n := 0
		for _, s := range w.recent {
			if w.bad(s) {
				n++
			}
		}
		share := float64(n) / float64(len(w.recent))
		return fmt.Sprintf("%.0f%% failed", share*100), over(w.rule.Op, share, w.rule.Percent.Share())
	default: // flow.latency: the mean of the second, failures included, since they took that long
		var sum time.Duration
		for _, s := range w.recent {
			sum += s.End - s.Start
		}
		mean := sum / time.Duration(len(w.recent))
		return mean.Round(time.Millisecond).String(), over(w.rule.Op, mean, w.rule.Duration.Std())
	}
}

func over[N cmp.Ordered](op string, figure, limit N) bool {
	return figure > limit || (op == ">=" && figure == limit)
}
