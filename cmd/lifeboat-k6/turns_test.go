package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// TestRest: told to rest, the pulse ends what it has begun, says so, and begins nothing until it is told to go on.
func TestRest(t *testing.T) {
	for name, c := range map[string]job{
		"one user":  {flow: "get.js", every: 50 * time.Millisecond, env: []string{"TARGET=/slow"}},
		"at a rate": {flow: "get.js", rate: 20, env: []string{"TARGET=/slow"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			c.wrapper, c.duration, c.out, c.env = "pulse", time.Hour, "stdout,control", append(c.env, sys.env())
			k := c.start(t)
			k.until(t, "a good iteration", isIter(true))
			k.say(t, "rest")
			k.until(t, "rest", func(r record) bool { return r.Kind == wire.KindRest })
			time.Sleep(time.Second)
			k.say(t, "go on")
			var last, first int64 // of the iterations before and after
			for r := range k.lines {
				if !isIter(true)(r) {
					continue
				}
				if last == 0 || r.Start-last < int64(500*time.Millisecond) {
					last = max(last, r.End) // what ended with the rest comes a moment after it
					continue
				}
				first = r.Start
				break
			}
			assert.Greater(t, first-last, int64(800*time.Millisecond))
			assert.Less(t, first-last, int64(1500*time.Millisecond))
			k.signal(t, syscall.SIGTERM)
			assert.Zero(t, k.wait(t).end(t).Totals.Dropped, "iterations of rest use up no user")
		})
	}
}

// TestRenew: a session that a system forgot is made anew when the reader says so, by one user for all.
func TestRenew(t *testing.T) {
	sys := newSystem(t)
	k := job{wrapper: "pulse", flow: "session.js", rate: 20, duration: time.Hour, out: "stdout,control,timeout=1s,request=1s",
		env: []string{sys.env()}}.start(t)
	k.until(t, "a good iteration", isIter(true))
	sys.since.Store(sys.logins.Load())
	k.until(t, "a bad iteration", isIter(false))
	sys.off()
	k.say(t, "renew")
	k.until(t, "a session that nobody gives", func(r record) bool { return r.Kind == wire.KindIter && r.Setup && !r.OK })
	sys.on(t)
	k.until(t, "a session", func(r record) bool { return r.Kind == wire.KindIter && r.Setup && r.OK })
	k.until(t, "a good iteration with it", func(r record) bool { return isIter(true)(r) && r.ChecksPassed == 1 })
	k.say(t, "renew")
	k.until(t, "another session", func(r record) bool { return r.Kind == wire.KindIter && r.Setup && r.OK })
	k.signal(t, syscall.SIGTERM)
	assert.Contains(t, k.wait(t).stderr, "bye 3", "teardown gets the latest session")
	assert.Equal(t, int64(3), sys.logins.Load())
}

// TestLimits: one request has its limit, the iteration another, and both are told from answers.
func TestLimits(t *testing.T) {
	sys := newSystem(t)
	run := func(target, out string) record {
		o := job{wrapper: "pulse", flow: "get.js", every: time.Minute, duration: 1500 * time.Millisecond, out: out,
			env: []string{sys.env(), "TARGET=" + target}}.run(t)
		require.Len(t, o.kind(wire.KindIter), 1, "stderr: %s", o.stderr)
		require.Len(t, o.kind(wire.KindAsked), 1)
		it := o.kind(wire.KindIter)[0]
		it.Address = o.kind(wire.KindAsked)[0].Address
		return it
	}
	slow := run("/slow", "stdout,timeout=1s,request=200ms")
	assert.False(t, slow.OK)
	assert.Equal(t, 1, slow.TimedOut)
	assert.Less(t, slow.End-slow.Start, int64(290*time.Millisecond))
	good := run("/slow", "stdout,timeout=1s,request=900ms")
	assert.True(t, good.OK)
	assert.Zero(t, good.TimedOut)
	assert.Equal(t, "http://"+sys.addr, good.Address)
	assert.InDelta(t, 300*time.Millisecond, good.Longest, float64(100*time.Millisecond))
	wrong := run("/fail", "stdout,timeout=1s,request=900ms")
	assert.False(t, wrong.OK)
	assert.Zero(t, wrong.TimedOut)
}
