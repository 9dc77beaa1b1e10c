package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

const ms = time.Millisecond

// ok and bad are samples between two milliseconds.
func ok(start, end int) verifier.Sample {
	return verifier.Sample{Start: time.Duration(start) * ms, End: time.Duration(end) * ms, OK: true, Checks: 1}
}

func bad(start, end int) verifier.Sample {
	return verifier.Sample{Start: time.Duration(start) * ms, End: time.Duration(end) * ms, Error: "refused"}
}

func red(early, late int) record.PulseEvent {
	return record.PulseEvent{State: Red, At: moment(early, late), Why: "refused"}
}

func green(early, late int) record.PulseEvent {
	return record.PulseEvent{State: Green, At: moment(early, late)}
}

func moment(early, late int) record.Moment {
	return record.Moment{Early: time.Duration(early) * ms, Late: time.Duration(late) * ms}
}

func edgesOf(e *Edges, samples ...verifier.Sample) []record.PulseEvent {
	var all []record.PulseEvent
	for _, s := range samples {
		if edge := e.Add(s); edge != nil {
			all = append(all, *edge)
		}
	}
	return all
}

func TestEdges(t *testing.T) {
	unproven := verifier.Sample{Start: 200 * ms, End: 205 * ms, OK: true}
	for name, c := range map[string]struct {
		latency time.Duration
		samples []verifier.Sample
		want    []record.PulseEvent
	}{
		"nothing":        {0, nil, nil},
		"green at first": {0, []verifier.Sample{ok(0, 5), ok(100, 105)}, []record.PulseEvent{green(0, 5)}},
		"red at first":   {0, []verifier.Sample{bad(50, 55)}, []record.PulseEvent{red(0, 55)}},
		"an outage": {0, []verifier.Sample{ok(0, 5), ok(100, 105), bad(200, 205), bad(300, 305), ok(400, 405), ok(500, 505)},
			[]record.PulseEvent{green(0, 5), red(100, 205), green(300, 405)}},
		"one bad sample is an outage": {0, []verifier.Sample{ok(0, 5), bad(100, 105), ok(200, 205)},
			[]record.PulseEvent{green(0, 5), red(0, 105), green(100, 205)}},
		"red again": {0, []verifier.Sample{ok(0, 5), bad(100, 105), ok(200, 205), bad(300, 305)},
			[]record.PulseEvent{green(0, 5), red(0, 105), green(100, 205), red(200, 305)}},
		"a hanging one that began before the last good one": {0, []verifier.Sample{ok(0, 5), ok(200, 205), bad(100, 1100)},
			[]record.PulseEvent{green(0, 5), red(0, 1100)}},
		"a good one that began before the last bad one is no recovery": {0,
			[]verifier.Sample{ok(0, 5), bad(300, 305), ok(250, 900)}, []record.PulseEvent{green(0, 5), red(0, 305)}},
		"a hanging one of the outage ends in the green window": {0,
			[]verifier.Sample{ok(0, 5), bad(100, 105), ok(300, 305), bad(200, 1200), ok(400, 1205)},
			[]record.PulseEvent{green(0, 5), red(0, 105), green(100, 305)}},
		"slow is bad": {50 * ms, []verifier.Sample{ok(0, 50), ok(100, 151)},
			[]record.PulseEvent{green(0, 50), {State: Red, At: moment(0, 151)}}},
		"unproven is bad": {0, []verifier.Sample{ok(0, 5), unproven}, []record.PulseEvent{green(0, 5), {State: Red,
			At: moment(0, 205)}}},
		"dropped says nothing": {0, []verifier.Sample{ok(0, 5), {Start: 9 * ms, End: 9 * ms, Dropped: 3}, ok(100, 105)},
			[]record.PulseEvent{green(0, 5)}},
	} {
		t.Run(name, func(t *testing.T) {
			edges := edgesOf(EdgesOf(c.latency, 0, record.Pace{Rate: 10}), c.samples...)
			for i := range edges {
				edges[i].Red = nil // TestRedFacts
			}
			assert.Equal(t, c.want, edges)
		})
	}
}

func TestTotals(t *testing.T) {
	e := EdgesOf(0, 0, record.Pace{Rate: 10})
	edgesOf(e, ok(0, 10), ok(20, 30), bad(40, 50), verifier.Sample{Start: 60 * ms, End: 61 * ms, OK: true},
		verifier.Sample{Dropped: 4})
	assert.Equal(t, 2, e.Totals.Good)
	assert.Equal(t, 1, e.Totals.Bad)
	assert.Equal(t, 1, e.Totals.Unproven)
	assert.Equal(t, 4, e.Totals.Dropped)
	assert.InDelta(t, 10*ms, e.Totals.P95, float64(ms))
	state, since := e.State()
	assert.Equal(t, Red, state)
	assert.Equal(t, moment(20, 50), since)
	state, _ = EdgesOf(0, 0, record.Pace{Rate: 10}).State()
	assert.Empty(t, state)
}

