package drills

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// world is a business of fake parts: it is up while none of its instances is broken.
type world struct {
	t        *testing.T
	home     string
	machine  *fake.World
	driver   *fake.Driver
	load     func(during int) error // called with the number of the load, 1 first
	loads    int
	answer   func(name string) record.CheckStatus            // of the checks; nil: passed
	crash    bool                                            // the checks panic
	bite     bool                                            // faults bite
	refuse   string                                          // the instance on which no fault can be injected
	fits     func(script string) bool                        // whether what is up is what a flow asks for; nil: always
	takes    time.Duration                                   // an iteration; 0: next to nothing
	slow     time.Duration                                   // an iteration that nobody is beside; 0: as all
	loads6   time.Duration                                   // k6 needs to start, once the pulse runs
	crowd    bool                                            // the flow does not bear its own company
	clashes  int                                             // runs by two users that are red for once
	late     time.Duration                                   // each iteration of the pulse is given up after that
	pace     record.Pace                                     // that the pulse was asked for
	mute     bool                                            // the pulse's iterations have no checks
	names    func(at time.Duration) []string                 // of the checks that pass in an iteration; nil: none is told
	before   func(k decoy.Kind) (verifier.FlowResult, error) // the flow's run before a decoy; nil: it is red
	silent   time.Duration                                   // for how long the machine does not answer with the fault; then it has come up
	injected time.Time                                       // the latest fault
	undo     func(tries int) error
	tries    int
	script   func(d time.Duration) bool // overrides the business, by elapsed time
	blind    func(d time.Duration) bool // no iteration begins
	clock    record.Clock               // of the host; in virtual time
	drops    func(d time.Duration) bool // k6 could not start the iteration, and says so
	ends     time.Duration              // when the pulse ends by itself; 0: never
	business func() bool                // whether it is up; nil: while no instance is broken
	files    map[string]string          // beside the scenario
	change   func(k *Kit)               // before it is used
	outline  func(p *Plan)              // is shown the plan
	lazy     []*lazyDisk                // that were opened
	opened   []store.Random             // the same, as machines read them
	unfit    error                      // what is found when a disk is read as a whole
	keep     bool                       // leave what did not pass for looking
	upTo     string                     // the rung at which it ends
	log      slog.Handler               // nil: nobody reads it
	sum      string                     // of what was loaded; default sha256:00
	made     string                     // when a dump says that it was made
	checks   []CheckPlan                // of the latest drill
	ahead    Options                    // Turn and Patience of it

	// lasting is where a fault stays in force, whatever the business does.
	lasting map[string]bool
	// unasked is why no fault can be asked after a rollback; nil: each answers.
	unasked error
	// asked answers instead when a fault is asked after a rollback; nil: its machine does.
	asked func() error
	// ask is the person at the terminal; nil: nobody sits there.
	ask func(context.Context, Question) (Answer, error)

	mu     sync.Mutex
	broken map[string]bool
}

func newWorld(t *testing.T) *world {
	return &world{t: t, home: t.TempDir(), bite: true, broken: map[string]bool{},
		clock:   record.Clock{Boot: func() int64 { return time.Now().UnixNano() }},
		machine: &fake.World{Images: map[string]fake.Script{"img": {BootTime: time.Second}}}}
}

func (w *world) set(name string, broken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken[name] = broken
}

func (w *world) up() bool {
	if w.business != nil {
		return w.business()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.broken {
		if b {
			return false
		}
	}
	return true
}

func (w *world) kit() Kit {
	k := Kit{
		Stores: map[string]func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem){
			"fake": func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return fakeStore{}, nil }},
		Loaders: map[string]func(scenarios.Settings) (restore.Loader, []scenarios.Problem){
			"fake": func(scenarios.Settings) (restore.Loader, []scenarios.Problem) { return fakeLoader{w}, nil }},
		Instances: map[string]instance.Kind{"fake": docker.Kind(func(s instance.Site) (instance.Driver, error) {
			w.driver = fake.New(s, w.machine)
			return w.driver, nil
		})},
		Faults: map[string]func(scenarios.Settings) (fault.Fault, []scenarios.Problem){
			"break": func(scenarios.Settings) (fault.Fault, []scenarios.Problem) { return fakeFault{w}, nil }},
		Checks:  map[string]func(scenarios.CheckSpec, string) (verifier.Check, []scenarios.Problem){},
		Flows:   func(instance.Companion, *slog.Logger) (verifier.Flows, error) { return fakeFlows{w}, nil },
		Undoers: maps.Clone(ledger.Undoers()),
	}
	for _, l := range record.Layers() {
		k.Checks[string(l)+"/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return fakeCheck{w, s.Name}, nil
		}
	}
	for _, kind := range []string{"fake.machine", "fake.exec", "fake.program", "fake.image"} {
		k.Undoers[kind] = func(ctx context.Context, s ledger.Scope, e ledger.Entry) error {
			return w.driver.Undoers()[kind](ctx, s, e)
		}
	}
	k.Undoers["fake.heal"] = func(context.Context, ledger.Scope, ledger.Entry) error {
		w.tries++
		if w.undo != nil {
			return w.undo(w.tries)
		}
		return nil
	}
	k = w.vmKit(k)
	k.Boots = 3
	if w.change != nil {
		w.change(&k)
	}
	return k
}

