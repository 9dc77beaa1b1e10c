package stream

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// fixture drives a joiner by hand.
type fixture struct {
	j    *joiner
	iter []wire.Iter
}

func newFixture(timeout time.Duration) *fixture {
	s := NewStream()
	s.base = time.Now()
	return &fixture{j: newJoiner(s, timeout)}
}

func (f *fixture) out(v any) {
	if it, ok := v.(wire.Iter); ok {
		f.iter = append(f.iter, it)
	}
}

func (f *fixture) sample(vu uint64, iter int64, start, end time.Duration) {
	f.j.iteration(wire.Where{Scenario: "s", VU: vu, Iter: iter}, int64(start), int64(end), f.out)
}

func (f *fixture) edge(vu uint64, iter int64, end bool, err error) {
	f.j.edge(edge{vu: vu, iter: iter, scenario: "s", at: time.Now(), end: end, err: err}, f.out)
}

func (f *fixture) throw(after time.Duration) {
	at := f.j.s.base.Add(after)
	f.j.logged(logLine{at: at, level: "error", message: "boom", scenario: "s", source: exceptionSource}, f.out)
}

func TestJoinOrders(t *testing.T) {
	boom := errors.New("boom")
	check := func(f *fixture) { f.j.check(wire.Where{VU: 1}, true) }
	for _, c := range []struct {
		name string
		do   func(*fixture)
		want []bool
	}{
		{"end before sample", func(f *fixture) {
			f.edge(1, 0, false, nil)
			f.edge(1, 0, true, boom)
			check(f)
			f.sample(1, 0, 0, 1)
		}, []bool{false}},
		{"sample before end", func(f *fixture) {
			f.edge(1, 0, false, nil)
			check(f)
			f.sample(1, 0, 0, 1)
			f.edge(1, 0, true, boom)
		}, []bool{false}},
		{"the next begins before the sample", func(f *fixture) {
			f.edge(1, 0, false, nil)
			f.edge(1, 0, true, boom)
			f.edge(1, 1, false, nil)
			f.edge(1, 1, true, nil)
			check(f)
			f.sample(1, 0, 0, 1)
			check(f)
			f.sample(1, 1, 1, 2)
		}, []bool{false, true}},
		{"failed step belongs to its iteration", func(f *fixture) {
			for i := range int64(2) {
				f.edge(1, i, false, nil)
				f.j.span(wire.Span{Kind: wire.KindFlow, OK: i == 1, Where: wire.Where{VU: 1}})
				f.edge(1, i, true, nil)
			}
			f.sample(1, 0, 0, 1)
			f.sample(1, 1, 1, 2)
		}, []bool{false, true}},
		{"another user's check", func(f *fixture) {
			f.j.check(wire.Where{VU: 2}, false)
			f.edge(1, 0, false, nil)
			f.edge(1, 0, true, nil)
			f.sample(1, 0, 0, 1)
		}, []bool{true}},
		{"nothing asked, request failed", func(f *fixture) {
			f.j.request(wire.Where{VU: 1}, asked{failed: true})
			f.edge(1, 0, false, nil)
			f.edge(1, 0, true, nil)
			f.sample(1, 0, 0, 1)
		}, []bool{false}},
		{"checked, request failed as it should", func(f *fixture) {
			f.j.request(wire.Where{VU: 1}, asked{failed: true})
			check(f)
			f.edge(1, 0, false, nil)
			f.edge(1, 0, true, nil)
			f.sample(1, 0, 0, 1)
		}, []bool{true}},
		{"as long as allowed", func(f *fixture) { f.edge(1, 0, true, nil); f.sample(1, 0, 0, time.Second) }, []bool{true}},
		{"a nanosecond longer", func(f *fixture) {
			f.edge(1, 0, true, nil)
			f.sample(1, 0, 0, time.Second+1)
		}, []bool{false}},
		{"without a user's number", func(f *fixture) { check(f); f.sample(0, -1, 0, 1) }, []bool{false}},
		{"without our module", func(f *fixture) { check(f); f.sample(1, 0, 0, 1) }, []bool{true}},
		{"exception before the sample", func(f *fixture) { f.throw(1); check(f); f.sample(1, 0, 0, 1) }, []bool{false}},
		{"exception after the sample", func(f *fixture) { check(f); f.sample(1, 0, 0, 1); f.throw(1) }, []bool{false}},
		{"exception of an earlier iteration", func(f *fixture) { f.throw(1); check(f); f.sample(1, 0, 2, 3) }, []bool{true}},
		{"exception much later", func(f *fixture) { check(f); f.sample(1, 0, 0, 1); f.throw(time.Second) }, []bool{true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(time.Second)
			c.do(f)
			f.j.release(time.Now(), true, f.out)
			var got []bool
			for _, it := range f.iter {
				assert.Equal(t, it.OK, it.Error == "" && it.ChecksFailed == 0 && it.FlowsFailed == 0 &&
					(it.ChecksPassed > 0 || it.HTTPFailed == 0))
				got = append(got, it.OK)
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, len(c.want), f.j.totals.Iterations)
		})
	}
}

func TestUntrackedWaits(t *testing.T) {
	f := newFixture(0)
	f.sample(1, 0, 0, 1)
	f.j.release(time.Now(), false, f.out)
	assert.Empty(t, f.iter, "its exception may still come")
	f.j.release(time.Now().Add(settle), false, f.out)
	assert.Len(t, f.iter, 1)
}

func TestCut(t *testing.T) {
	f := newFixture(0)
	f.edge(1, 0, false, nil)
	f.edge(2, 5, false, nil)
	f.edge(2, 5, true, errors.New("context canceled"))
	f.j.cut(time.Now(), f.out)
	require.Len(t, f.iter, 2)
	for _, it := range f.iter {
		assert.True(t, it.Cut)
		assert.False(t, it.OK)
	}
	assert.Equal(t, wire.Totals{IterationsCut: 2}, f.j.totals)
}

func TestRepeatedLogLines(t *testing.T) {
	f := newFixture(0)
	var got []wire.Log
	out := func(v any) { got = append(got, v.(wire.Log)) }
	for i := range 25 {
		at := f.j.s.base.Add(time.Duration(i) * 100 * time.Millisecond)
		f.j.logged(logLine{at: at, level: "warning", message: "m"}, out)
	}
	require.Len(t, got, 3)
	assert.Equal(t, []int{0, 9, 9}, []int{got[0].Repeated, got[1].Repeated, got[2].Repeated})
}

func TestLost(t *testing.T) {
	s := NewStream()
	for range maxQueue + 7 {
		s.Emit(wire.Log{})
	}
	q, lost, _ := s.take()
	assert.Len(t, q, maxQueue)
	assert.Equal(t, 7, lost)
}

func FuzzConfig(f *testing.F) {
	for _, s := range []string{"stdout", "fd:3,http", "stdout,timeout=1s", ",", "fd:99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		c, err := parseConfig(arg)
		if err == nil {
			assert.NotEqual(t, c.stdout, c.fd >= 3)
			assert.GreaterOrEqual(t, c.timeout, time.Duration(0))
		}
	})
}
