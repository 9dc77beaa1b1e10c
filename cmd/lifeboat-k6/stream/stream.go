// Package stream is the k6 output "lifeboat": it writes what a run does as NDJSON records while it happens.
//
//	--out lifeboat=stdout          records on standard output; everything else of k6 goes to standard error
//	--out lifeboat=fd:3            records on an inherited descriptor
//	--out lifeboat=fd:3,http       with one record a request
//	--out lifeboat=fd:3,timeout=1s an iteration that takes longer has failed, and its requests give up then
//	--out lifeboat=fd:3,request=1s a request that takes longer is given up
//	--out lifeboat=fd:3,control    commands on standard input, one a line: rest, go on, renew
//
// k6 hands samples over every 50 ms, so a record comes up to that late; its times are those of the event.
package stream

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/metrics"

	"lifeboat-k6/wire"
)

// maxQueue bounds the memory that a reader who does not read can cost; what is beyond is counted in Totals.Lost.
const maxQueue = 200_000

// Stream is the one stream of a process. k6 runs one test a process.
type Stream struct {
	started atomic.Bool
	timeout atomic.Int64 // time.Duration; 0: none
	request atomic.Int64 // the same, of one request
	base    time.Time    // set before started, then only read

	mu     sync.Mutex
	queue  []any
	lost   int
	closed bool
	stop   func(error)
	wake   chan struct{}

	deadlines sync.Map // VU id (uint64) -> time.Time
	turns     turns
	asked     sync.Map // addresses (string)
	addresses atomic.Int64
}

// edge is an iteration's start or end, as our module saw it.
type edge struct {
	vu       uint64
	iter     int64
	scenario string
	at       time.Time
	end      bool
	err      error
	rested   bool // nothing was done in it: the pulse rests
	setup    bool // it made the session anew
}

// NewStream makes an idle stream; records emitted before the output starts are kept until then.
func NewStream() *Stream { return &Stream{wake: make(chan struct{}, 1)} }

// Started says whether the opening record was written.
func (s *Stream) Started() bool { return s.started.Load() }

// Timeout is how long an iteration may take; 0 means no limit.
func (s *Stream) Timeout() time.Duration { return time.Duration(s.timeout.Load()) }

// Request is how long one request may take; 0 means no limit.
func (s *Stream) Request() time.Duration { return time.Duration(s.request.Load()) }

// mostAddresses that are told.
const mostAddresses = 50

// Asked notes the address of a request, as scheme and host with its port, and tells it the first time.
func (s *Stream) Asked(address string) {
	if _, known := s.asked.LoadOrStore(address, true); !known && s.addresses.Add(1) <= mostAddresses {
		s.Emit(wire.Asked{Kind: wire.KindAsked, At: s.Offset(time.Now()), Address: address})
	}
}

// Deadline is when the running iteration of a virtual user has taken too long; false when there is no limit.
func (s *Stream) Deadline(vu uint64) (time.Time, bool) {
	v, ok := s.deadlines.Load(vu)
	if !ok {
		return time.Time{}, false
	}
	t, ok := v.(time.Time)
	return t, ok
}

// Stop ends the run with err unless it is ending already.
func (s *Stream) Stop(err error) {
	s.mu.Lock()
	stop, closed := s.stop, s.closed
	s.mu.Unlock()
	if stop != nil && !closed {
		stop(err)
	}
}

// Emit queues a record of package wire. It never blocks.
func (s *Stream) Emit(rec any) { s.push(rec) }

// Offset is t as nanoseconds since the opening record, by the monotonic clock where t carries a reading of it.
func (s *Stream) Offset(t time.Time) int64 { return int64(t.Sub(s.base)) }

// IterStarted says that a virtual user begins an iteration, and sets its deadline.
func (s *Stream) IterStarted(vu uint64, iter int64, scenario string) {
	now := time.Now()
	if d := s.Timeout(); d > 0 {
		s.deadlines.Store(vu, now.Add(d))
	}
	s.push(edge{vu: vu, iter: iter, scenario: scenario, at: now, rested: s.turns.begin(vu)})
}

// IterEnded says that a virtual user ended an iteration; err is the exception that escaped it, or nil.
func (s *Stream) IterEnded(vu uint64, iter int64, scenario string, err error) {
	s.deadlines.Delete(vu)
	was, idle := s.turns.end(vu)
	s.push(edge{vu: vu, iter: iter, scenario: scenario, at: time.Now(), end: true, err: err,
		rested: was.rests, setup: was.makes})
	if idle {
		s.rest()
	}
}

func (s *Stream) samples(c []metrics.SampleContainer) { s.push(c) }

func (s *Stream) push(v any) {
	s.mu.Lock()
	if len(s.queue) >= maxQueue {
		s.lost++
	} else {
		s.queue = append(s.queue, v)
	}
	s.mu.Unlock()
	s.signal()
}

// take empties the queue.
func (s *Stream) take() (q []any, lost int, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, s.queue = s.queue, nil
	return q, s.lost, s.closed
}

func (s *Stream) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
}

// signal wakes the writer; one pending signal is enough.
func (s *Stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// span builds a flow or SQL record.
func (s *Stream) span(kind, name string, start time.Time, w wire.Where, err string, ok bool) wire.Span {
	return wire.Span{
		Kind: kind, Name: name, Start: s.Offset(start), End: s.Offset(time.Now()),
		OK: ok, Where: w, Error: clip(err),
	}
}

// Flow emits a flow() step.
func (s *Stream) Flow(name string, start time.Time, w wire.Where, err string, ok bool) {
	s.Emit(s.span(wire.KindFlow, name, start, w, err, ok))
}

// SQL emits a statement; verb is exec or query.
func (s *Stream) SQL(verb string, start time.Time, w wire.Where, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.Emit(s.span(wire.KindSQL, verb, start, w, text, err == nil))
}

// clip keeps one record from filling a pipe: a server may answer with a page of error.
func clip(s string) string {
	const most = 2048
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