// run drills a scenario inside a bubble of virtual time.
func (w *world) run(yaml string, also ...func(ctx context.Context, cancel context.CancelCauseFunc)) (res *Result) {
	w.t.Helper()
	dir := w.t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	require.NoError(w.t, os.WriteFile(file, []byte(yaml), 0o600))
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "flow.js"), []byte("export default function () {}\n"), 0o600))
	for name, text := range w.files {
		require.NoError(w.t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(w.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	synctest.Test(w.t, func(t *testing.T) {
		s, err := scenarios.Load(file)
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		plan, err := NewPlan(ctx, w.kit(), s)
		require.NoError(t, err)
		if w.outline != nil {
			w.outline(plan)
		}
		for _, f := range also {
			go f(ctx, cancel)
		}
		log := cmp.Or[slog.Handler](w.log, slog.DiscardHandler)
		w.checks = plan.Checks
		opt := Options{Home: w.home, Tool: "test", Keep: w.keep, UpTo: w.upTo, Log: slog.New(log), Clock: w.clock, Watch: Watch{Ask: w.ask},
			Turn: w.ahead.Turn, Patience: w.ahead.Patience}
		res, err = Run(ctx, w.kit(), plan, opt)
		require.NoError(t, err)
	})
	require.NoError(w.t, judgedAgain(leaveAlone(w.t, res.Dir), w.checks, res), "judged from the journal and raw/ alone")
	return res
}

// promised00 is what the fake store promises of all that it holds.
var promised00 = record.Digest{Algorithm: record.SHA256, Value: "00", PromisedBy: record.PromisedByList}

type fakeStore struct{}

func (fakeStore) List(context.Context) ([]store.Point, error) {
	return []store.Point{{ID: "p1", Size: 10, Digest: promised00, Taken: time.Unix(1, 0)}}, nil
}

func (fakeStore) Fetch(context.Context, store.Point) (store.Stream, error) {
	return nil, errors.New("the fake has no bytes")
}

type fakeLoader struct{ w *world }

func (fakeLoader) Prepare(*instance.Request) error               { return nil }
func (fakeLoader) Ready(context.Context, instance.Machine) error { return nil }
func (l fakeLoader) Load(_ context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	during := l.w.nextLoad()
	time.Sleep(2 * time.Second)
	if l.w.load != nil {
		if err := l.w.load(during); err != nil {
			return restore.Outcome{}, err
		}
	}
	l.w.set(m.Name(), false)
	return restore.Outcome{Digest: cmp.Or(l.w.sum, "sha256:00"), Bytes: s.Point.Size, Made: l.w.made}, nil
}

type fakeFault struct{ w *world }

func (fakeFault) Available(context.Context, fault.Target) error { return nil }
func (fakeFault) Prepare(context.Context, fault.Target) (ledger.Undo, error) {
	return ledger.Undo{Kind: "fake.heal", Data: json.RawMessage(`{}`)}, nil
}

func (f fakeFault) Inject(_ context.Context, t fault.Target) error {
	if t.Machine.Name() == f.w.refuse {
		return errors.New("read-only file system")
	}
	f.w.set(t.Machine.Name(), f.w.bite)
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.injected = time.Now()
	return nil
}

func (f fakeFault) Effective(context.Context, fault.Target) error {
	switch since := time.Since(f.w.injected); {
	case since < f.w.silent:
		return fmt.Errorf("%w: db", fault.ErrSilent)
	case f.w.silent > 0:
		return fmt.Errorf("%w: db", fault.ErrCameUp)
	}
	if f.w.up() {
		return instance.NotInForce("still up")
	}
	return nil
}

// Lasts implements fault.Lasting.
func (f fakeFault) Lasts(_ context.Context, t fault.Target) error {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	switch name := t.Machine.Name(); {
	case f.w.asked != nil:
		return f.w.asked()
	case f.w.unasked != nil:
		return f.w.unasked
	case f.w.lasting[name], f.w.broken[name]:
		return nil
	}
	return instance.NotInForce("it is up")
}

type fakeCheck struct {
	w    *world
	name string
}

func (c fakeCheck) Name() string { return c.name }
func (c fakeCheck) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	if c.w.crash {
		panic("a bug in the check")
	}
	status := record.CheckPassed
	if c.w.answer != nil {
		status = c.w.answer(c.name)
	}
	return json.Marshal(status)
}

func (c fakeCheck) Judge(_, after verifier.Facts) verifier.Answer {
	var s record.CheckStatus
	if json.Unmarshal(after, &s) != nil {
		return verifier.Answer{Status: record.CheckCrashed}
	}
	return verifier.Answer{Status: s, Message: "asked"}
}

type fakeFlows struct{ w *world }

// alone runs a flow with nobody beside it; the business may be busy for as long as an iteration takes.
func (f fakeFlows) alone(r verifier.FlowRequest) verifier.FlowResult {
	took := cmp.Or(f.w.slow, f.w.takes, 10*time.Millisecond)
	if !slices.Contains(f.w.machine.Flows, r.Script) {
		f.w.machine.Flows = append(f.w.machine.Flows, r.Script)
	}
	res := verifier.FlowResult{Complete: true}
	if r.Sample != nil {
		time.Sleep(f.w.loads6)
	}
	for range max(1, r.Iterations) {
		from := time.Since(r.Base)
		time.Sleep(took)
		up := f.w.up()
		if r.Sample != nil {
			r.Sample(verifier.Sample{Start: from, End: from + took, OK: up, Checks: 1})
		}
		if r.Users > 1 && (f.w.crowd || f.w.clashes > 0) {
			up = false
			res.ChecksFailed, res.Failed = res.ChecksFailed+1, []string{"three feeds"}
		}
		if res.Iterations++; up {
			res.Good, res.ChecksPassed = res.Good+1, res.ChecksPassed+1
			res.Shortest, res.Longest, res.LongestRequest = took, took, took/10
		}
	}
	if r.Users > 1 {
		f.w.clashes--
	}
	return res
}

// Run is asked by the negative control, and for how long an iteration takes.
func (f fakeFlows) Run(_ context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	if r.Decoy == decoy.None {
		return f.alone(r), nil
	}
	if f.w.before != nil {
		return f.w.before(r.Decoy)
	}
	return verifier.FlowResult{Iterations: 1}, nil
}

func (f fakeFlows) Pulse(_ context.Context, r verifier.PulseRequest) (verifier.Pulse, error) {
	f.w.machine.Flows = append(f.w.machine.Flows, r.Script)
	p := &fakePulse{stop: make(chan struct{}), done: make(chan struct{}), broken: make(chan struct{})}
	f.w.pace = r.Pace
	if r.Asked != nil {
		r.Asked("http://app:8080")
	}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(r.Pace.Period())
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-p.stop:
				return
			}
			at := time.Since(r.Base)
			if f.w.ends > 0 && at >= f.w.ends {
				close(p.broken)
				return
			}
			if f.w.blind != nil && f.w.blind(at) || p.resting.Load() {
				continue
			}
			if f.w.drops != nil && f.w.drops(at) {
				r.Sample(verifier.Sample{Start: at, End: at, Dropped: 1})
				continue
			}
			up := f.w.up()
			if f.w.script != nil {
				up = f.w.script(at)
			}
			if f.w.fits != nil {
				up = up && f.w.fits(filepath.Base(r.Script))
			}
			s := verifier.Sample{Start: at - time.Millisecond, End: at, OK: up, Checks: 1}
			if f.w.takes > 0 && r.Pace.Alone() { // one user waits for its answer
				time.Sleep(f.w.takes)
			}
			if f.w.takes > 0 {
				s = verifier.Sample{Start: at, End: at + f.w.takes, OK: up, Checks: 1}
			}
			if f.w.crowd && !r.Pace.Alone() && f.w.takes > r.Pace.Period() {
				s.OK, s.Error, s.Answered = false, "three feeds, not six", true
			}
			if f.w.late > 0 {
				s = verifier.Sample{Start: at - f.w.late, End: at, TimedOut: true, Error: "given up"}
			}
			if f.w.mute {
				s.Checks = 0
			}
			if f.w.names != nil && s.OK {
				s.Passed = f.w.names(at)
			}
			r.Sample(s)
		}
	}()
	return p, nil
}
