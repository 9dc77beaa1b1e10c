package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

var update = flag.Bool("update", false, "record testdata/golden anew from real runs")

// asSidecar makes the test binary behave as lifeboat-k6, so that tests need no build of their own.
const asSidecar = "LIFEBOAT_TEST_SIDECAR"

func TestMain(m *testing.M) {
	if os.Getenv(asSidecar) == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// record is every kind of line in one struct, as a reader would have it.
type record struct {
	Kind          string           `json:"kind"`
	Version       int              `json:"version"`
	PID           int              `json:"pid"`
	K6            string           `json:"k6"`
	At            int64            `json:"at"`
	Start         int64            `json:"start"`
	End           int64            `json:"end"`
	OK            bool             `json:"ok"`
	Cut           bool             `json:"cut"`
	Setup         bool             `json:"setup"`
	Address       string           `json:"address"`
	TimedOut      int              `json:"timed_out"`
	Longest       int64            `json:"longest_request"`
	VU            uint64           `json:"vu"`
	Iter          int64            `json:"iter"`
	Name          string           `json:"name"`
	Error         string           `json:"error"`
	Message       string           `json:"message"`
	Scenario      string           `json:"scenario"`
	Count         int64            `json:"count"`
	ChecksPassed  int              `json:"checks_passed"`
	ChecksFailed  int              `json:"checks_failed"`
	HTTPFailed    int              `json:"http_failed"`
	Exit          int              `json:"exit"`
	Thresholds    []wire.Threshold `json:"thresholds"`
	Totals        wire.Totals      `json:"totals"`
	Value         float64          `json:"value"`
	Method        string           `json:"method"`
	Status        string           `json:"status"`
	receivedAfter time.Duration
}

// job is one run of the sidecar.
type job struct {
	wrapper  string // pulse or business; empty runs the flow itself
	flow     string
	rate     int           // pulse: iterations a second
	duration time.Duration // pulse
	vus      int           // pulse: fewer users than the rule gives
	iters    int           // business; 0 means 1
	out      string        // after lifeboat=; default stdout
	env      []string
	args     []string
	fd3      bool          // records on descriptor 3
	scenario string        // of the script's options
	every    time.Duration // pulse: one user, who begins that often
}

// outcome is what a reader and a waiting parent see.
type outcome struct {
	exit   int
	raw    []byte
	recs   []record
	stderr string
	wall   time.Duration
}

func (o outcome) kind(kind string) []record {
	var out []record
	for _, r := range o.recs {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func (o outcome) end(t *testing.T) record {
	t.Helper()
	ends := o.kind(wire.KindEnd)
	require.Len(t, ends, 1, "stderr: %s", o.stderr)
	require.Equal(t, wire.KindEnd, o.recs[len(o.recs)-1].Kind)
	return ends[0]
}

// pulseVUs is the rule for how many users a pulse needs so that a hanging server cannot starve it.
func pulseVUs(rate int, timeout time.Duration) int {
	return int(math.Ceil(float64(rate)*(timeout.Seconds()+0.5))) + 5
}

// script writes the wrapper that a parent would generate beside a copy of the flows, and returns its path.
func (j job) script(t *testing.T) string {
	t.Helper()
	if j.wrapper == "" {
		return filepath.Join("testdata", "flows", j.flow)
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "flows"), os.DirFS("testdata/flows")))
	template, err := os.ReadFile(filepath.Join("testdata", "wrapper", j.wrapper+".js"))
	require.NoError(t, err)
	var scenario map[string]any
	if j.wrapper == "pulse" {
		vus := pulseVUs(j.rate, time.Second)
		if j.vus > 0 {
			vus = j.vus
		}
		scenario = map[string]any{
			"executor": "constant-arrival-rate", "rate": j.rate, "timeUnit": "1s", "duration": j.duration.String(),
			"preAllocatedVUs": vus, "maxVUs": vus, "gracefulStop": "1s",
		}
		if j.every > 0 {
			scenario = map[string]any{"executor": "constant-vus", "vus": 1, "duration": j.duration.String(), "gracefulStop": "1s"}
		}
	} else {
		scenario = map[string]any{
			"executor": "shared-iterations", "vus": 1, "iterations": max(j.iters, 1), "maxDuration": "10m", "gracefulStop": "1s",
		}
	}
	js, err := json.Marshal(scenario)
	require.NoError(t, err)
	text := strings.NewReplacer("__FLOW__", "./flows/"+j.flow, "__SCENARIO__", string(js), "__NAME__", `"`+j.scenario+`"`,
		"__EVERY__", max(j.every, 0).String()).Replace(string(template))
	path := filepath.Join(dir, j.wrapper+".js")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// child is a running sidecar.
type child struct {
	cmd     *exec.Cmd
	lines   chan record
	raw     bytes.Buffer
	stderr  bytes.Buffer
	stdin   io.WriteCloser
	started time.Time
}

// say gives the sidecar a command.
func (c *child) say(t *testing.T, command string) {
	t.Helper()
	_, err := io.WriteString(c.stdin, command+"\n")
	require.NoError(t, err)
}

func (j job) start(t *testing.T) *child {
	t.Helper()
	out := j.out
	if out == "" {
		out = "stdout"
	}
	args := append([]string{"run", "--quiet", "--log-format=json", "--out", "lifeboat=" + out}, j.args...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{lines: make(chan record, 10_000), started: time.Now()}
	c.cmd = exec.CommandContext(ctx, self, append(args, j.script(t))...)
	c.cmd.Env = append([]string{asSidecar + "=1", "HOME=/", "K6_OUT=cloud", "K6_ITERATIONS=99"}, j.env...)
	c.cmd.Stderr = &c.stderr
	r, w, err := os.Pipe()
	require.NoError(t, err)
	if j.fd3 {
		c.cmd.ExtraFiles = []*os.File{w}
	} else {
		c.cmd.Stdout = w
	}
	c.stdin, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	require.NoError(t, w.Close())
	go c.read(t, r)
	return c
}

func (c *child) read(t *testing.T, r io.ReadCloser) {
	defer close(c.lines)
	defer func() { _ = r.Close() }()
	sc := bufio.NewScanner(io.TeeReader(r, &c.raw))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var rec record
		if err := json.Unmarshal(sc.Bytes(), &rec); err != nil || rec.Kind == "" {
			t.Errorf("line is no record: %q", sc.Text())
		}
		rec.receivedAfter = time.Since(c.started)
		c.lines <- rec
	}
}

func (c *child) wait(t *testing.T) outcome {
	t.Helper()
	var o outcome
	for r := range c.lines {
		o.recs = append(o.recs, r)
	}
	err := c.cmd.Wait()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		require.NoError(t, err)
	}
	o.exit, o.raw = c.cmd.ProcessState.ExitCode(), c.raw.Bytes()
	o.stderr, o.wall = c.stderr.String(), time.Since(c.started)
	return o
}

func (c *child) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(sig))
}

func (j job) run(t *testing.T) outcome {
	t.Helper()
	return j.start(t).wait(t)
}

// until reads records until one satisfies ok, and keeps them for nobody.
func (c *child) until(t *testing.T, what string, ok func(record) bool) {
	t.Helper()
	for r := range c.lines {
		if ok(r) {
			return
		}
	}
	t.Fatalf("stream ended before %s; stderr: %s", what, c.stderr.String())
}

// keep records a golden stream with -update. The rest of the test has already judged the run.
func keep(t *testing.T, name string, o outcome) {
	t.Helper()
	if *update {
		raw := strings.ReplaceAll(string(o.raw), os.TempDir(), "")
		require.NoError(t, os.WriteFile(filepath.Join("testdata", "golden", name+".ndjson"), []byte(raw), 0o600))
	}
}

func baseURL(addr string) string { return fmt.Sprintf("BASE_URL=http://%s", addr) }
