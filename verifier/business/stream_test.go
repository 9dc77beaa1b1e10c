package business

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// golden streams are those that the sidecar's own tests wrote.
const golden = "../../cmd/lifeboat-k6/testdata/golden"

func stream(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(golden, name+".ndjson"))
	require.NoError(t, err)
	return b
}

// outcome reads a stream as a business run's and judges it.
func outcome(t *testing.T, raw []byte, exit, iterations int) (verifier.FlowResult, verifier.Answer) {
	t.Helper()
	var res result
	require.NoError(t, scan(bytes.NewReader(raw), res.add))
	r := res.finish(exit, "k6 said why")
	check := &k6{Asked: verifier.AskedOf("it", ""), keys: k6Keys{Script: "flow.js", Iterations: iterations}}
	facts, err := verifier.Encode("k6", played{Asked: iterations, Result: r})
	require.NoError(t, err)
	return r, check.Judge(nil, facts)
}

func TestEveryTrapOfK6(t *testing.T) {
	covered := map[string]bool{}
	for name, c := range map[string]struct {
		exit, iterations int
		status           record.CheckStatus
		says             string
	}{
		"business-pass": {0, 3, "passed", "3 iterations, 6 checks passed"},
		"business-sql":  {0, 3, "passed", "3 iterations, 15 checks passed"},
		// exit 0, no threshold
		"business-check-failed":     {0, 1, "failed", "0 of 1 iterations were good; failed: is 200"},
		"business-exception":        {0, 6, "failed", "Error: boom"}, // exit 0
		"business-rejected-promise": {0, 1, "failed", "late boom"},   // exit 0
		// exit 0, no check failed
		"business-flow-false":            {0, 1, "failed", "sync"},
		"business-no-checks":             {0, 1, "failed", "no check ran in flow.js"}, // exit 0, all good
		"business-no-checks-http-failed": {0, 1, "failed", "no check ran in flow.js"},
		"business-sql-refused":           {0, 1, "failed", "connection refused"},
		"business-mysql-refused":         {0, 1, "failed", "connection refused"},
		"business-threshold":             {99, 1, "failed", "checks: rate>0.99"},
		"business-threshold-unmeasured": {0, 1, "crashed",
			"checks{scenario:buy}: rate>0.99; late: rate<0.01 got no sample"},
		"business-console-error":    {0, 1, "passed", "1 checks passed; the script notes: the cache is cold"},
		"business-test-abort":       {108, 1, "failed", "test aborted: enough"},
		"business-marked-failed":    {110, 1, "failed", "test marked as failed"},
		"business-expects":          {0, 1, "failed", "no check ran in flow.js"}, // unless it was seen to throw
		"business-expects-failed":   {108, 1, "failed", "expected 200, got 500"},
		"business-expects-softly":   {110, 1, "failed", "expected 200, got 500"},
		"business-scenario":         {0, 1, "passed", "1 checks passed"},
		"business-scenario-first":   {0, 1, "passed", "1 checks passed"},
		"business-scenario-unknown": {107, 1, "crashed", "flow.js is broken, exit code 107: k6 said why"},
		"business-setup-throws":     {107, 1, "crashed", "flow.js is broken, exit code 107: Error: bad setup"},
		// not even hello
		"business-syntax-error":  {107, 1, "crashed", "flow.js is broken, exit code 107: k6 said why"},
		"business-init-throws":   {107, 1, "crashed", "flow.js is broken, exit code 107: k6 said why"},
		"business-no-default":    {107, 1, "crashed", "flow.js is broken, exit code 107: k6 said why"},
		"business-remote-import": {107, 1, "crashed", "flow.js is broken, exit code 107: k6 said why"},
		"killed": {137, 1, "crashed",
			"k6 did not say that it came to the end, exit code 137: k6 said why"},
		"stopped-threshold": {105, 1, "failed", "checks: rate>0.99"}, // 105 hides the threshold
		"pulse-stopped":     {105, 1, "crashed", "exit code 105"},
		"pulse-outage":      {0, 71, "failed", "51 of 71 iterations were good; failed: is 200"},
		"pulse-hang":        {0, 30, "failed", "0 of 30 iterations were good"},
		"pulse-starved":     {0, 4, "failed", "0 of 4 iterations were good"},
	} {
		t.Run(name, func(t *testing.T) {
			_, a := outcome(t, stream(t, name), c.exit, c.iterations)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.says)
		})
		covered[name+".ndjson"] = true
	}
	files, err := os.ReadDir(golden)
	require.NoError(t, err)
	for _, f := range files {
		assert.True(t, covered[f.Name()], "a stream without a test: %s", f.Name())
	}
}

