package business

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Kinds of checks that NewCheck makes.
func Kinds() []string { return []string{"k6"} }

// k6Keys of the scenario.
type k6Keys struct {
	Script     string                      `yaml:"script"`     // from the scenario's folder
	Scenario   string                      `yaml:"scenario"`   // of those in the script's options; default: as of the flow
	Iterations int                         `yaml:"iterations"` // default 1
	Env        map[string]scenarios.Secret `yaml:"env"`        // instead of the flow's
	Timeout    scenarios.Duration          `yaml:"timeout"`    // of all iterations; default 5m
}

// mostIterations of one check: it is a question, not a load test.
const mostIterations = 100_000

// k6 runs a flow a fixed number of times, each of which must prove something.
type k6 struct {
	verifier.Asked
	keys   k6Keys
	script string // absolute

	mu    sync.Mutex
	threw map[decoy.Kind]bool // before which decoys it said no by an exception alone
}

// NewCheck makes a check of its part of a scenario. dir is the scenario's folder.
func NewCheck(spec scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
	s := spec.Settings
	if spec.Kind != "k6" {
		return nil, []scenarios.Problem{s.Problem("", "kinds: k6", "there is no business check %q", spec.Kind)}
	}
	c := &k6{keys: k6Keys{Iterations: 1}, Asked: verifier.AskedOf(spec.Name, ""), threw: map[decoy.Kind]bool{}}
	problems := s.Decode(&c.keys)
	k := c.keys
	problems = append(problems, s.ProblemIf(k.Script == "", "script", "script: flows/checkout.js", "k6 runs no script")...)
	if k.Iterations < 1 || k.Iterations > mostIterations {
		problems = append(problems, s.Problem("iterations", fmt.Sprintf("between 1 and %d", mostIterations),
			"%d iterations prove nothing", k.Iterations))
	}
	c.script = filepath.Join(dir, filepath.FromSlash(k.Script))
	return c, problems
}

// played is what was asked for and what came of it.
type played struct {
	Asked  int                 `json:"asked"`
	Throws bool                `json:"throws,omitempty"` // it was seen to throw where nothing answers: not to throw is an answer
	Result verifier.FlowResult `json:"result"`
}

// Observe implements verifier.Check.
func (c *k6) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	seen, err := c.run(ctx, t, verifier.FlowRequest{Script: c.script, Iterations: c.keys.Iterations, Timeout: c.keys.Timeout.Std()})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	seen.Throws = c.threw[decoy.Silent] && c.threw[decoy.Failing]
	c.mu.Unlock()
	return verifier.Encode("k6", seen)
}

// Control implements verifier.Controlled. One iteration is enough where it fails. Where it is good and something else
// failed, such as a threshold that counts iterations, the check is asked as it will be.
func (c *k6) Control(ctx context.Context, t verifier.Target, k decoy.Kind) (verifier.Answer, error) {
	a, first, err := c.against(ctx, t, k, 1)
	c.mu.Lock()
	c.threw[k] = first.Result.Throws()
	c.mu.Unlock()
	good := first.Result.Good > 0
	if err != nil || !good || a.Status != record.CheckFailed || c.keys.Iterations == 1 {
		return a, err
	}
	a, _, err = c.against(ctx, t, k, c.keys.Iterations)
	return a, err
}

// longestControl of a check where a decoy answers, so that many of them do not keep a drill from its restore.
const longestControl = time.Minute