// run is one simulated pulse with an outage of a known beginning and end.
type run struct {
	rate     float64
	from, to time.Duration // of the outage
	hangs    bool          // requests wait until it is over or they time out; otherwise they fail at once
}

const timeout = time.Second

func (r run) samples(length time.Duration, random *rand.Rand) []verifier.Sample {
	var all []verifier.Sample
	step := time.Duration(float64(time.Second) / r.rate)
	for start := time.Duration(0); start < length; start += step {
		took := 2*ms + time.Duration(random.IntN(20))*ms
		s := verifier.Sample{Start: start, End: start + took, OK: true, Checks: 1}
		switch {
		case s.End < r.from || s.Start >= r.to:
		case !r.hangs:
			s.End, s.OK = max(s.Start, r.from)+time.Duration(random.IntN(3))*ms, false
		case r.to-s.Start < timeout-25*ms:
			s.End = max(r.to, s.Start) + took // the server wakes up and answers
		default:
			s.End, s.OK = s.Start+timeout, false
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b verifier.Sample) int { return int(a.End - b.End) })
	return all
}

// The bracket of every outage that the pulse sees holds the truth, refused or hanging, at any rate.
func TestBracketsHoldTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, tolerate := range []float64{0, 0.1, 0.3} {
		for i := range 500 {
			r := run{rate: []float64{5, 10, 20, 50}[i%4], hangs: i%2 == 1}
			r.from = 3*time.Second + time.Duration(random.IntN(2000))*ms
			r.to = r.from + 2*time.Second + time.Duration(random.IntN(8000))*ms
			e := EdgesOf(0, tolerate, record.Pace{Rate: r.rate})
			edges := edgesOf(e, r.samples(20*time.Second, random)...)
			require.Len(t, edges, 3, "%+v tolerate %v: %v", r, tolerate, edges)
			for n, truth := range []time.Duration{r.from, r.to} {
				at := edges[n+1].At
				assert.True(t, at.Early <= truth && truth <= at.Late, "%+v tolerate %v: %v outside %v", r, tolerate, truth, at)
				if tolerate == 0 && !r.hangs {
					width := time.Duration(float64(time.Second)/r.rate) + 30*ms
					assert.LessOrEqual(t, at.Late-at.Early, width, "%+v: %v", r, at)
				}
			}
		}
	}
}

// An outage shorter than the time-out of what hung in it is seen after it was over.
func TestBracketOfAShortHang(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		from := 3*time.Second + time.Duration(random.IntN(2000))*ms
		to := from + time.Duration(150+random.IntN(800))*ms
		step := time.Second / []time.Duration{10, 20, 50}[i%3]
		var samples []verifier.Sample
		for start := time.Duration(0); start < 8*time.Second; start += step {
			s := verifier.Sample{Start: start, End: start + 2*ms, OK: true, Checks: 1}
			if s.End >= from && s.Start < to {
				s.End, s.OK = s.Start+timeout, false
			}
			samples = append(samples, s)
		}
		slices.SortStableFunc(samples, func(a, b verifier.Sample) int { return int(a.End - b.End) })
		edges := edgesOf(EdgesOf(0, 0, record.Pace{Rate: 10}), samples...)
		require.Len(t, edges, 3)
		assert.True(t, edges[1].At.Early <= from && from <= edges[1].At.Late, "%v outside %v", from, edges[1].At)
		assert.True(t, edges[2].At.Early <= to && to <= edges[2].At.Late, "%v outside %v", to, edges[2].At)
	}
}

func TestTolerance(t *testing.T) {
	var samples []verifier.Sample
	for i := range 100 {
		s := ok(i*100, i*100+5)
		if i%10 == 3 {
			s = bad(i*100, i*100+5)
		}
		samples = append(samples, s)
	}
	assert.Equal(t, []record.PulseEvent{green(0, 5)}, edgesOf(EdgesOf(0, 0.26, record.Pace{Rate: 10}), samples...), "one in ten is tolerated")
	edges := edgesOf(EdgesOf(0, 0.05, record.Pace{Rate: 10}), samples...)
	assert.NotEmpty(t, edges)
	last := edges[len(edges)-1]
	assert.Equal(t, Red, last.State, "one in ten is more than one in twenty")
}

func TestQuantile(t *testing.T) {
	q := &quantile{}
	assert.Zero(t, q.p95())
	for i := 1; i <= 1000; i++ {
		q.add(time.Duration(i) * ms)
	}
	assert.InEpsilon(t, float64(950*ms), float64(q.p95()), 0.06)
	assert.GreaterOrEqual(t, q.p95(), 950*ms, "never better than the truth")
	zero := &quantile{}
	zero.add(0)
	assert.LessOrEqual(t, zero.p95(), time.Microsecond)
}
