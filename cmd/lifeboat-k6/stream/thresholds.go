package stream

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.k6.io/k6/v2/metrics"

	"lifeboat-k6/wire"
)

// watched is a metric with thresholds, of which k6 does not say whether it ever got a sample: it takes a threshold that
// was never measured for one that holds.
type watched struct {
	base string            // the metric's name
	tags map[string]string // of the part of it that is meant
	seen bool
}

// watch lists the metrics that thresholds name. A name that k6 could not read ends its run before a sample comes.
func watch(thresholds map[string]metrics.Thresholds) map[string]*watched {
	all := map[string]*watched{}
	for name := range thresholds {
		base, tags, err := metrics.ParseMetricName(name)
		if err != nil {
			continue
		}
		w := &watched{base: base, tags: map[string]string{}}
		for _, t := range tags {
			k, v, _ := strings.Cut(t, ":")
			w.tags[strings.Trim(strings.TrimSpace(k), `"'`)] = strings.Trim(strings.TrimSpace(v), `"'`)
		}
		all[name] = w
	}
	return all
}

// measured notes which thresholds a sample belongs to.
func (o *Output) measured(s metrics.Sample) {
	for _, w := range o.watched {
		if w.seen || w.base != s.Metric.Name {
			continue
		}
		w.seen = true
		for k, v := range w.tags {
			if got, ok := s.Tags.Get(k); !ok || got != v {
				w.seen = false
			}
		}
	}
}

func (o *Output) finalThresholds() []wire.Threshold {
	out := []wire.Threshold{}
	for name, set := range o.thresholds {
		w := o.watched[name]
		for _, t := range set.Thresholds {
			unseen := w != nil && !w.seen && (builtin(w.base) || !zeroHolds(t.Source))
			out = append(out, wire.Threshold{Metric: name, Expr: t.Source, Failed: t.LastFailed, Unmeasured: unseen})
		}
	}
	slices.SortFunc(out, func(a, b wire.Threshold) int {
		return strings.Compare(a.Metric+"\x00"+a.Expr, b.Metric+"\x00"+b.Expr)
	})
	return out
}

var counted = regexp.MustCompile(`^\s*count\s*(<=|<|>=|>|===|==|!=)\s*([0-9.]+)\s*$`)

// zeroHolds tells whether a threshold is held by a count of nothing: a counter of errors is never touched when all is
// well.
func zeroHolds(expr string) bool {
	m := counted.FindStringSubmatch(expr)
	if m == nil {
		return false
	}
	limit, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return false
	}
	switch m[1] {
	case "<":
		return limit > 0
	case "<=":
		return true
	case ">":
		return false
	case "!=":
		return limit != 0
	}
	return limit == 0
}
