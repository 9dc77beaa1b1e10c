package stream

import (
	"fmt"
	"time"

	"lifeboat-k6/wire"
)

// settle is how long an iteration waits for its exception where the script does not import our module. k6 writes the
// log
// line microseconds after the sample; the rest is the 50 ms in which samples are handed over.
const settle = 100 * time.Millisecond

// joiner puts iterations together from three sources that arrive apart: samples (how long, which checks), the edges
// from
// our module (which exception), and the log (exceptions of scripts without our module).
type joiner struct {
	s       *Stream
	timeout time.Duration
	vu      map[uint64]*vuState
	waiting []waiting
	thrown  []logLine
	lines   map[string]*logCount
	totals  wire.Totals
	vus     int
}

type counts struct {
	passed, failed, httpFailed, httpAnswered, timedOut int
	longest                                            time.Duration
}

type vuState struct {
	counts
	flowsFailed int
	tracked     bool                // our module is loaded in this virtual user
	started     map[int64]edge      // begun and not yet written
	ended       map[int64]ended     // ended, the sample still to come
	sampled     map[int64]wire.Iter // sample here, the end still to come
}

type ended struct {
	edge
	flowsFailed int
}

// waiting is an iteration of a script without our module.
type waiting struct {
	it    wire.Iter
	since time.Time
}

type emit func(any)

func newJoiner(s *Stream, timeout time.Duration) *joiner {
	return &joiner{s: s, timeout: timeout, vu: map[uint64]*vuState{}, lines: map[string]*logCount{}}
}

func (j *joiner) state(vu uint64) *vuState {
	st := j.vu[vu]
	if st == nil {
		st = &vuState{started: map[int64]edge{}, ended: map[int64]ended{}, sampled: map[int64]wire.Iter{}}
		j.vu[vu] = st
	}
	return st
}

func (j *joiner) check(w wire.Where, ok bool) {
	st := j.state(w.VU)
	if ok {
		st.passed++
		j.totals.ChecksPassed++
	} else {
		st.failed++
		j.totals.ChecksFailed++
	}
}

// asked is a request that ended.
type asked struct {
	failed, answered, timedOut bool
	took                       time.Duration
}

func (j *joiner) request(w wire.Where, a asked) {
	st := j.state(w.VU)
	st.longest = max(st.longest, a.took)
	if a.timedOut {
		st.timedOut++
	}
	if a.failed {
		st.httpFailed++
		if a.answered {
			st.httpAnswered++
		}
		j.totals.HTTPFailed++
	}
}

// span counts a failed flow() step; SQL errors reach the script as exceptions and need no count of their own.
func (j *joiner) span(sp wire.Span) {
	if sp.Kind == wire.KindFlow && !sp.OK {
		j.state(sp.VU).flowsFailed++
		j.totals.FlowsFailed++
	}
}

// edge takes an iteration's start or end from our module.
func (j *joiner) edge(e edge, out emit) {
	st := j.state(e.vu)
	st.tracked = true
	if !e.end {
		st.started[e.iter] = e
		return
	}
	end := ended{edge: e, flowsFailed: st.flowsFailed}
	st.flowsFailed = 0
	if it, ok := st.sampled[e.iter]; ok {
		delete(st.sampled, e.iter)
		j.finish(st, it, end, out)
		return
	}
	st.ended[e.iter] = end
}

// iteration takes the sample that k6 emits for an iteration that was not interrupted.
func (j *joiner) iteration(w wire.Where, start, end int64, out emit) {
	st := j.state(w.VU)
	it := wire.Iter{
		Kind: wire.KindIter, Start: start, End: end, Where: w,
		ChecksPassed: st.passed, ChecksFailed: st.failed, HTTPFailed: st.httpFailed, HTTPAnswered: st.httpAnswered,
		TimedOut: st.timedOut, LongestRequest: int64(st.longest),
	}
	st.counts = counts{}
	if e, ok := st.ended[w.Iter]; ok {
		delete(st.ended, w.Iter)
		j.finish(st, it, e, out)
		return
	}
	if st.tracked {
		st.sampled[w.Iter] = it
		return
	}
	j.waiting = append(j.waiting, waiting{it: it, since: time.Now()})
}

// finish writes an iteration of which everything is known.
func (j *joiner) finish(st *vuState, it wire.Iter, e ended, out emit) {
	delete(st.started, it.Iter)
	if e.rested {
		return
	}
	it.Setup = e.setup
	it.FlowsFailed = e.flowsFailed
	if e.err != nil {
		it.Error = clip(e.err.Error())
	}
	j.judge(it, out)
}

// judge says whether an iteration was good, and writes it.
//
// Without checks only a failed request makes it bad; checks_passed = 0 then tells the reader how little was asked.
func (j *joiner) judge(it wire.Iter, out emit) {
	took := time.Duration(it.End - it.Start)
	if j.timeout > 0 && took > j.timeout && !it.Setup {
		it.TimedOut++
		if it.Error == "" {
			it.Error = fmt.Sprintf("took %v, more than the allowed %v", took.Round(time.Millisecond), j.timeout)
		}
	}
	if it.VU == 0 && it.Error == "" {
		it.Error = "iteration without a virtual user's number: its checks cannot be told apart"
	}
	it.OK = it.Error == "" && it.ChecksFailed == 0 && it.FlowsFailed == 0 && (it.ChecksPassed > 0 || it.HTTPFailed == 0)
	if it.Setup {
		it.OK = it.Error == "" // what else it shows is for the iterations with it to say
	}
	j.totals.Iterations++
	if !it.OK {
		j.totals.IterationsFailed++
	}
	out(it)
}

// release writes the iterations that have waited long enough for their exception.
func (j *joiner) release(now time.Time, all bool, out emit) {
	for len(j.waiting) > 0 && (all || now.Sub(j.waiting[0].since) >= settle) {
		it := j.waiting[0].it
		j.waiting = j.waiting[1:]
		for _, l := range j.thrown {
			// Several virtual users may end at once; blaming all of them errs on the safe side.
			at := j.s.Offset(l.at)
			if l.scenario == it.Scenario && at >= it.End && at-it.End <= int64(settle) {
				it.Error = clip(l.message)
			}
		}
		j.judge(it, out)
	}
	for len(j.thrown) > 0 && now.Sub(j.thrown[0].at) > 10*settle {
		j.thrown = j.thrown[1:]
	}
}

// cut writes the iterations that the end of the run stopped in the middle.
func (j *joiner) cut(now time.Time, out emit) {
	for vu, st := range j.vu {
		for iter, e := range st.started {
			if e.rested {
				continue
			}
			it, sampled := st.sampled[iter]
			if !sampled {
				it = wire.Iter{
					Kind: wire.KindIter, Start: j.s.Offset(e.at), End: j.s.Offset(now),
					Where: wire.Where{Scenario: e.scenario, VU: vu, Iter: iter},
				}
			}
			it.Cut, it.OK = true, false
			it.Error = "stopped by the end of the run"
			if end, ok := st.ended[iter]; ok {
				it.End = j.s.Offset(end.at)
			}
			j.totals.IterationsCut++
			out(it)
		}
	}
}