func TestABrokenStreamNeverPasses(t *testing.T) {
	whole := stream(t, "business-pass")
	lines := bytes.SplitAfter(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n"))
	r, a := outcome(t, whole, 0, 3)
	require.Equal(t, record.CheckPassed, a.Status)
	assert.Equal(t, verifier.FlowResult{Iterations: 3, Good: 3, ChecksPassed: 6, Complete: true, Shortest: 551032,
		Longest: 2891302}, r)
	for i := range lines {
		without := slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...))
		var l line
		require.NoError(t, json.Unmarshal(lines[i], &l))
		switch {
		case i == 0:
			assert.ErrorIs(t, scan(bytes.NewReader(without), func(line) error { return nil }), errStream)
		case l.Kind == "iter" || l.Kind == "end":
			_, a := outcome(t, without, 0, 3)
			assert.Equal(t, record.CheckCrashed, a.Status, "without line %d, %s", i+1, l.Kind)
		}
		_, a = outcome(t, slices.Concat(lines[:i]...), 0, 3)
		assert.NotEqual(t, record.CheckPassed, a.Status, "cut after line %d", i)
	}
	end := lines[len(lines)-1]
	for name, c := range map[string]struct {
		raw              []byte
		exit, iterations int
		status           record.CheckStatus
	}{
		"more was asked for":   {whole, 0, 4, "failed"},
		"killed at the end":    {whole, 137, 3, "crashed"},
		"stopped at the end":   {whole, 105, 3, "crashed"},
		"a threshold, no line": {whole, 99, 3, "failed"},
		"records lost":         {bytes.Replace(whole, []byte(`"lost":0`), []byte(`"lost":2`), 1), 0, 3, "crashed"},
		"an error of the end": {bytes.Replace(whole, end, bytes.Replace(end, []byte(`"exit":0`),
			[]byte(`"exit":0,"error":"x"`), 1), 1), 0, 3, "failed"},
		"an unknown kind": {slices.Concat(lines[0], []byte("{\"kind\":\"news\",\"x\":{}}\n"),
			slices.Concat(lines[1:]...)), 0, 3, "passed"},
		"one proves nothing": {bytes.Replace(whole, []byte(`"checks_passed":2`), []byte(`"checks_passed":0`), 1), 0, 3,
			"failed"},
		"an error was logged": {slices.Concat(lines[0], []byte(`{"kind":"log","level":"error","message":"boom"}`+"\n"),
			slices.Concat(lines[1:]...)), 0, 3, "failed"},
		"a warning was logged": {slices.Concat(lines[0], []byte(`{"kind":"log","level":"warning","message":"hm"}`+"\n"),
			slices.Concat(lines[1:]...)), 0, 3, "passed"},
		"nothing at all": {nil, 0, 3, "crashed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, a := outcome(t, c.raw, c.exit, c.iterations)
			assert.Equal(t, c.status, a.Status, a.Message)
		})
	}
}

