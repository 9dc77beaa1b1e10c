package ci

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
)

// cleanWithin is what a test insists on; the target on a quiet machine is 5 s, and the table shows the truth.
const cleanWithin = 20 * time.Second

// moment is when a harness dies: at an event, or so much later.
type moment struct {
	after string
	delay time.Duration
}

func (m moment) String() string {
	if m.delay == 0 {
		return m.after
	}
	return fmt.Sprintf("%s + %v", m.after, m.delay)
}

// spread are the moments of make test: every phase, and what is in flight in the long ones.
func spread() []moment {
	phase := func(name string) string { return `phase {"phase":"` + name + `"}` }
	some := []moment{
		{"1", 0}, {phase("precheck"), 0}, {phase("restore"), 700 * time.Millisecond}, {`restore.done {"backup":"shop-db"`, 60 * time.Millisecond},
		{`pulse {"state":"started"`, 0}, {`"state":"prepared"`, 0}, {`"state":"injected"`, 0}, {phase("rollback"), 800 * time.Millisecond},
		{phase("verify"), 0}, {phase("cleanup"), 400 * time.Millisecond}, {"drill.sealed", 0},
	}
	if !needs.AllLong() { // each costs half a drill, and make test-kill takes every event
		return some
	}
	return append(some, []moment{{phase("restore"), 0}, {phase("restore"), 1500 * time.Millisecond}, {"isolation.probe", 0}, {"restore.done", 0},
		{`restore.done {"backup":"shop-app"`, 0}, {phase("baseline"), 0}, {phase("upgrade"), 500 * time.Millisecond}, {phase("detect"), 0},
		{phase("cleanup"), 0}, {`cleanup {"state":"proved"`, 0}}...)
}

// every moment: after each event of a drill in turn, and at random in between.
func every(t *testing.T, b *killBench) []moment {
	home := t.TempDir()
	h := b.start(home, b.small())
	h.end()
	events := journal(t, home, newest(home))
	require.Equal(t, record.KindSealed, events[len(events)-1].Kind, "%s%s", h.out, h.errs)
	var all []moment
	for _, e := range events {
		all = append(all, moment{after: strconv.FormatInt(e.Seq, 10)})
	}
	random := rand.New(rand.NewPCG(4, 2026))
	for range 30 {
		i := random.IntN(len(events) - 1)
		after := events[i]
		if random.IntN(2) == 0 { // the long steps, where creates and loads are in flight
			after = events[slices.IndexFunc(events, func(e record.Event) bool {
				return strings.Contains(string(e.Data), []string{`"phase":"restore"`, `"phase":"rollback"`}[i%2])
			})]
		}
		all = append(all, moment{strconv.FormatInt(after.Seq, 10), time.Duration(1+random.IntN(4000)) * time.Millisecond})
	}
	return all
}

// The harness is killed with SIGKILL after events of its journal, and in
// between: its reaper leaves nothing, and the truth in the journal.
// LIFEBOAT_KILL=all takes every event (make test-kill).
func TestKilledAfterEvents(t *testing.T) {
	t.Parallel()
	b := onKillBench(t)
	foreign := lookalikes(t, record.NewID(time.Now()), ledgerOf(t))
	moments := spread()
	if os.Getenv("LIFEBOAT_KILL") == "all" {
		moments = every(t, b)
	}
	side := 4
	if n, err := strconv.Atoi(os.Getenv("LIFEBOAT_KILL_SIDE")); err == nil {
		side = n
	}
	var mu sync.Mutex
	var table []kill
	work := make(chan moment)
	t.Run("side by side", func(t *testing.T) {
		for i := range side {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				home := t.TempDir()
				number := 0
				for m := range work {
					t.Run(m.String(), func(t *testing.T) {
						b := &killBench{t: t, bin: b.bin, root: b.root, env: b.env}
						number++
						k := b.kill(home, b.small(), m, number)
						mu.Lock()
						defer mu.Unlock()
						table = append(table, k) // not reached by a test that failed
					})
				}
			})
		}
		go func() {
			defer close(work)
			for _, m := range moments {
				work <- m
			}
		}()
	})
	foreign.untouched()
	report(t, table)
}

// kill is one death and how long it took until nothing was left.
type kill struct {
	moment
	event string // the last one of the harness
	took  time.Duration
}

