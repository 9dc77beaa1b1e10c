// Package business runs k6, the witness of whether the business works: as the
// pulse through a whole drill, and as a check after the rollback. What k6 says
// is taken from its stream of records, never from its exit code alone.
package business

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "embed"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/verifier"
)

// Runner is the verifier.Flows of this build.
type Runner struct {
	companion instance.Companion
	sidecar   string
	log       *slog.Logger
	runs      atomic.Int64
}

// New makes a runner. sidecar is the path of the static lifeboat-k6.
func New(c instance.Companion, sidecar string, log *slog.Logger) (*Runner, error) {
	if _, err := os.Stat(sidecar); err != nil {
		return nil, fmt.Errorf("find the k6 sidecar: %w; make build makes it, LIFEBOAT_K6 says where it is", err)
	}
	return &Runner{companion: c, sidecar: sidecar, log: log}, nil
}

//go:embed pulse.js
var pulseWrapper string

//go:embed business.js
var businessWrapper string

//go:embed control.js
var controlWrapper string

// inside is the folder of the flow's files in the container that runs k6.
const inside = "/flow"

// program is what both uses of k6 have in common.
func (r *Runner) program(name, script, wrapper string, scenario any, out string,
	env map[string]string) (instance.Program, error) {
	b, err := json.Marshal(scenario)
	if err != nil {
		return instance.Program{}, err
	}
	entry, files, err := bundle(script)
	if err != nil {
		return instance.Program{}, err
	}
	put := map[string][]byte{}
	for rel, content := range files {
		put[path.Join(inside, rel)] = content
	}
	put[path.Join(inside, "lifeboat-run.js")] = wrap(wrapper, "./"+entry, string(b))
	return instance.Program{
		Name: fmt.Sprintf("k6-%s-%d", name, r.runs.Add(1)), Binary: r.sidecar, Dir: inside, Files: put, Flow: script,
		Args: []string{"run", "--quiet", "--summary-mode=disabled", "--out", "lifeboat=stdout" + out, "lifeboat-run.js"},
		Env:  env,
	}, nil
}

// Run implements verifier.Flows: the flow a fixed number of times, thresholds held.
func (r *Runner) Run(ctx context.Context, q verifier.FlowRequest) (verifier.FlowResult, error) {
	within := q.Timeout
	if within == 0 {
		within = 5 * time.Minute
	}
	wrapper := businessWrapper
	if q.Decoy != decoy.None {
		wrapper = controlWrapper
	}
	p, err := r.program("check", q.Script, wrapper, map[string]any{"executor": "shared-iterations", "vus": 1,
		"iterations": max(1, q.Iterations), "maxDuration": within.String(), "gracefulStop": "1s"}, "", q.Env)
	if err != nil {
		return verifier.FlowResult{}, err
	}
	p.Decoy = q.Decoy
	var stderr tail
	pr, pw := io.Pipe()
	p.Stdout, p.Stderr = pw, &stderr
	var res result
	scanned := make(chan error, 1)
	go func() {
		err := scan(pr, res.add)
		pr.CloseWithError(err) // a reader that gave up must not block k6
		scanned <- err
	}()
	ctx, cancel := context.WithTimeout(ctx, within+30*time.Second)
	defer cancel()
	process, err := r.companion.Run(ctx, p)
	if err != nil {
		return verifier.FlowResult{}, errors.Join(fmt.Errorf("run k6: %w", err), pw.Close())
	}
	exit, err := process.Wait(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for k6: %w", err), process.Stop(context.WithoutCancel(ctx), time.Second))
	}
	if e := pw.Close(); err == nil {
		err = e
	}
	if e := <-scanned; err == nil && e != nil && exit != 2 {
		err = e
	}
	return res.finish(exit, stderr.String()), err
}