func TestScan(t *testing.T) {
	none := func(line) error { return nil }
	assert.NoError(t, scan(strings.NewReader("\n\n"), none))
	for name, bad := range map[string]string{
		"not JSON":        "Usage: k6\n",
		"no hello":        `{"kind":"iter"}`,
		"another version": `{"kind":"hello","version":2}`,
		"half a line":     `{"kind":"hello","version":1}` + "\n" + `{"kind":"iter","sta`,
		"wrong type":      `{"kind":"hello","version":1}` + "\n" + `{"kind":"iter","start":"x"}`,
	} {
		assert.ErrorIs(t, scan(strings.NewReader(bad), none), errStream, name)
	}
	long := `{"kind":"hello","version":1,"x":"` + strings.Repeat("x", 5<<20) + `"}`
	assert.Error(t, scan(strings.NewReader(long), none), "a line without end is refused, not kept")
	stop := fmt.Errorf("enough")
	assert.ErrorIs(t, scan(strings.NewReader(`{"kind":"hello","version":1}`), func(line) error { return stop }), stop)
}

func FuzzScan(f *testing.F) {
	for _, name := range []string{"business-pass", "business-exception", "killed", "business-threshold"} {
		f.Add(stream(f, name), 0)
	}
	f.Fuzz(func(t *testing.T, raw []byte, exit int) {
		var res result
		if scan(bytes.NewReader(raw), res.add) != nil {
			return
		}
		r := res.finish(exit, "")
		a := (&k6{keys: k6Keys{Iterations: 1}}).judge(nil, played{Asked: 1, Result: r})
		if a.Status == record.CheckPassed && (exit != 0 || !r.Complete || r.Good < 1 || r.ChecksPassed < 1 ||
			len(r.Failed) > 0) {
			t.Fatalf("%+v passed", r)
		}
	})
}

func TestFailedNamesAreFew(t *testing.T) {
	var r result
	for i := range 100 {
		r.fail(fmt.Sprint(i % 50))
	}
	assert.Len(t, r.Failed, mostFailed)
}

// pulsed reads a stream as a pulse's.
func pulsed(t *testing.T, name string) []verifier.Sample {
	t.Helper()
	var all []verifier.Sample
	p := &pulse{clock: clock{base: time.Now()}, sample: func(s verifier.Sample) { all = append(all, s) }}
	require.NoError(t, scan(bytes.NewReader(stream(t, name)), p.add))
	if name != "killed" {
		assert.True(t, p.ended)
	}
	return all
}

func TestPulse(t *testing.T) {
	good, bad, dropped := 0, 0, 0
	count := func(name string) {
		good, bad, dropped = 0, 0, 0
		for _, s := range pulsed(t, name) {
			switch {
			case s.Dropped > 0:
				dropped += s.Dropped
			case s.OK && s.Checks > 0:
				good++
			default:
				bad++
			}
		}
	}
	count("pulse-outage")
	assert.Equal(t, []int{51, 20, 0}, []int{good, bad, dropped})
	count("pulse-starved")
	assert.Equal(t, []int{0, 4, 17}, []int{good, bad, dropped})
	count("pulse-stopped")
	assert.Equal(t, []int{0, 0, 0}, []int{good, bad, dropped}, "what the end cut off says nothing")
	count("business-no-checks")
	assert.Equal(t, []int{0, 1, 0}, []int{good, bad, dropped}, "nothing was asked")
}

func TestPulseVerdict(t *testing.T) {
	assert.NoError(t, (&pulse{ended: true}).verdict())
	assert.ErrorContains(t, (&pulse{}).verdict(), "no end")
	assert.ErrorContains(t, (&pulse{ended: true, lost: 3}).verdict(), "3 records of the pulse were lost")
	assert.ErrorIs(t, (&pulse{ended: true, err: io.ErrUnexpectedEOF}).verdict(), io.ErrUnexpectedEOF)
}

