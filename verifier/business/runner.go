// Package business runs k6, the witness of whether the business works: as the
// pulse through a whole drill, and as a check after the rollback. What k6 says
// is taken from its stream of records, never from its exit code alone.
package business

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "embed"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
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

// flowScript is a flow and how its wrapper is filled.
type flowScript struct {
	path     string
	scenario string        // of its options; "": its own choice
	every    time.Duration // from one begin to the next at least
}

// program is what both uses of k6 have in common.
func (r *Runner) program(name string, script flowScript, wrapper string, scenario any, out string,
	env map[string]string) (instance.Program, error) {
	b, err := json.Marshal(scenario)
	if err != nil {
		return instance.Program{}, err
	}
	entry, files, err := bundle(script.path)
	if err != nil {
		return instance.Program{}, err
	}
	put := map[string][]byte{}
	for rel, content := range files {
		put[path.Join(inside, rel)] = content
	}
	put[path.Join(inside, "lifeboat-run.js")] = wrap(wrapper, "./"+entry, string(b), script)
	return instance.Program{
		Name: fmt.Sprintf("k6-%s-%d", name, r.runs.Add(1)), Binary: r.sidecar, Dir: inside, Files: put, Flow: script.path,
		Args: []string{"run", "--quiet", "--summary-mode=disabled", "--out", "lifeboat=stdout" + out, "lifeboat-run.js"},
		Env:  env,
	}, nil
}

// Run implements verifier.Flows: the flow a fixed number of times, thresholds held.
func (r *Runner) Run(ctx context.Context, q verifier.FlowRequest) (verifier.FlowResult, error) {
	within := cmp.Or(q.Timeout, 5*time.Minute)
	wrapper := businessWrapper
	if q.Decoy != decoy.None {
		wrapper = controlWrapper
	}
	p, err := r.program("check", flowScript{path: q.Script, scenario: q.Scenario}, wrapper, map[string]any{"executor": "shared-iterations", "vus": max(1, q.Users),
		"iterations": max(1, q.Iterations), "maxDuration": within.String(), "gracefulStop": "1s"}, "", q.Env)
	if err != nil {
		return verifier.FlowResult{}, err
	}
	p.Decoy = q.Decoy
	var stderr tail
	pr, pw := io.Pipe()
	p.Stdout, p.Stderr = pw, &stderr
	res := result{sample: q.Sample, clock: clock{base: q.Base}}
	if q.Sample != nil {
		if res.bootID, err = ledger.BootID(); err != nil {
			return verifier.FlowResult{}, err
		}
	}
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
