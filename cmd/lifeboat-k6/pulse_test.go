package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

func isIter(ok bool) func(record) bool {
	return func(r record) bool { return r.Kind == wire.KindIter && r.OK == ok && !r.Cut }
}

// TestPulseOutage shuts the system for a known time; good starts before and after must bracket it.
func TestPulseOutage(t *testing.T) {
	sys := newSystem(t)
	const rate, down = 20, time.Second
	c := job{
		wrapper: "pulse", flow: "get.js", rate: rate, duration: 3500 * time.Millisecond, out: "stdout,timeout=1s",
		env: []string{sys.env()},
	}.start(t)
	var recs []record
	off, on := time.Time{}, time.Time{}
	good := 0
	for r := range c.lines {
		recs = append(recs, r)
		if isIter(true)(r) {
			good++
		}
		if good == 10 && off.IsZero() {
			off = time.Now()
			sys.off()
			time.Sleep(down)
			sys.on(t)
			on = time.Now()
		}
	}
	o := c.wait(t)
	o.recs = recs
	keep(t, "pulse-outage", o)
	require.Equal(t, 0, o.exit, "stderr: %s", o.stderr)
	first, last := record{}, record{}
	var lastGood, nextGood record
	for _, it := range o.kind(wire.KindIter) {
		switch {
		case !it.OK && first.Kind == "":
			first, last = it, it
		case !it.OK:
			last, nextGood = it, record{}
		case first.Kind == "":
			lastGood = it
		case nextGood.Kind == "":
			nextGood = it
		}
	}
	truth := on.Sub(off)
	upper := time.Duration(nextGood.End - lastGood.Start)
	lower := time.Duration(last.Start - first.End)
	assert.GreaterOrEqual(t, upper, truth)
	assert.LessOrEqual(t, lower, truth)
	assert.LessOrEqual(t, upper-truth, time.Second)
	assert.Contains(t, o.kind(wire.KindLog)[0].Message, "connection refused")
	assert.Zero(t, o.end(t).Totals.Dropped)
	assert.Empty(t, o.end(t).Thresholds, "a pulse has none, whatever the flow says")
	assert.GreaterOrEqual(t, len(o.kind(wire.KindBeat)), 3)
}

// TestPulseHang: a server that takes requests and never answers must not use up the users, though the flow sets no
// timeout.
func TestPulseHang(t *testing.T) {
	sys := newSystem(t)
	const rate = 10
	o := job{wrapper: "pulse", flow: "get.js", rate: rate, duration: 3 * time.Second, out: "stdout,timeout=1s",
		env: []string{sys.env(), "TARGET=/hang"}}.run(t)
	keep(t, "pulse-hang", o)
	end := o.end(t)
	assert.Zero(t, end.Totals.Dropped)
	iters := o.kind(wire.KindIter)
	assert.InDelta(t, 3*rate, len(iters), 2)
	for _, it := range iters {
		assert.False(t, it.OK)
		assert.InDelta(t, 2*time.Second, it.End-it.Start, float64(1100*time.Millisecond))
	}
}

// TestPulseStarved shows what too few users look like: dropped iterations, which the reader must not take for silence.
func TestPulseStarved(t *testing.T) {
	sys := newSystem(t)
	o := job{wrapper: "pulse", flow: "get.js", rate: 10, vus: 2, duration: 2 * time.Second, out: "stdout,timeout=1s",
		env: []string{sys.env(), "TARGET=/hang"}}.run(t)
	keep(t, "pulse-starved", o)
	assert.Greater(t, o.end(t).Totals.Dropped, int64(5))
	assert.NotEmpty(t, o.kind(wire.KindDrop))
}

// TestPulseSlow: good answers that come too late make the iteration bad.
func TestPulseSlow(t *testing.T) {
	sys := newSystem(t)
	o := job{wrapper: "pulse", flow: "get.js", rate: 5, duration: time.Second, out: "stdout,timeout=200ms",
		env: []string{sys.env(), "TARGET=/slow"}}.run(t)
	for _, it := range o.kind(wire.KindIter) {
		assert.False(t, it.OK)
		assert.NotEmpty(t, it.Error+o.kind(wire.KindLog)[0].Message)
	}
	assert.NotEmpty(t, o.kind(wire.KindIter))
}

// TestStopped: a pulse that is told to stop leaves at once with 105, and its open iterations are marked as cut.
func TestStopped(t *testing.T) {
	sys := newSystem(t)
	c := job{wrapper: "pulse", flow: "shop.js", rate: 10, duration: 8 * time.Hour, env: []string{sys.env()}}.start(t)
	c.until(t, "a good iteration", isIter(true))
	asked := time.Now()
	c.signal(t, syscall.SIGTERM)
	o := c.wait(t)
	assert.Less(t, time.Since(asked), 20*time.Second)
	t.Logf("left %v after SIGTERM", time.Since(asked).Round(time.Millisecond))
	assert.Equal(t, 105, o.exit)
	assert.Equal(t, 105, o.end(t).Exit)
	assert.Contains(t, o.stderr, "item lifeboat", "teardown still runs")
}

// TestStoppedHanging does the same while every user waits for an answer.
func TestStoppedHanging(t *testing.T) {
	sys := newSystem(t)
	c := job{wrapper: "pulse", flow: "get.js", rate: 10, duration: 8 * time.Hour, out: "stdout,timeout=30s",
		env: []string{sys.env(), "TARGET=/hang"}}.start(t)
	c.until(t, "a heartbeat with users at work", func(r record) bool {
		return r.Kind == wire.KindBeat && r.At > int64(time.Second)
	})
	asked := time.Now()
	c.signal(t, syscall.SIGTERM)
	o := c.wait(t)
	keep(t, "pulse-stopped", o)
	assert.Less(t, time.Since(asked), 20*time.Second)
	assert.Equal(t, 105, o.exit)
	assert.Positive(t, o.end(t).Totals.IterationsCut)
	assert.Zero(t, o.end(t).Totals.IterationsFailed, "a cut iteration says nothing about the system")
	assert.NotEmpty(t, o.kind(wire.KindIter))
}

// TestStoppedHidesThresholds: 105 hides a failed threshold; the closing record does not.
func TestStoppedHidesThresholds(t *testing.T) {
	c := job{flow: "threshold.js", env: []string{"LONG=1"}, args: []string{"--iterations=1000"}}.start(t)
	c.until(t, "a bad iteration", isIter(false))
	c.signal(t, syscall.SIGTERM)
	o := c.wait(t)
	keep(t, "stopped-threshold", o)
	assert.Equal(t, 105, o.exit)
	assert.True(t, o.end(t).Thresholds[0].Failed)
}

// TestKilled: no closing record, whatever the stream said before.
func TestKilled(t *testing.T) {
	sys := newSystem(t)
	c := job{wrapper: "pulse", flow: "get.js", rate: 10, duration: time.Hour, env: []string{sys.env()}}.start(t)
	c.until(t, "a good iteration", isIter(true))
	c.signal(t, syscall.SIGKILL)
	o := c.wait(t)
	keep(t, "killed", o)
	assert.Empty(t, o.kind(wire.KindEnd))
	assert.Equal(t, -1, o.exit)
}
