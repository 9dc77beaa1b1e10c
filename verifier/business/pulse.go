package business

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// userMemory is what one virtual user may need, bytes; k6 itself needs the rest.
const userMemory = 4 << 20

// Pulse implements verifier.Flows: the flow at a low, constant pace until Stop.
func (r *Runner) Pulse(ctx context.Context, q verifier.PulseRequest) (verifier.Pulse, error) {
	scenario, users := executor(q.Pace)
	out := ",control,timeout=" + q.Pace.Timeout.String()
	if q.Pace.Request > 0 {
		out += ",request=" + q.Pace.Request.String()
	}
	raw, err := os.OpenFile(q.Raw, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the pulse's stream: %w", err)
	}
	bootID, err := ledger.BootID()
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	p := &pulse{clock: clock{base: q.Base}, bootID: bootID, sample: q.Sample, asked: q.Asked, broken: make(chan struct{}), raw: raw,
		kept: &hiddenLines{to: raw, hide: q.Hide}, patience: q.Pace.Timeout}
	p.launch = func(ctx context.Context) (*leg, error) {
		program, err := r.program("pulse", flowScript{q.Script, q.Scenario, q.Pace.Every}, pulseWrapper, scenario, out, q.Env)
		if err != nil {
			return nil, err
		}
		program.Args = append([]string{program.Args[0], "--no-thresholds"}, program.Args[1:]...)
		program.Memory = max(instance.ProgramMemory, instance.ProgramMemory/2+int64(users)*userMemory)
		return p.run(ctx, r.companion, program)
	}
	first, err := p.launch(ctx)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	go p.follow(context.WithoutCancel(ctx), first, q.Down)
	return p, nil
}

// executor is k6's scenario of a pace, and how many users it needs so that a system that hangs leaves one over.
func executor(pace record.Pace) (map[string]any, int) {
	const long = "8h0m0s"
	if pace.Alone() {
		return map[string]any{"executor": "constant-vus", "vus": 1, "duration": long, "gracefulStop": pace.Timeout.String()}, 1
	}
	rate, unit := pace.Rate, time.Second
	for rate != math.Trunc(rate) && unit < time.Hour { // k6 takes whole rates only
		rate, unit = rate*10, unit*10
	}
	users := int(math.Ceil(pace.Rate*(pace.Timeout+500*time.Millisecond).Seconds())) + 5
	return map[string]any{"executor": "constant-arrival-rate", "rate": int(rate), "timeUnit": unit.String(),
		"duration": long, "preAllocatedVUs": users, "maxVUs": users, "gracefulStop": pace.Timeout.String()}, users
}

// pulse is a running pulse: one process of k6 after the other, since a script may abort its test in an iteration that
// is not good.
type pulse struct {
	launch   func(context.Context) (*leg, error)
	patience time.Duration // of an iteration
	clock    clock
	bootID   string
	sample   func(verifier.Sample)
	asked    func(string) // nil: nobody asks
	ran      ranChecks
	raw      *os.File
	kept     *hiddenLines // writes to raw
	broken   chan struct{}

	mu      sync.Mutex
	now     *leg
	stopped bool
	resting bool
	rested  chan struct{} // closed when no iteration runs any more; nil: nobody waits for that

	ended bool // the end record was seen
	said  line // that record
	lost  int
	err   error // of the stream or of k6; read after broken
}

func (p *pulse) add(l line) error {
	switch l.Kind {
	case "hello":
		p.clock.hello(l, p.bootID, record.Boottime)
		p.ended = false
	case "hb":
		p.clock.seen(l.At)
	case "check":
		p.ran.add(l)
	case "iter":
		p.clock.seen(l.End)
		ran := p.ran.take(l)
		if l.Iter >= 0 && !l.Cut {
			s := l.sample(p.clock.at(l.Start), p.clock.at(l.End))
			s.Failed, s.Passed = ran.failed, ran.passed
			p.sample(s)
		}
	case "drop":
		p.sample(verifier.Sample{Start: p.clock.at(l.At), End: p.clock.at(l.At), Dropped: max(1, l.Count)})
	case "rest":
		p.mu.Lock()
		if p.rested != nil {
			close(p.rested)
			p.rested = nil
		}
		p.mu.Unlock()
	case "asked":
		if p.asked != nil {
			p.asked(l.Address)
		}
	case "end":
		p.ended, p.said = true, l
		p.lost += l.Totals.Lost
	}
	return nil
}

// Rest implements verifier.Pulse.
func (p *pulse) Rest(ctx context.Context) error {
	rested := make(chan struct{})
	p.mu.Lock()
	p.resting, p.rested = true, rested
	p.now.commands.say("rest")
	p.mu.Unlock()
	late := time.NewTimer(p.patience + restGrace)
	defer late.Stop()
	select {
	case <-rested:
		return nil
	case <-late.C:
		return fmt.Errorf("k6 did not end its iterations within %v", p.patience+restGrace)
	case <-p.broken:
		return errors.New("k6 has ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// restGrace is what k6 has beyond the time of an iteration to come to rest: a script may wait without asking anybody.
const restGrace = 30 * time.Second

// GoOn implements verifier.Pulse.
func (p *pulse) GoOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resting, p.rested = false, nil
	p.now.commands.say("go on")
}

// Renew implements verifier.Pulse.
func (p *pulse) Renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.commands.say("renew")
}

// Broken implements verifier.Pulse.
func (p *pulse) Broken() <-chan struct{} { return p.broken }

// stopGrace is how long k6 may take to end.
const stopGrace = 15 * time.Second

// Stop implements verifier.Pulse.
func (p *pulse) Stop(ctx context.Context) error {
	select {
	case <-p.broken: // before anybody asked for it
		return errors.Join(p.verdict(), p.raw.Close())
	default:
	}
	p.mu.Lock()
	p.stopped = true
	running := p.now.process
	p.mu.Unlock()
	if err := running.Stop(ctx, stopGrace); err != nil {
		return errors.Join(fmt.Errorf("stop k6: %w", err), p.raw.Close())
	}
	select {
	case <-p.broken:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return errors.Join(p.verdict(), p.raw.Close())
}

func (p *pulse) verdict() error {
	switch {
	case p.err != nil:
		return p.err
	case !p.ended:
		return fmt.Errorf("k6's stream has no end")
	case p.lost > 0:
		return fmt.Errorf("%d records of the pulse were lost", p.lost)
	}
	return nil
}
