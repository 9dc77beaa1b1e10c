package stream

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.k6.io/k6/v2/lib/netext/httpext"
	"go.k6.io/k6/v2/metrics"

	"lifeboat-k6/wire"
)

// builtinNames and builtinPrefixes are k6's own metrics, which are not forwarded: other records tell their story.
var (
	builtinNames = []string{
		"vus", "vus_max", "iterations", "iteration_duration", "dropped_iterations", "checks", "group_duration",
		"data_sent", "data_received", "http_reqs",
	}
	builtinPrefixes = []string{"http_req_", "ws_", "grpc_", "browser_"}
)

// timeoutCodes are k6's error codes of a request, and of a connection, that was given up.
var timeoutCodes = []string{"1050", "1211"}

func (o *Output) container(c metrics.SampleContainer) {
	if len(o.watched) > 0 {
		for _, s := range c.GetSamples() {
			o.measured(s)
		}
	}
	if trail, ok := c.(*httpext.Trail); ok {
		o.request(trail)
		return
	}
	for _, s := range c.GetSamples() {
		o.sample(s)
	}
}

func (o *Output) request(t *httpext.Trail) {
	failed := t.Failed.Valid && t.Failed.Bool
	where := place(t.Tags, t.Metadata)
	status := tag(t.Tags, "status")
	// Blocked already holds connecting and the TLS handshake where k6 measured it so; the larger is the truth.
	total := t.Duration + max(t.Blocked, t.Connecting+t.TLSHandshaking)
	o.join.request(where, asked{failed: failed, answered: status != "" && status != "0", took: total,
		timedOut: slices.Contains(timeoutCodes, tag(t.Tags, "error_code"))})
	if !o.http {
		return
	}
	o.encode(wire.HTTP{
		Kind: wire.KindHTTP, Start: o.s.Offset(t.EndTime.Add(-total)), End: o.s.Offset(t.EndTime), OK: !failed, Where: where,
		Method: tag(t.Tags, "method"), Name: tag(t.Tags, "name"), Status: status,
		Error: clip(tag(t.Tags, "error")),
	})
}

func (o *Output) sample(s metrics.Sample) {
	where := place(s.Tags, s.Metadata)
	at := o.s.Offset(s.Time)
	switch s.Metric {
	case o.builtin.Checks:
		ok := s.Value != 0
		o.join.check(where, ok)
		o.encode(wire.Check{
			Kind: wire.KindCheck, At: at, OK: ok, Where: where, Name: tag(s.Tags, "check"),
			Group: strings.TrimPrefix(tag(s.Tags, "group"), "::"),
		})
	case o.builtin.IterationDuration:
		took := time.Duration(s.Value * float64(time.Millisecond))
		o.join.iteration(where, at-int64(took), at, o.encode)
	case o.builtin.DroppedIterations:
		o.join.totals.Dropped += int64(s.Value)
		o.encode(wire.Drop{Kind: wire.KindDrop, At: at, Scenario: where.Scenario, Count: int64(s.Value)})
	case o.builtin.VUs:
		o.join.vus = int(s.Value)
	default:
		if !builtin(s.Metric.Name) {
			o.encode(wire.Metric{
				Kind: wire.KindMetric, At: at, Where: where, Name: s.Metric.Name, Value: s.Value, Tags: s.Tags.Map(),
			})
		}
	}
}

func builtin(name string) bool {
	return slices.Contains(builtinNames, name) || slices.ContainsFunc(builtinPrefixes, func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}

// place reads which virtual user a sample belongs to. k6 numbers them from 1; 0 is setup and teardown.
func place(t *metrics.TagSet, meta map[string]string) wire.Where {
	w := wire.Where{Scenario: tag(t, "scenario"), Iter: -1}
	if n, err := strconv.ParseUint(meta["vu"], 10, 64); err == nil {
		w.VU = n
	}
	if n, err := strconv.ParseInt(meta["iter"], 10, 64); err == nil && w.VU > 0 {
		w.Iter = n
	}
	return w
}

func tag(t *metrics.TagSet, key string) string {
	v, _ := t.Get(key)
	return v
}

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
