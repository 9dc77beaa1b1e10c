package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/business"
)

// finding is one outage: the truth, and what the pulse said of it.
type finding struct {
	how       shutting
	rate      float64
	asked     time.Duration
	truth     truth
	said      record.Span   // sum of the red stretches, as in a record
	edge      time.Duration // width of the widest single edge
	stretches int
	stray     bool // an edge's own bracket does not hold the moment of the edge
	dropped   int  // iterations that k6 could not start
}

// contained tells whether the bracket surely holds the truth.
func (f finding) contained() bool {
	return f.stretches > 0 && f.said.Lower <= f.truth.least() && f.truth.most() <= f.said.Upper
}

func (f finding) width() time.Duration { return f.said.Upper - f.said.Lower }

const flow = `import http from 'k6/http';
import { check } from 'k6';
export default function () {
  check(http.get('http://ADDRESS/', { timeout: 'TIMEOUT' }), { 'it answers': (r) => r.status === 200 });
}
`

// between is how long the business is left alone between two outages, so that the last request of one has ended before
// the next begins.
const between = 700 * time.Millisecond

// measure runs a pulse of one rate and shuts its proxy again and again.
func measure(ctx context.Context, s settings, how shutting, rate float64) (found []finding, err error) {
	dir, err := os.MkdirTemp("", "lifeboat-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, address, err := service()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	p, err := newProxy(address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	script, err := writeFlow(dir, p.addr, s.timeout)
	if err != nil {
		return nil, err
	}
	k6, err := filepath.Abs(s.k6)
	if err != nil {
		return nil, err
	}
	runner, err := business.New(local{filepath.Join(dir, "run")}, k6, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	pace := record.Pace{Rate: rate, Timeout: s.timeout}
	w := &watcher{edges: detect.EdgesOf(0, 0, pace), base: time.Now()}
	pulse, err := runner.Pulse(ctx, verifier.PulseRequest{Script: script, Pace: pace, Base: w.base,
		Raw: filepath.Join(dir, "pulse.ndjson"), Sample: w.sample})
	if err != nil {
		return nil, err
	}
	err = w.settle(ctx, pulse)
	if err == nil {
		found, err = outages(ctx, s, how, rate, p)
	}
	err = errors.Join(err, pulse.Stop(context.WithoutCancel(ctx)))
	w.attribute(found, s.timeout)
	return found, err
}

func writeFlow(dir, address string, timeout time.Duration) (string, error) {
	script := filepath.Join(dir, "flow", "flow.js")
	if err := os.MkdirAll(filepath.Dir(script), 0o700); err != nil {
		return "", err
	}
	text := strings.NewReplacer("ADDRESS", address, "TIMEOUT", timeout.String()).Replace(flow)
	return script, os.WriteFile(script, []byte(text), 0o600)
}

// outages shuts the proxy for every duration as often as asked, at moments that have nothing to do with the pulse's.
func outages(ctx context.Context, s settings, how shutting, rate float64, p *proxy) ([]finding, error) {
	var found []finding
	for range s.repeat {
		for _, d := range s.durations {
			pause := between + rand.N(200*time.Millisecond)
			if how == hang {
				pause += s.timeout // its last requests give up so much later
			}
			if err := sleep(ctx, pause); err != nil {
				return nil, err
			}
			t, err := p.shutFor(d, how)
			if err != nil {
				return nil, fmt.Errorf("open the proxy again: %w", err)
			}
			found = append(found, finding{how: how, rate: rate, asked: d, truth: t})
		}
	}
	return found, sleep(ctx, between+s.timeout)
}

// watcher makes edges of samples as a drill does, and stretches of the edges as a record does.
type watcher struct {
	base time.Time

	mu      sync.Mutex
	edges   *detect.Edges
	events  []record.PulseEvent
	dropped []time.Duration
	good    int
}

func (w *watcher) sample(s verifier.Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Dropped > 0 {
		w.dropped = append(w.dropped, s.Start)
	}
	if e := w.edges.Add(s); e != nil {
		w.events = append(w.events, *e)
	}
	w.good = w.edges.Totals.Good
}

// settle waits until the pulse is there and steady.
func (w *watcher) settle(ctx context.Context, p verifier.Pulse) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		w.mu.Lock()
		good := w.good
		w.mu.Unlock()
		if good >= 10 {
			return nil
		}
		select {
		case <-p.Broken():
			return errors.New("k6 ended before it began")
		default:
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the pulse never became green")
}

// stretch is a red one, with the brackets of both its edges.
type stretch struct{ from, to record.Moment }

// stretches pairs the edges, as a record does.
func (w *watcher) stretches() []stretch {
	var all []stretch
	for _, e := range w.events {
		if e.State == detect.Red {
			all = append(all, stretch{from: e.At, to: never})
		} else if n := len(all); n > 0 {
			all[n-1].to = e.At
		}
	}
	return all
}

// never is the end of a stretch that has none; nothing contains it.
var never = record.At(1 << 62)

// attribute gives every red stretch to the last outage that had begun when it was seen.
func (w *watcher) attribute(found []finding, timeout time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	per := make([][]stretch, len(found))
	for _, s := range w.stretches() {
		n := 0
		for i, f := range found {
			if f.truth.shut[0].Sub(w.base) <= s.from.Late {
				n = i
			}
		}
		per[n] = append(per[n], s)
	}
	for i := range found {
		found[i].judge(per[i], w.base, timeout)
		from, to := found[i].truth.shut[0].Sub(w.base), found[i].truth.open[1].Sub(w.base)+timeout
		for _, at := range w.dropped {
			if at >= from && at <= to {
				found[i].dropped++
			}
		}
	}
}

// judge puts the stretches of an outage beside its truth.
func (f *finding) judge(red []stretch, base time.Time, timeout time.Duration) {
	outside := func(edge record.Moment, real [2]time.Time) bool { // surely so, though real itself has two ends
		return edge.Early > real[1].Sub(base) || edge.Late < real[0].Sub(base)
	}
	f.stretches = len(red)
	for i, s := range red {
		one := record.Between(s.from, s.to)
		f.said.Lower += one.Lower
		f.said.Upper += one.Upper
		f.edge = max(f.edge, s.from.Late-s.from.Early, s.to.Late-s.to.Early)
		first, last := i == 0, i == len(red)-1
		f.stray = f.stray || s.from.Early > f.truth.open[1].Sub(base)+timeout || // red after it was over
			first && outside(s.from, f.truth.shut) || last && outside(s.to, f.truth.open)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
