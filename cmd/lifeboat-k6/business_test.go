package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// TestBusiness runs every kind of flow as a business check: what k6 leaves with, and what the stream says instead.
func TestBusiness(t *testing.T) {
	sys := newSystem(t)
	fail := []string{"TARGET=/fail"}
	pgx := []string{"DRIVER=pgx", "DSN=postgres://u:p@127.0.0.1:1/x"}
	mysql := []string{"DRIVER=mysql", "DSN=u:p@tcp(127.0.0.1:1)/x"}
	for _, c := range []struct {
		name  string
		job   job
		exit  int
		noEnd bool
		good  int // iterations
		bad   int
		want  func(*testing.T, outcome)
	}{
		{name: "pass", job: job{flow: "shop.js", iters: 3, out: "stdout,http"}, good: 3, want: func(t *testing.T, o outcome) {
			assert.Len(t, o.kind(wire.KindHTTP), 6)
			assert.Len(t, o.kind(wire.KindFlow), 6)
			assert.Len(t, o.kind(wire.KindMetric), 3)
			assert.Equal(t, []wire.Threshold{{Metric: "checks", Expr: "rate>0.9"}}, o.end(t).Thresholds)
			assert.Contains(t, o.stderr, "item lifeboat", "teardown gets what setup returned")
		}},
		{name: "check-failed", job: job{flow: "get.js", env: fail}, bad: 1, want: func(t *testing.T, o outcome) {
			it := o.kind(wire.KindIter)[0]
			assert.Equal(t, 1, it.ChecksFailed)
			assert.Equal(t, 1, it.HTTPFailed)
			assert.Equal(t, 1, o.end(t).Totals.ChecksFailed, "k6 itself leaves with 0")
		}},
		{name: "exception", job: job{flow: "throws.js", iters: 6}, good: 4, bad: 2, want: func(t *testing.T, o outcome) {
			for _, it := range o.kind(wire.KindIter) {
				assert.Equal(t, it.Iter%3 != 2, it.OK, "the exception is laid at the door of its own iteration")
				assert.Equal(t, 1, it.ChecksPassed)
				if !it.OK {
					assert.Contains(t, it.Error, "boom")
				}
			}
			assert.Equal(t, 2, o.end(t).Totals.Exceptions)
			assert.NotEmpty(t, o.kind(wire.KindLog))
		}},
		{name: "rejected-promise", job: job{flow: "rejects.js"}, bad: 1, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.kind(wire.KindIter)[0].Error, "late boom")
			assert.Contains(t, o.kind(wire.KindFlow)[0].Error, "late boom")
		}},
		{name: "flow-false", job: job{flow: "falseflow.js"}, bad: 1, want: func(t *testing.T, o outcome) {
			assert.Equal(t, 1, o.end(t).Totals.FlowsFailed)
		}},
		{name: "no-checks", job: job{flow: "nochecks.js"}, good: 1, want: func(t *testing.T, o outcome) {
			assert.Zero(t, o.kind(wire.KindIter)[0].ChecksPassed, "the reader sees that nothing was asked")
			assert.Zero(t, o.end(t).Totals.ChecksPassed)
		}},
		{name: "no-checks-http-failed", job: job{flow: "nochecks.js", env: fail}, bad: 1},
		{name: "threshold", job: job{flow: "threshold.js"}, exit: 99, bad: 1, want: func(t *testing.T, o outcome) {
			assert.True(t, o.end(t).Thresholds[0].Failed)
		}},
		{name: "threshold-unmeasured", job: job{flow: "unmeasured.js"}, good: 1, want: func(t *testing.T, o outcome) {
			never := map[string]bool{}
			for _, th := range o.end(t).Thresholds {
				assert.False(t, th.Failed, "k6 takes what was never measured for held")
				never[th.Metric+": "+th.Expr] = th.Unmeasured
			}
			assert.Equal(t, map[string]bool{"checks{scenario:buy}: rate>0.99": true, "checks{scenario:business}: rate>0.99": false,
				"late: rate<0.01": true, "errors: count<1": false, "errors{kind:fatal}: count==0": false}, never)
		}},
		{name: "console-error", job: job{flow: "consoleerror.js"}, good: 1, want: func(t *testing.T, o outcome) {
			assert.Contains(t, string(o.raw), `"source":"console"`)
		}},
		{name: "setup-throws", job: job{flow: "setupthrows.js"}, exit: 107, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.end(t).Error, "bad setup")
			assert.Zero(t, o.end(t).Totals.Iterations)
		}},
		{name: "test-abort", job: job{flow: "abort.js"}, exit: 108, bad: 1, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.end(t).Error, "enough")
		}},
		{name: "marked-failed", job: job{flow: "marked.js"}, exit: 110, bad: 1},
		{name: "expects", job: job{flow: "expects.js"}, good: 1},
		{name: "expects-failed", job: job{flow: "expects.js", env: fail}, exit: 108, bad: 1, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.kind(wire.KindIter)[0].Error, "expected 200, got 500")
		}},
		{name: "expects-softly", job: job{flow: "expects.js", env: []string{"TARGET=/fail", "SOFT=1"}}, exit: 110, bad: 1},
		{name: "scenario", job: job{flow: "scenarios.js", scenario: "look"}, good: 1, want: func(t *testing.T, o outcome) {
			assert.Equal(t, "look as look", o.kind(wire.KindCheck)[0].Name)
			assert.False(t, o.end(t).Thresholds[0].Unmeasured, "its own scenario's threshold is measured")
		}},
		{name: "scenario-first", job: job{flow: "scenarios.js"}, good: 1, want: func(t *testing.T, o outcome) {
			assert.Equal(t, "buy as buy", o.kind(wire.KindCheck)[0].Name)
			assert.Empty(t, o.end(t).Thresholds, "those of scenarios that are not run are nobody's")
		}},
		{name: "scenario-unknown", job: job{flow: "scenarios.js", scenario: "sell"}, exit: 107, noEnd: true},
		{name: "syntax-error", job: job{flow: "syntax.js"}, exit: 107, noEnd: true},
		{name: "init-throws", job: job{flow: "initthrows.js"}, exit: 107, noEnd: true},
		{name: "no-default", job: job{flow: "nodefault.js"}, exit: 107, noEnd: true, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.stderr, "exports no default function")
		}},
		{name: "remote-import", job: job{flow: "remote.js"}, exit: 107, noEnd: true, want: func(t *testing.T, o outcome) {
			assert.Contains(t, o.stderr, "refused by lifeboat-k6")
		}},
		{name: "sql-refused", job: job{flow: "sql.js", env: pgx}, bad: 1,
			want: func(t *testing.T, o outcome) {
				assert.Contains(t, o.kind(wire.KindSQL)[0].Error, "connection refused")
				assert.NotContains(t, string(o.raw), "u:p@", "no password in the stream")
			}},
		{name: "mysql-refused", job: job{flow: "sql.js", env: mysql}, bad: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.job.wrapper = "business"
			c.job.env = append(c.job.env, sys.env())
			o := c.job.run(t)
			keep(t, "business-"+c.name, o)
			assert.Equal(t, c.exit, o.exit, "stderr: %s", o.stderr)
			if c.noEnd {
				assert.Empty(t, o.recs, "a script that does not load leaves no record at all")
			} else {
				end := o.end(t)
				require.Equal(t, wire.KindHello, o.recs[0].Kind)
				assert.Equal(t, c.exit, end.Exit)
				var good, bad int
				for _, it := range o.kind(wire.KindIter) {
					switch {
					case it.Cut:
					case it.OK:
						good++
					default:
						bad++
					}
				}
				assert.Equal(t, c.good, good, "good iterations")
				assert.Equal(t, c.bad, bad, "bad iterations")
				assert.Equal(t, c.good+c.bad, end.Totals.Iterations)
				assert.Equal(t, c.bad, end.Totals.IterationsFailed)
			}
			if c.want != nil {
				c.want(t, o)
			}
		})
	}
}

