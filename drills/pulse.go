package drills

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// pulse is the running witness of the business and what the drill knows of it.
type pulse struct {
	*books
	flow    *scenarios.Flow
	flows   *flows
	told    func(Iteration)
	running verifier.Pulse
	started record.Moment
	pace    record.Pace
	turned  bool // a flow asks that is not the first

	mu      sync.Mutex
	asker   asker          // the flow that asks
	turning *time.Duration // since when another takes its place; nil: it has
	edges   *detect.Edges
	watch   *detect.Watch
	rule    string
	fired   *record.Detected
	silence *detect.Silence
	starts  *detect.Starts
	checks  detect.Asks       // of the first flow
	recent  []verifier.Sample // the latest
	newest  time.Duration     // end of the iterations so far
	asked   []string          // addresses
	crowded bool              // iterations overlapped
	bad     string            // the error of the latest bad one
	changed chan struct{}     // closed at each sample
	err     error             // of the journal
}

// errPulse says that the witness is gone: what comes after is unknown.
var errPulse = errors.New("the pulse broke off")

// run lets a flow ask. down: what it asks may be broken already.
func (p *pulse) run(ctx context.Context, a asker, env map[string]string, down bool) error {
	k6, err := p.flows.opened()
	if err != nil {
		return err
	}
	running, err := k6.Pulse(ctx, verifier.PulseRequest{
		Script: a.script, Scenario: a.scenario, Pace: p.pace, Env: env, Base: p.base, Down: down,
		Raw: p.stream(), Hide: p.HideLines, Sample: p.sample, Asked: p.wasAsked,
	})
	if err != nil {
		return fmt.Errorf("start the pulse: %w", err)
	}
	p.running = running
	return nil
}

// stream is where the pulse's own records are kept.
func (p *pulse) stream() string { return filepath.Join(p.dir, "raw", "pulse.ndjson") }

// sample is called from one goroutine, in the order of the samples' ends.
func (p *pulse) sample(s verifier.Sample) {
	s.Error = p.Hide(s.Error)
	for i := range s.Failed {
		s.Failed[i] = p.Hide(s.Failed[i])
	}
	p.mu.Lock()
	p.err = errors.Join(p.err, p.looksAgain(s))
	p.mu.Unlock()
	if s.Setup && s.OK { // it asked, and what it was told is for the iterations with it to say
		p.looked(s)
		return
	}
	if p.flows.throws(p.asker) && s.OK && s.Checks == 0 && s.Dropped == 0 {
		s.Checks = 1 // that it did not throw is its answer
	}
	p.mu.Lock()
	if e := p.edges.Add(s); e != nil {
		p.err = errors.Join(p.err, p.Append(record.KindPulse, record.Subject{}, *e))
	}
	if p.watch != nil && p.fired == nil {
		p.fired = p.watch.Add(s, p.rule)
	}
	bad := s.Dropped == 0 && p.edges.Bad(s)
	if !bad && !p.turned {
		p.checks.Add(s)
	}
	if s.Dropped == 0 {
		p.crowded = p.crowded || s.Start < p.newest
		p.newest = max(p.newest, s.End)
		p.recall(s)
		if bad {
			p.bad = s.Error
		}
	}
	p.silence.Add(s)
	p.starts.Add(s.Start)
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	if p.told != nil {
		p.told(Iteration{s, bad})
	}
}

// wasAsked takes an address that the flow asked. A pulse that began anew tells them again.
func (p *pulse) wasAsked(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.asked, address) {
		p.asked = append(p.asked, address)
	}
}

// asksAgain begins to look for checks that are asked no more, after a rollback or the decision that there is none.
func (p *pulse) asksAgain() {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.checks.Again()
	}
}

// overlapped tells whether iterations ran at once.
func (p *pulse) overlapped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowded
}

// onlyLate tells whether nothing was wrong in the present red stretch but the time of its iterations.
func (p *pulse) onlyLate() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	red := p.edges.Red()
	return red != nil && red.Late == red.Bad
}

// lastError is that of the latest iteration that was not good.
func (p *pulse) lastError() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bad
}

// wait returns when done says so (it is asked at each sample), when the pulse breaks, or with the context.
func (p *pulse) wait(ctx context.Context, done func() bool) error {
	for {
		p.mu.Lock()
		ok, changed, err := done(), p.changed, p.err
		p.mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-p.running.Broken():
			return errPulse
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// waitGreen returns once the business has been green for d without a break, beginning not before from, and somebody
// looked all that time and still does.
func (p *pulse) waitGreen(ctx context.Context, d, from time.Duration) error {
	return p.wait(ctx, func() bool {
		state, green := p.edges.State()
		watched, asked := p.silence.Since(p.elapsed())
		return state == detect.Green && asked && p.silence.Last()-max(green.Late, watched, from) >= d
	})
}

// stop ends the pulse: the first act of clean-up. A pulse that broke says so in the journal.
func (p *pulse) stop(ctx context.Context) error {
	if p == nil {
		return nil
	}
	asked := p.elapsed() // k6 may take long to end
	broken := errors.Join(p.running.Stop(ctx), p.HideFile(p.stream()))
	p.mu.Lock()
	defer p.mu.Unlock()
	e := record.PulseEvent{State: record.PulseStopped, At: record.At(p.silence.Last()), Totals: p.edges.Totals}
	e.Totals.Silence = p.silence.Longest(asked)
	e.Late, e.Red, e.Asked, e.Unasked = p.starts.Late(), p.edges.Red(), p.asked, p.checks.Unasked()
	if broken != nil {
		e.State, e.Why = record.PulseBroken, p.Hide(broken.Error())
	}
	return errors.Join(p.err, p.Append(record.KindPulse, record.Subject{}, e))
}