func TestClock(t *testing.T) {
	base := time.Now().Add(-10 * time.Second)
	t.Run("the same host", func(t *testing.T) {
		c := clock{base: base}
		c.hello(line{BootID: "a", Boot: 1_000_000_000}, "a", func() int64 { return 5_000_000_000 })
		assert.InDelta(t, 6*time.Second, c.at(0), float64(time.Second), "zero was 4 s ago, the base 10 s")
		was := c.at(0)
		c.seen(int64(time.Hour))
		assert.Equal(t, was, c.at(0), "an exact clock is not moved by arrivals")
		assert.Equal(t, was+time.Second, c.at(int64(time.Second)))
	})
	t.Run("another host", func(t *testing.T) {
		c := clock{base: base}
		c.hello(line{BootID: "b", Boot: 1}, "a", func() int64 { return 5_000_000_000 })
		assert.InDelta(t, 10*time.Second, c.at(0), float64(time.Second))
		c.seen(int64(3 * time.Second)) // seen now, so zero is at least 3 s ago
		assert.InDelta(t, 7*time.Second, c.at(0), float64(time.Second))
		c.seen(int64(time.Second))
		assert.InDelta(t, 7*time.Second, c.at(0), float64(time.Second), "it only becomes tighter")
	})
	t.Run("an unknown boot is no match", func(t *testing.T) {
		c := clock{base: base}
		c.hello(line{}, "", func() int64 { return 0 })
		assert.False(t, c.exact)
	})
}

func TestSamplesOfAKeptStream(t *testing.T) {
	var all []verifier.Sample
	require.NoError(t, Samples(bytes.NewReader(stream(t, "pulse-outage")), 2030054856475-int64(time.Second),
		func(s verifier.Sample) { all = append(all, s) }))
	require.Len(t, all, 71)
	assert.Equal(t, time.Second+19410320*time.Nanosecond, all[0].Start)
	assert.Equal(t, time.Second+20611362*time.Nanosecond, all[0].End)
}

func TestWrappersAreThoseThatWereTested(t *testing.T) {
	for name, ours := range map[string]string{"pulse.js": pulseWrapper, "business.js": businessWrapper,
		"control.js": controlWrapper} {
		theirs, err := os.ReadFile(filepath.Join("../../cmd/lifeboat-k6/testdata/wrapper", name))
		require.NoError(t, err)
		assert.Equal(t, string(theirs), ours, "%s: copy it from cmd/lifeboat-k6/testdata/wrapper", name)
		filled := string(wrap(ours, "./flow.js", `{"executor":"x"}`, flowScript{scenario: "buy"}))
		assert.NotContains(t, filled, "__FLOW__")
		assert.NotContains(t, filled, "__SCENARIO__")
		assert.Contains(t, filled, `{"executor":"x"}`)
	}
}

func TestBundle(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(content), 0o600))
	}
	write("flow.js", "a")
	write("lib/x.js", "b")
	write(".git/config", "c")
	require.NoError(t, os.Symlink("lib/x.js", filepath.Join(dir, "link.js")))
	entry, files, err := bundle(filepath.Join(dir, "flow.js"))
	require.NoError(t, err)
	assert.Equal(t, "flow.js", entry)
	assert.Equal(t, map[string][]byte{"flow.js": []byte("a"), "lib/x.js": []byte("b"), "link.js": []byte("b")}, files)
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	_, _, err = bundle(filepath.Join(dir, "flow.js"))
	assert.ErrorContains(t, err, "out of the flow's folder")
	require.NoError(t, os.Remove(filepath.Join(dir, "out")))
	big, err := os.Create(filepath.Join(dir, "backup.dump"))
	require.NoError(t, err)
	require.NoError(t, big.Truncate(1<<40)) // reading it would not end well
	require.NoError(t, big.Close())
	_, _, err = bundle(filepath.Join(dir, "flow.js"))
	assert.ErrorContains(t, err, "keep flows in a folder of their own")
	_, _, err = bundle(filepath.Join(dir, "none", "flow.js"))
	assert.Error(t, err)
}

// A busy host can make an iteration late, and keep everybody away; it gives no wrong answer.
func TestAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		l    line
		want bool
	}{
		"a status that says no":         {line{ChecksFailed: 1, HTTPFailed: 1, HTTPAnswered: 1}, true},
		"nobody there, or not in time":  {line{ChecksFailed: 1, HTTPFailed: 1}, false},
		"a wrong page with a good code": {line{ChecksFailed: 1}, true},
		"an exception":                  {line{Error: "dial: refused"}, false},
		"good":                          {line{OK: true, ChecksPassed: 1}, false},
	} {
		assert.Equal(t, c.want, c.l.sample(0, 1).Answered, name)
	}
}