// Pulse implements verifier.Flows: the flow at a low, constant rate until Stop.
func (r *Runner) Pulse(ctx context.Context, q verifier.PulseRequest) (verifier.Pulse, error) {
	rate, unit := q.Rate, time.Second
	for rate != math.Trunc(rate) && unit < time.Hour { // k6 takes whole rates only
		rate, unit = rate*10, unit*10
	}
	users := int(math.Ceil(q.Rate*(q.Timeout+500*time.Millisecond).Seconds())) + 5
	p, err := r.program("pulse", q.Script, pulseWrapper, map[string]any{"executor": "constant-arrival-rate",
		"rate": int(rate), "timeUnit": unit.String(), "duration": "8h0m0s", "preAllocatedVUs": users, "maxVUs": users,
		"gracefulStop": q.Timeout.String()}, ",timeout="+q.Timeout.String(), q.Env)
	if err != nil {
		return nil, err
	}
	p.Args = append([]string{p.Args[0], "--no-thresholds"}, p.Args[1:]...)
	raw, err := os.OpenFile(q.Raw, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the pulse's stream: %w", err)
	}
	bootID, err := ledger.BootID()
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	run := &pulse{clock: clock{base: q.Base}, bootID: bootID, sample: q.Sample,
		broken: make(chan struct{}), scanned: make(chan struct{}), raw: raw,
		kept: &hiddenLines{to: raw, hide: q.Hide}}
	pr, pw := io.Pipe()
	run.writer = pw
	p.Stdout, p.Stderr = pw, &run.stderr
	go run.read(pr)
	if run.process, err = r.companion.Run(ctx, p); err != nil {
		return nil, errors.Join(fmt.Errorf("run k6: %w", err), pw.Close(), raw.Close())
	}
	go run.wait(context.WithoutCancel(ctx))
	return run, nil
}

// pulse is a running pulse.
type pulse struct {
	process instance.Process
	clock   clock
	bootID  string
	sample  func(verifier.Sample)
	failed  failedChecks
	raw     *os.File
	kept    *hiddenLines // writes to raw
	writer  *io.PipeWriter
	stderr  tail
	broken  chan struct{}
	scanned chan struct{}
	stopped atomic.Bool
	ended   bool // the end record was seen
	lost    int
	err     error // of the stream; read after scanned
	exitErr error
}

func (p *pulse) read(r *io.PipeReader) {
	defer close(p.scanned)
	p.err = errors.Join(scan(io.TeeReader(r, p.kept), p.add), p.kept.flush())
	r.CloseWithError(p.err)
}

func (p *pulse) add(l line) error {
	switch l.Kind {
	case "hello":
		p.clock.hello(l, p.bootID, record.Boottime)
	case "hb":
		p.clock.seen(l.At)
	case "check":
		p.failed.add(l)
	case "iter":
		p.clock.seen(l.End)
		failed := p.failed.take(l)
		if l.Iter >= 0 && !l.Cut {
			s := l.sample(p.clock.at(l.Start), p.clock.at(l.End))
			s.Failed = failed
			p.sample(s)
		}
	case "drop":
		p.sample(verifier.Sample{Start: p.clock.at(l.At), End: p.clock.at(l.At), Dropped: max(1, l.Count)})
	case "end":
		p.ended, p.lost = true, l.Totals.Lost
	}
	return nil
}

// wait closes the stream when k6 has ended, and says so if nobody asked it to.
func (p *pulse) wait(ctx context.Context) {
	exit, err := p.process.Wait(ctx)
	p.exitErr = err
	if err == nil && !p.stopped.Load() {
		p.exitErr = fmt.Errorf("k6 ended by itself with exit code %d: %s", exit, p.stderr.String())
	}
	p.writer.Close() // never fails
	<-p.scanned
	close(p.broken)
}

// Broken implements verifier.Pulse.
func (p *pulse) Broken() <-chan struct{} { return p.broken }

// Stop implements verifier.Pulse.
func (p *pulse) Stop(ctx context.Context) error {
	select {
	case <-p.broken: // before anybody asked for it
		return errors.Join(p.verdict(), p.raw.Close())
	default:
	}
	p.stopped.Store(true)
	if err := p.process.Stop(ctx, 15*time.Second); err != nil {
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
	case p.exitErr != nil:
		return p.exitErr
	case p.err != nil:
		return p.err
	case !p.ended:
		return fmt.Errorf("k6's stream has no end: %s", p.stderr.String())
	case p.lost > 0:
		return fmt.Errorf("%d records of the pulse were lost", p.lost)
	}
	return nil
}

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	b   bytes.Buffer
	cut bool // something was written before it
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	if extra := t.b.Len() - tailSize; extra > 0 {
		t.b.Next(extra)
		t.cut = true
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := strings.ToValidUTF8(string(bytes.TrimSpace(t.b.Bytes())), "")
	if t.cut {
		return "…" + said
	}
	return said
}
