// Package business runs k6, the witness of whether the business works: as the
// pulse through a whole drill, and as a check after the rollback. What k6 says
// is taken from its stream of records, never from its exit code alone.
package business

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
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

// bundle reads the folder of a flow, so that its relative imports and open()
// work in the container, too. entry is the script's path within it.
func bundle(script string) (entry string, files map[string][]byte, err error) {
	if files, err = scenarios.FlowFiles(script); err != nil {
		return "", nil, fmt.Errorf("read the flow %s: %w", script, err)
	}
	return filepath.Base(script), files, nil
}

// wrap fills a wrapper: the flow's path, the k6 scenario as JSON, and what the script says of itself.
func wrap(wrapper, flow, scenario string, script flowScript) []byte {
	name, err := json.Marshal(script.scenario)
	if err != nil { // of a text: never
		name = []byte(`""`)
	}
	return []byte(strings.NewReplacer("__FLOW__", flow, "__SCENARIO__", scenario, "__NAME__", string(name),
		"__EVERY__", script.every.String()).Replace(wrapper))
}

// commands is what is said to a running k6: a line each, for as long as it runs.
type commands struct {
	lines chan string
	once  sync.Once
	ended chan struct{}
	rest  []byte // of a line that was not taken whole
}

func newCommands() *commands {
	return &commands{lines: make(chan string, 64), ended: make(chan struct{})}
}

// say never waits: who has 64 commands to read reads none.
func (c *commands) say(line string) {
	select {
	case c.lines <- line + "\n":
	default:
	}
}

func (c *commands) close() { c.once.Do(func() { close(c.ended) }) }

// Read implements io.Reader.
func (c *commands) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case line := <-c.lines:
			c.rest = []byte(line)
		case <-c.ended:
			return 0, io.EOF
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// hiddenLines takes secrets out of lines before they are written: who is killed cannot do so afterwards.
type hiddenLines struct {
	to   io.Writer
	hide func(string) string // nil: nobody knows any
	rest []byte              // of a line that has not ended
}

// Write implements io.Writer.
func (h *hiddenLines) Write(p []byte) (int, error) {
	if h.hide == nil {
		return h.to.Write(p)
	}
	h.rest = append(h.rest, p...)
	end := bytes.LastIndexByte(h.rest, '\n') + 1
	if end == 0 && len(h.rest) <= maxLine {
		return len(p), nil
	}
	if end == 0 {
		end = len(h.rest) // the reader of the stream gives up, too
	}
	whole := h.hide(string(h.rest[:end]))
	h.rest = append([]byte(nil), h.rest[end:]...)
	if _, err := io.WriteString(h.to, whole); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes what has not ended.
func (h *hiddenLines) flush() error {
	if len(h.rest) == 0 {
		return nil
	}
	_, err := io.WriteString(h.to, h.hide(string(h.rest)))
	h.rest = nil
	return err
}