// TestControl runs flows as their negative control: it is the iterations that must fail, not what stands around them.
func TestControl(t *testing.T) {
	for _, c := range []struct {
		name, flow string
		exit       int
		good, bad  int
		env        []string
	}{
		{name: "setup fails, and nothing is looked at", flow: "setupblind.js", good: 1},
		{name: "setup fails later", flow: "setupasync.js", bad: 1},
		{name: "setup needs nobody", flow: "setupasync.js", good: 1, env: []string{"TOKEN=sesame"}},
		{name: "setup waits for ever", flow: "setupwaits.js", exit: 100},
		{name: "nobody answers", flow: "get.js", bad: 1, env: []string{baseURL("127.0.0.1:1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := job{wrapper: "control", flow: c.flow, env: c.env}.run(t)
			assert.Equal(t, c.exit, o.exit, "stderr: %s", o.stderr)
			var good, bad int
			for _, it := range o.kind(wire.KindIter) {
				if it.OK {
					good++
				} else {
					bad++
				}
			}
			assert.Equal(t, c.good, good, "good iterations")
			assert.Equal(t, c.bad, bad, "bad iterations")
			assert.Less(t, o.wall, 20*time.Second)
		})
	}
}

// TestUnwrapped runs a flow without our module: its exceptions are found in the log.
func TestUnwrapped(t *testing.T) {
	o := job{flow: "throws.js", args: []string{"--iterations=1"}}.run(t)
	assert.Equal(t, 0, o.exit)
	assert.Len(t, o.kind(wire.KindIter), 1)

	o = job{flow: "throws.js", args: []string{"--iterations=3"}}.run(t)
	assert.Equal(t, 0, o.exit, "k6 does not mind")
	var bad int
	for _, it := range o.kind(wire.KindIter) {
		if !it.OK {
			bad++
		}
	}
	assert.GreaterOrEqual(t, bad, 1, "blamed on every iteration it may belong to")
	assert.Equal(t, 1, o.end(t).Totals.Exceptions)
}
