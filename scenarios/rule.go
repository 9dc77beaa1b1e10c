package scenarios

import (
	"fmt"
	"strings"
)

// The metrics that a rule can watch; all of them come from the pulse.
const (
	MetricFailed  = "flow.failed"  // share of bad iterations
	MetricLatency = "flow.latency" // time of an iteration
)

// HintRule shows how a rule is written.
const HintRule = `write it as "flow.failed > 5% for 5s" or "flow.latency > 2s for 1m"`

// Rule says when something counts as wrong:
//
//	metric  op  limit  for  window
//	flow.failed  >  5%  for  5s
//	flow.latency >= 2s  for  10m
//
// It fires once the metric has been beyond its limit for the whole window.
type Rule struct {
	Metric   string   // MetricFailed or MetricLatency
	Op       string   // > or >=
	Percent  Percent  // limit of MetricFailed
	Duration Duration // limit of MetricLatency
	For      Duration // above zero
}

// ParseRule reads a rule. An error says what is wrong; HintRule how it is written.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) != 5 || words[3] != "for" {
		return Rule{}, fmt.Errorf("%q is not a rule", clip(text))
	}
	r := Rule{Metric: words[0], Op: words[1]}
	var err error
	switch r.Metric {
	case MetricFailed:
		r.Percent, err = ParsePercent(words[2])
	case MetricLatency:
		r.Duration, err = ParseDuration(words[2])
	default:
		err = fmt.Errorf("%q is not a metric, which are %s and %s", clip(r.Metric), MetricFailed, MetricLatency)
	}
	if err != nil {
		return Rule{}, err
	}
	if r.Op != ">" && r.Op != ">=" {
		return Rule{}, fmt.Errorf("%q is not a comparison, which are > and >=", clip(r.Op))
	}
	if r.For, err = ParseDuration(words[4]); err != nil {
		return Rule{}, err
	}
	if r.For == 0 {
		return Rule{}, fmt.Errorf("the window of a rule cannot be 0s")
	}
	if r.Op == ">=" && r.Percent == 0 && r.Duration == 0 {
		return Rule{}, fmt.Errorf("%q is always true", text)
	}
	if r.Op == ">" && r.Percent == 100 {
		return Rule{}, fmt.Errorf("%q is never true", text)
	}
	return r, nil
}

// String writes the rule as ParseRule reads it.
func (r Rule) String() string {
	limit := r.Percent.String()
	if r.Metric == MetricLatency {
		limit = r.Duration.String()
	}
	return fmt.Sprintf("%s %s %s for %s", r.Metric, r.Op, limit, r.For)
}

// unseen says why a pulse cannot see what the rule is about; "" means that it can.
func (r Rule) unseen(f Flow) string {
	if r.For.Std() < 2*f.Pulse.Period() {
		return fmt.Sprintf("a pulse of %s has fewer than two samples in %s", f.Pulse, r.For)
	}
	if r.Metric == MetricLatency && f.Timeout > 0 && r.Duration >= f.Timeout {
		return fmt.Sprintf("a pulse that gives up after %s never sees a latency of %s", f.Timeout, r.Duration)
	}
	return ""
}