// kill runs a drill that dies at the moment, and asserts everything that must hold after it.
func (b *killBench) kill(home, scenario string, m moment, number int) kill {
	t := b.t
	h := b.start(home, scenario, "LIFEBOAT_TEST_KILL_AFTER="+m.after, "LIFEBOAT_TEST_KILL_DELAY="+m.delay.String())
	exit := h.end()
	died := time.Now()
	drill := newest(home)
	require.NotEmpty(t, drill, "%s%s", h.out, h.errs)
	took := gone(t, home, drill, died, time.Minute)
	assert.Less(t, took, cleanWithin)
	events := journal(t, home, drill)
	k := kill{moment: m, took: took}
	for _, e := range events {
		if e.Actor == record.ActorLifeboat {
			k.event = fmt.Sprintf("%d %s %.60s", e.Seq, e.Kind, e.Data)
		}
	}
	last := events[len(events)-1]
	if seq, err := strconv.ParseInt(m.after, 10, 64); err == nil && exit != -1 && last.Kind == record.KindSealed &&
		(last.Seq < seq || m.delay > 0) {
		t.Skipf("this drill ended after %d events: the pulse changed less often than before", last.Seq)
	}
	proved := last.Wall.Sub(died) // by the reaper's own clock: the listings above are slow on a busy machine
	t.Logf("died after %s: clean after %.2f s, the journal ends after %.2f s", k.event, took.Seconds(), proved.Seconds())
	if m.delay == 0 {
		require.Equal(t, -1, exit, "it was killed; %s%s", h.out, h.errs)
	}
	if len(events) == 1 { // dead before there was a reaper, with nothing to clean: the next start closes the journal
		code, out := b.lifeboat(home, "sweep", "--json")
		require.Zero(t, code, out)
	}
	b.proved(home, drill, number)
	outside(t, home, h.tmp, drill)
	return k
}

// proved asserts that the journal ends with the proof of the clean-up and that history tells the truth.
func (b *killBench) proved(home, drill string, number int) {
	t := b.t
	events := journal(t, home, drill)
	proof := slices.IndexFunc(events, func(e record.Event) bool {
		return e.Kind == record.KindCleanup && strings.Contains(string(e.Data), `"state":"proved"`)
	})
	if !assert.GreaterOrEqual(t, proof, 0, "the clean-up is proved in the journal") {
		return
	}
	sealed := false
	for _, e := range events {
		sealed = sealed || e.Kind == record.KindSealed && e.Actor == record.ActorLifeboat
	}
	code, out := b.lifeboat(home, "history", "--json")
	require.Zero(t, code, out)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var line struct {
		Drill, Verdict, Error string
		Number                int
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &line), out)
	assert.Equal(t, drill, line.Drill)
	assert.Equal(t, number, line.Number, "it keeps its number, and numbers have no gaps")
	assert.Empty(t, line.Error)
	if !sealed { // a drill that was sealed before the end of its process has ended
		assert.Contains(t, []string{"aborted", "inconclusive"}, line.Verdict)
	}
	assert.FileExists(t, filepath.Join(home, "drills", drill, "record.json"))
}

// outside asserts that a drill left no file but in its own folder.
func outside(t *testing.T, home, tmp, drill string) {
	for _, dir := range []string{home, tmp} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			assert.Contains(t, []string{"drills", "series", "log", "unlogged", "unproved", "history.ndjson"}, e.Name(), "in %s", dir)
		}
	}
	_, err := os.Stat(filepath.Join(home, "drills", drill))
	require.NoError(t, err)
}

// report prints the table: the slowest first.
func report(t *testing.T, table []kill) {
	if len(table) == 0 {
		return
	}
	slices.SortFunc(table, func(a, b kill) int { return int(b.took - a.took) })
	within := 0
	for i, k := range table {
		if k.took <= 5*time.Second {
			within++
		}
		if i < 10 {
			t.Logf("%6.2f s  %s; last event %s", k.took.Seconds(), k.moment, k.event)
		}
	}
	t.Logf("%d kills: median %.2f s, worst %.2f s, %d within 5 s", len(table), table[len(table)/2].took.Seconds(),
		table[0].took.Seconds(), within)
}

func ledgerOf(t *testing.T) string {
	t.Helper()
	o, err := ledger.Of(os.Getpid())
	require.NoError(t, err)
	return o.String()
}

// foreigners are somebody else's things that look like a drill's.
type foreigners struct {
	t     *testing.T
	names map[string]string // by name, the kind
}

// lookalikes make a container, a network and a volume with the names and labels
// of a drill that is not of this home, and whose owner is alive.
func lookalikes(t *testing.T, drill, owner string) *foreigners {
	t.Helper()
	f := &foreigners{t: t, names: map[string]string{}}
	name := "lifeboat-" + drill
	labels := []string{"--label", "lifeboat.drill=" + drill, "--label", "lifeboat.owner=" + owner,
		"--label", "lifeboat.deadline=2000-01-01T00:00:00Z"}
	run := func(kind string, args ...string) {
		out, err := exec.Command("docker", args...).CombinedOutput()
		require.NoError(t, err, string(out))
		f.names[name+"-"+kind] = kind
		t.Cleanup(func() {
			_, err := exec.Command("docker", map[string][]string{"container": {"rm", "-fv", name + "-container"},
				"network": {"network", "rm", name + "-network"}, "volume": {"volume", "rm", name + "-volume"}}[kind]...).Output()
			assert.NoError(t, err)
		})
	}
	run("network", append(append([]string{"network", "create", "--internal"}, labels...), name+"-network")...)
	run("volume", append(append([]string{"volume", "create"}, labels...), name+"-volume")...)
	run("container", append(append([]string{"create", "--network", "none", "--name", name + "-container"}, labels...),
		"lifeboat/shop:1")...)
	return f
}

func (f *foreigners) untouched() {
	for name, kind := range f.names {
		assert.NoError(f.t, exec.Command("docker", kind, "inspect", name).Run(), "%s %s of somebody else", kind, name)
	}
}
