package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	signals "os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// begun is when the first sandbox is sealed: from then on there is something to clean up.
const begun = `"kind":"isolation.probe"`

// reaper is the pid of a drill's reaper.
func reaper(t *testing.T, drill string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range all {
		raw, err := os.ReadFile(path)
		args := strings.Split(string(raw), "\x00")
		if err != nil || len(args) < 2 || args[1] != "reap" || !strings.Contains(string(raw), drill) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		return pid
	}
	require.Fail(t, "the drill has no reaper", drill)
	return 0
}

// A drill whose reaper was killed gets another one, says so, and cleans up after itself.
func TestKilledReaper(t *testing.T) {
	t.Parallel()
	b, home := onKillBench(t), t.TempDir()
	h := b.start(home, b.small("at_least: 200", "at_least: 999999")) // red: it ends early
	drill := h.await(begun, 5*time.Minute)
	require.NoError(t, syscall.Kill(reaper(t, drill), syscall.SIGKILL))
	assert.Equal(t, 1, h.end(), "%s%s", h.out, h.errs)
	assert.Empty(t, left(t, home, drill))
	events := journal(t, home, drill)
	assert.Equal(t, record.KindSealed, events[len(events)-1].Kind)
	raw, err := os.ReadFile(filepath.Join(home, "drills", drill, "journal.ndjson"))
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"id":"reaper.gone"`)
	b.proved(home, drill, 1)
}

// Harness and reaper killed together: what they left is removed by the next
// start, by hand or of a drill; what looks like it and belongs to somebody else stays. Nothing runs beside it: every drill
// on this host begins with a sweep.
func TestKilledTogether(t *testing.T) {
	for _, next := range []string{"sweep", "drill"} {
		t.Run(next, func(t *testing.T) {
			b, home := onKillBench(t), t.TempDir()
			scenario := b.small()
			h := b.start(home, scenario)
			drill := h.await(begun, 5*time.Minute)
			forged := lookalikes(t, drill, ledgerOf(t))
			guard := reaper(t, drill)
			require.NoError(t, syscall.Kill(guard, syscall.SIGSTOP)) // one that died would be started again
			require.NoError(t, h.cmd.Process.Kill())
			require.NoError(t, syscall.Kill(guard, syscall.SIGKILL))
			assert.Equal(t, -1, h.end())
			time.Sleep(time.Second)
			require.NotEmpty(t, ours(t, home, drill, forged), "nobody is left who could clean up")
			if next == "sweep" {
				code, out := b.lifeboat(home, "sweep", "--dry-run", "--json")
				assert.Zero(t, code, out)
				assert.Contains(t, out, "network lifeboat-"+drill)
				assert.NotEmpty(t, ours(t, home, drill, forged), "a dry run removes nothing")
				code, out = b.lifeboat(home, "sweep", "--json")
				assert.Zero(t, code, out)
				assert.Contains(t, out, drill)
				code, out = b.lifeboat(home, "sweep")
				assert.Zero(t, code, out)
				assert.Equal(t, "nothing to sweep\n", out)
			} else {
				second := b.start(home, scenario)
				for end := time.Now().Add(5 * time.Minute); newest(home) == drill && time.Now().Before(end); {
					time.Sleep(50 * time.Millisecond)
				}
				assert.Empty(t, ours(t, home, drill, forged), "swept before the new drill began")
				require.NoError(t, second.cmd.Process.Signal(syscall.SIGTERM))
				assert.Equal(t, 130, second.end(), "%s%s", second.out, second.errs)
				assert.Empty(t, left(t, home, newest(home)))
				require.NoError(t, os.Rename(filepath.Join(home, "drills", newest(home)), filepath.Join(t.TempDir(), "second")))
			}
			assert.Empty(t, ours(t, home, drill, forged))
			forged.untouched()
			b.proved(home, drill, 1)
		})
	}
}

// ours is what is left of a drill without the forged things that carry its id.
func ours(t *testing.T, home, drill string, forged *foreigners) []string {
	t.Helper()
	var found []string
	for _, x := range left(t, home, drill) {
		if !forged.has(x) {
			found = append(found, x)
		}
	}
	return found
}

func (f *foreigners) has(id string) bool {
	for name, kind := range f.names {
		format := "{{.Id}}"
		if kind == "volume" {
			format = "{{.Name}}"
		}
		if out, err := exec.Command("docker", kind, "inspect", "-f", format, name).Output(); err == nil &&
			strings.HasPrefix(strings.TrimSpace(string(out)), id) {
			return true
		}
	}
	return false
}

// Whoever ends a drill in an orderly way gets it healed, cleaned and sealed as aborted.
func TestAborted(t *testing.T) {
	t.Parallel()
	signal := func(sig syscall.Signal) func(*harness, string) {
		return func(h *harness, _ string) { assert.NoError(h.t, h.cmd.Process.Signal(sig)) }
	}
	for _, tc := range []struct {
		name  string
		at    string
		abort func(h *harness, drill string)
		why   string
	}{
		{"SIGTERM", begun, signal(syscall.SIGTERM), "terminated"},
		{"Ctrl-C", `"state":"started"`, signal(syscall.SIGINT), "interrupt"},
		{"the terminal closes", begun, signal(syscall.SIGHUP), "hangup"},
		{"lifeboat abort", begun, func(h *harness, drill string) {
			code, out := h.lifeboat(h.home, "abort", drill, "--reason", "the vendor called", "--by", "ann")
			assert.Zero(h.t, code, out)
		}, "the vendor called"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.why == "hangup" && signals.Ignored(syscall.SIGHUP) {
				t.Skip("the tests run under nohup: lifeboat inherits that and goes on, as it should")
			}
			t.Parallel()
			b, home := onKillBench(t), t.TempDir()
			h := b.start(home, b.small())
			drill := h.await(tc.at, 5*time.Minute)
			tc.abort(h, drill)
			assert.Equal(t, 130, h.end(), "%s%s", h.out, h.errs)
			assert.Empty(t, left(t, home, drill))
			var d drilled
			require.NoError(t, json.Unmarshal(h.out.Bytes(), &d), h.out)
			assert.Equal(t, "aborted", d.Verdict)
			assert.Contains(t, h.out.String(), tc.why)
			events := journal(t, home, drill)
			assert.Equal(t, record.KindSealed, events[len(events)-1].Kind)
		})
	}
}

// Told twice, the harness leaves at once, and its reaper does the rest.
func TestAbortedTwice(t *testing.T) {
	t.Parallel()
	b, home := onKillBench(t), t.TempDir()
	h := b.start(home, b.small())
	drill := h.await(begun, 5*time.Minute)
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGINT))
	time.Sleep(150 * time.Millisecond) // less means one wish
	told := time.Now()
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGINT))
	assert.Equal(t, 130, h.end(), "%s%s", h.out, h.errs)
	assert.Less(t, time.Since(told), 5*time.Second)
	assert.Less(t, gone(t, home, drill, told, time.Minute), cleanWithin)
	b.proved(home, drill, 1)
}

// A drill past its deadline is ended by its reaper, also one that does not answer any more.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, hangs := range []bool{false, true} {
		t.Run(fmt.Sprintf("hangs %v", hangs), func(t *testing.T) {
			t.Parallel()
			const deadline = 45 * time.Second // beside other drills it takes a while to begin
			b, home := onKillBench(t), t.TempDir()
			h := b.start(home, b.small("baseline: {stable_for: 1s}", "baseline: {stable_for: 3m}", // so that it lasts
				"trigger: fault", "trigger: fault\ndeadline: "+deadline.String()))
			drill := h.await(begun, 5*time.Minute)
			began := time.Now()
			want := 130
			if hangs {
				require.NoError(t, h.cmd.Process.Signal(syscall.SIGSTOP))
				want = -1
			}
			assert.Equal(t, want, h.end(), "%s%s", h.out, h.errs)
			gone(t, home, drill, time.Now(), time.Minute)
			assert.Less(t, time.Since(began), deadline+30*time.Second)
			b.proved(home, drill, 1)
			raw, err := os.ReadFile(filepath.Join(home, "drills", drill, "journal.ndjson"))
			require.NoError(t, err)
			assert.Contains(t, string(raw), "the deadline is over")
		})
	}
}

// With --keep the instances of a drill that did not pass stay until its
// deadline: no sweep of any home takes them before, but one that is told to.
func TestKeep(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{false, true} {
		t.Run(fmt.Sprintf("early %v", early), func(t *testing.T) {
			t.Parallel()
			keep(t, early)
		})
	}
}

func keep(t *testing.T, early bool) {
	const deadline = 2 * time.Minute // beside other drills it takes a while until it has failed
	b, home := onKillBench(t), t.TempDir()
	scenario := b.small("trigger: fault", "trigger: fault\ndeadline: "+deadline.String(),
		"at_least: 200", "at_least: 999999") // red: it fails soon
	began := time.Now()
	code, out := b.lifeboat(home, "drill", "--json", "--keep", scenario)
	require.Equal(t, 1, code, out)
	drill := newest(home)
	kept := onEngine(t, drill)
	require.NotEmpty(t, kept, out)
	report, err := os.ReadFile(filepath.Join(home, "drills", drill, "reports", "report.md"))
	require.NoError(t, err)
	assert.Contains(t, string(report), "lifeboat-"+drill+"-db-sandbox", "the report names what is kept")
	for _, home := range []string{home, t.TempDir()} {
		code, out := b.lifeboat(home, "sweep", "--json")
		assert.Zero(t, code, out)
		assert.NotContains(t, out, drill)
	}
	assert.Equal(t, kept, onEngine(t, drill))
	if early {
		code, out := b.lifeboat(home, "sweep", "--kept", "--json")
		assert.Zero(t, code, out)
		gone(t, home, drill, time.Now(), time.Minute) // the reaper too
		b.proved(home, drill, 1)
		return
	}
	time.Sleep(time.Until(began.Add(deadline - 12*time.Second)))
	assert.Equal(t, kept, onEngine(t, drill), "until the deadline")
	gone(t, home, drill, began.Add(deadline), time.Minute)
	b.proved(home, drill, 1)
}

// Drills side by side on one host, four of them or (make test-kill) ten: each in its own network, none sees another,
// nothing is left.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	side := 4
	if os.Getenv("LIFEBOAT_KILL") == "all" {
		side = 10
	}
	b, home := onKillBench(t), t.TempDir()
	scenario := b.small("trigger: fault", "trigger: order", "faults:\n  - {kind: pg-hba-reject, on: db}\n", "",
		"detect: {when: \"flow.failed > 5% for 2s\"}\n", "", "pulse: 10/s, timeout: 1s", "pulse: 1/s, timeout: 5s",
		"within: 2m", "within: 4m")
	var all []*harness
	for range side {
		all = append(all, b.start(home, scenario))
	}
	numbers := map[int]bool{}
	var ended []string
	for _, h := range all {
		code := h.end()
		assert.NotContains(t, []int{-1, 2, 4}, code, "%s%s", h.out, h.errs)
		var d drilled
		require.NoError(t, json.Unmarshal(h.out.Bytes(), &d), "%s%s", h.out, h.errs)
		numbers[d.Number] = true
		t.Logf("number %d: %s %s", d.Number, d.Verdict, d.Why)
		assert.Empty(t, append(onEngine(t, d.Drill), processes(t, d.Drill)...))
		ended = append(ended, d.Drill)
		probes := 0
		for _, e := range journal(t, home, d.Drill) {
			var p record.Probe
			if e.Kind == record.KindProbe && assert.NoError(t, json.Unmarshal(e.Data, &p)) {
				probes++
				assert.Equal(t, p.Control, p.Reached, "%s", e.Data)
			}
		}
		assert.Positive(t, probes)
	}
	for _, drill := range ended { // an image is the same for all: it goes with the last of them
		assert.Empty(t, left(t, home, drill))
	}
	for n := range side {
		assert.True(t, numbers[n+1], "numbers have no gaps: %v", numbers)
	}
}