// against asks with so many iterations where a decoy stands. Where nothing answers the check has the time that it has
// where something does: one that needs longer passes neither here nor there.
func (c *k6) against(ctx context.Context, t verifier.Target, k decoy.Kind, iterations int) (verifier.Answer, played, error) {
	some := &k6{Asked: c.Asked, keys: c.keys, script: c.script}
	some.keys.Iterations = iterations
	within := c.keys.Timeout.Std()
	if k != decoy.Silent && (within == 0 || within > longestControl) {
		within = longestControl
	}
	seen, err := some.run(ctx, t, verifier.FlowRequest{Script: c.script, Iterations: iterations, Timeout: within, Decoy: k})
	switch {
	case err != nil:
		return verifier.Answer{}, seen, err
	case seen.Result.Iterations == 0:
		return verifier.Crashed("no iteration of %s was run: %s", c.keys.Script, why(seen.Result)), seen, nil
	}
	seen.Throws = k == decoy.Empty // whether it does is not known yet, and an empty page that it takes is worth a word
	return some.judge(nil, seen), seen, nil
}

func (c *k6) run(ctx context.Context, t verifier.Target, r verifier.FlowRequest) (played, error) {
	r.Scenario = c.keys.Scenario
	for _, name := range slices.Sorted(maps.Keys(c.keys.Env)) {
		value, err := c.keys.Env[name].Reveal()
		if err != nil {
			return played{}, err
		}
		if r.Env == nil {
			r.Env = map[string]string{}
		}
		r.Env[name] = value
	}
	result, err := t.Flow(ctx, r)
	if err != nil {
		return played{}, fmt.Errorf("run %s: %w", c.keys.Script, err)
	}
	return played{Asked: r.Iterations, Result: result}, nil
}

// Judge implements verifier.Check.
func (c *k6) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("k6", before, after, c.judge)
}

// k6's exit codes that agree with a stream: done, a threshold failed, the script's own verdict twice.
var fairExits = []int{0, 99, 108, 110}

func (c *k6) judge(_ *played, now played) verifier.Answer {
	r, script := now.Result, c.keys.Script
	if now.Throws {
		r.Good += r.Unproven
	}
	switch {
	case r.Script:
		return verifier.Crashed("%s is broken, exit code %d: %s", script, r.Exit, why(r))
	case !r.Complete:
		return verifier.Crashed("k6 did not say that it came to the end, exit code %d: %s", r.Exit, why(r))
	case len(r.Failed) > 0 || r.ChecksFailed > 0 || r.Exit == 99:
		return verifier.Failed("%d of %d iterations were good; failed: %s", r.Good, r.Iterations, why(r))
	case !slices.Contains(fairExits, r.Exit):
		return verifier.Crashed("k6 ended with exit code %d: %s", r.Exit, why(r))
	case r.Iterations == 0:
		return verifier.Failed("no iteration of %s came to its end", script)
	case r.ChecksPassed == 0 && !now.Throws:
		return verifier.Failed("no check ran in %s", script)
	case r.Iterations < max(1, c.keys.Iterations):
		return verifier.Failed("only %d of %d iterations were run", r.Iterations, c.keys.Iterations)
	case r.Good != r.Iterations:
		return verifier.Failed("%d of %d iterations proved nothing or failed", r.Iterations-r.Good, r.Iterations)
	case r.Exit != 0 || r.Error != "":
		return verifier.Failed("the script itself says failed, exit code %d: %s", r.Exit, why(r))
	case now.Asked < c.keys.Iterations:
		return verifier.Crashed("%d iterations were asked for, not %d", now.Asked, c.keys.Iterations)
	case len(r.Unmeasured) > 0:
		return verifier.Crashed("%s got no sample, so nobody knows whether it holds; name what this script measures",
			strings.Join(r.Unmeasured, "; "))
	}
	return verifier.Passed("%d iterations, %d checks passed%s", r.Iterations, r.ChecksPassed, noted(r.Notes))
}

// noted is what the script said beside its checks.
func noted(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return fmt.Sprintf("; the script notes: %s", verifier.Line(strings.Join(notes, "; "), 200))
}

// why says in a line what k6 had to say.
func why(r verifier.FlowResult) string {
	said := strings.Join(r.Failed, "; ")
	if r.Error != "" {
		said = strings.TrimPrefix(said+"; "+r.Error, "; ")
	}
	said = cmp.Or(said, "no reason given")
	return verifier.Line(said, 300)
}
