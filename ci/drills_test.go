// Package ci drills the shipped and the foreign scenarios for real, and kills the harness while it does.
package ci

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

// drilled is the one JSON object of a drill, as far as these tests read it.
type drilled struct {
	Drill, Status, Verdict, Why string
	Number                      int
	Objectives                  []struct {
		Name, Verdict   string
		TargetSeconds   *float64 `json:"target_seconds"`
		MeasuredSeconds *float64 `json:"measured_seconds"`
	}
	Checks   []struct{ Name, Status, When string }
	Findings []struct{ ID, Text string }
	Reasons  []struct{ ID, Status string }
	Reports  map[string]string
	Planned  *time.Time
	Program  *program
	K6       *program
	raw      string
}

// program is what a record says of a program that took part.
type program struct{ Version, Digest string }

// excused tells whether a drill is inconclusive because its host was too busy, and for nothing else but a pulse that could not ask meanwhile.
func (d drilled) excused() bool {
	busy := false
	for _, r := range d.Reasons {
		slow := strings.HasPrefix(r.ID, "host.slow_")
		if busy = busy || slow; r.Status != "passed" && !slow && r.ID != "pulse.silent" {
			return false
		}
	}
	return d.Verdict == "inconclusive" && busy
}

// bench is where real drills run: the binaries and the demo's files, made by make.
type bench struct {
	t    *testing.T
	bin  string
	demo string
	home string
}

// onBench skips without the files, and fails in CI, where they must be there. No folder: the test brings its own.
func onBench(t *testing.T, folder string) *bench {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	b := &bench{t: t, bin: filepath.Join(root, "bin", "lifeboat"), demo: filepath.Join(root, "build", folder), home: t.TempDir()}
	needed := []string{b.bin}
	if folder != "" {
		needed = append(needed, filepath.Join(b.demo, "backups"))
	}
	for _, need := range needed {
		if _, err := os.Stat(need); err != nil {
			needs.Skip(t, "make demo-files foreign makes what real drills need:", err)
		}
	}
	return b
}

// variant writes a changed copy of a scenario beside it; every pair must be found.
func (b *bench) variant(name string, pairs ...string) string {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.demo, name+".yaml"))
	require.NoError(b.t, err)
	text := string(raw)
	for i := 0; i+1 < len(pairs); i += 2 {
		require.Contains(b.t, text, pairs[i])
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	path := filepath.Join(b.demo, "variant-"+strings.NewReplacer("/", "-", " ", "-").Replace(b.t.Name())+".yaml")
	require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
	b.t.Cleanup(func() { assert.NoError(b.t, os.Remove(path)) })
	return path
}

// folder makes a folder below the demo's, for backups of a test.
func (b *bench) folder() (path, relative string) {
	b.t.Helper()
	path, err := os.MkdirTemp(b.demo, "backup-")
	require.NoError(b.t, err)
	b.t.Cleanup(func() { assert.NoError(b.t, os.RemoveAll(path)) })
	return path, "./" + filepath.Base(path)
}

// drill runs lifeboat and proves that nothing is left.
func (b *bench) drill(scenario string, args ...string) (int, drilled) {
	b.t.Helper()
	cmd := exec.Command(b.bin, append([]string{"drill", "--json", "--home", b.home, scenario}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(b.t, err)
	}
	var d drilled
	require.NoError(b.t, json.Unmarshal(out.Bytes(), &d), "%s\n%s", out.String(), errs.String())
	d.raw = out.String() + errs.String()
	if d.Drill != "" {
		b.ended(d)
	}
	return cmd.ProcessState.ExitCode(), d
}

// onEngine lists everything that carries a drill's label or name.
func onEngine(t *testing.T, drill string) []string {
	t.Helper()
	e := engineOf(t)
	ours := make(client.Filters).Add("label", "lifeboat.drill="+drill)
	var found []string
	cs, err := e.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: ours})
	require.NoError(t, err)
	for _, c := range cs.Items {
		found = append(found, c.ID)
	}
	ns, err := e.NetworkList(t.Context(), client.NetworkListOptions{Filters: ours})
	require.NoError(t, err)
	for _, n := range ns.Items {
		found = append(found, n.ID)
	}
	vs, err := e.VolumeList(t.Context(), client.VolumeListOptions{Filters: ours})
	require.NoError(t, err)
	for _, v := range vs.Items {
		found = append(found, v.Name)
	}
	is, err := e.ImageList(t.Context(), client.ImageListOptions{
		Filters: make(client.Filters).Add("reference", "lifeboat-drill/"+strings.ToLower(drill)+"/*")})
	require.NoError(t, err)
	for _, i := range is.Items {
		found = append(found, i.ID)
	}
	slices.Sort(found) // the engine has its volumes in any order
	return found
}

// engineOf is a client of this host's engine. A docker command for each listing would take a second on a busy host, and
// the times of clean-ups would be its own.
func engineOf(t *testing.T) *client.Client {
	t.Helper()
	e, err := theEngine()
	require.NoError(t, err)
	return e
}

var theEngine = sync.OnceValues(func() (*client.Client, error) { return client.New(client.FromEnv) })

const fast = "stable_for: 15s"

// quick is the first scenario over a backup of 200 orders, with short waits: where the size of the backup is not the point.
func quick(pairs ...string) []string {
	return append([]string{"baseline: {stable_for: 5s}", "baseline: {stable_for: 1s}", fast, "stable_for: 5s",
		"at_least: 100000", "at_least: 200", "iterations: 10", "iterations: 2"}, pairs...)
}

// What is shipped does as it says. The first one is what make demo drills, and CI makes that too.
func TestShippedScenarios(t *testing.T) {
	t.Parallel()
	for _, tc := range []shipped{
		{"backup-without-config", 1, "failed", "/etc/shop/shop.conf"},
		{"backup-with-config", 0, "passed", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.drill(t)
		})
	}
}

// The one whose limit is 45 seconds is drilled while no other drill runs.
func TestSlowSnapshot(t *testing.T) {
	shipped{"slow-snapshot-restore", 0, "passed", ""}.drill(t)
}

// shipped is a scenario of the library, and what comes of it.
type shipped struct {
	name    string
	exit    int
	verdict string
	says    string
}

func (s shipped) drill(t *testing.T) {
	t.Helper()
	b := onBench(t, "demo")
	exit, d := b.drill(filepath.Join(b.demo, s.name+".yaml"))
	if s.verdict == "passed" && d.excused() {
		t.Log(d.Why)
		s.verdict, s.exit = d.Verdict, 3
	}
	assert.Equal(t, s.verdict, d.Verdict, d.raw)
	assert.Equal(t, s.exit, exit)
	assert.Contains(t, d.raw, s.says)
	assert.Equal(t, 1, d.Number)
	assert.NotEmpty(t, d.Why)
	require.NotNil(t, d.K6)
	assert.Equal(t, sumOf(t, filepath.Join(filepath.Dir(b.bin), "lifeboat-k6")), d.K6.Digest)
	assert.Regexp(t, `^v\d+\.\d+\.\d+`, d.K6.Version)
	for _, path := range d.Reports {
		assert.FileExists(t, path)
	}
}

// Every way to a false "passed" that the first drill knows, on real parts: where nothing else is said on the backups of
// make small-files.
func TestVerdictsForReal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		folder   string // of the backups; default small
		scenario string // default db-unreachable-after-upgrade
		change   []string
		arrange  func(b *bench) []string
		exit     int
		verdict  string
		says     string
	}{
		{name: "a fault that breaks nothing", change: quick("kind: pg-hba-reject", "kind: none",
			"detect: {when: \"flow.failed > 5% for 3s\"}", "detect: {when: \"flow.failed > 5% for 3s\", within: 10s}"),
			exit: 3, verdict: "inconclusive"},
		{name: "a planned rollback needs no red", change: quick("trigger: fault", "trigger: order",
			"faults:\n  - {kind: pg-hba-reject, on: db}\n", "", "detect: {when: \"flow.failed > 5% for 3s\"}\n", ""),
			exit: 0, verdict: "passed"},
		{name: "a service that is restarted and asked again", change: quick(`expect: "1"}`, `expect: "1", restart: true}`),
			exit: 0, verdict: "passed"},
		{name: "a rollback that restores nothing", change: quick("  - destroy: db\n  - boot: db\n", "  - stop: db\n  - start: db\n",
			"within: 2m", "within: 10s", "kind: pg-hba-reject, on: db", "kind: pg-hba-reject, on: db, removed_by: rollback"),
			exit: 1, verdict: "failed", says: "still in force after the rollback"},
		{name: "an objective below what is possible", change: quick("restored: 2h", "restored: 1s"),
			exit: 1, verdict: "failed", says: "restored"},
		// The slower and the smaller the limit, the less of what it is overrun by a busy host can explain.
		{name: "storage too slow for the objective", folder: "demo", scenario: "slow-snapshot-restore",
			change: []string{fast, "stable_for: 5s", "rate: 2MB/s", "rate: 200KB/s", "restored: 45s", "restored: 1s"},
			exit:   1, verdict: "failed", says: "Restored and verified took"},
		{name: "a truncated dump", folder: "demo", arrange: truncated, exit: 1, verdict: "failed", says: "shop-db"},
		{name: "an empty backup that boots", folder: "demo", scenario: "backup-with-config", arrange: empty, exit: 1,
			verdict: "failed", says: "orders are all there"},
		{name: "a k6 script without checks", folder: "demo", scenario: "backup-with-config", arrange: noChecks, exit: -1},
		{name: "a k6 script that is green whatever answers", folder: "demo", scenario: "backup-with-config",
			arrange: alwaysGreen, exit: 3, verdict: "inconclusive", says: "passes where nothing answers"},
		{name: "a script that does not load", folder: "demo", scenario: "backup-with-config", arrange: badScript, exit: 3,
			verdict: "inconclusive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := onBench(t, cmp.Or(tc.folder, "small"))
			change := tc.change
			if tc.arrange != nil {
				change = append(change, tc.arrange(b)...)
			}
			exit, d := b.drill(b.variant(cmp.Or(tc.scenario, "db-unreachable-after-upgrade"), change...))
			if tc.exit < 0 { // anything but passed
				assert.NotEqual(t, "passed", d.Verdict, d.raw)
				assert.NotZero(t, exit)
				return
			}
			assert.Equal(t, tc.verdict, d.Verdict, d.raw)
			assert.Equal(t, tc.exit, exit)
			assert.Contains(t, d.raw, tc.says)
		})
	}
}

func truncated(b *bench) []string {
	dumps, err := filepath.Glob(filepath.Join(b.demo, "backups", "shop-db", "*.dump"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, dumps)
	raw, err := os.ReadFile(dumps[0])
	require.NoError(b.t, err)
	dir, rel := b.folder()
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, "shop.dump"), raw[:len(raw)*9/10], 0o600))
	return []string{"./backups/shop-db}", rel + "}"}
}

func empty(b *bench) []string {
	dir, rel := b.folder()
	const sql = `-- PostgreSQL database dump
CREATE TABLE public.orders (id bigint PRIMARY KEY);
CREATE TABLE public.products (id bigint, name text, price_cents bigint);
CREATE VIEW public.books AS SELECT 0 AS a, 0 AS b, 0 AS c, 0 AS d;
GRANT SELECT ON public.orders TO shop_app;
-- PostgreSQL database dump complete
`
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, "shop.sql"), []byte(sql), 0o600))
	// It boots and listens: only its content tells.
	return []string{"./backups/shop-db}", rel + "}", `ready: {http: "http://:8080/readyz"}`, "ready: {tcp: 8080}"}
}

func flow(b *bench, script string) []string {
	name := "variant-" + strings.NewReplacer("/", "-", " ", "-").Replace(b.t.Name()) + ".js"
	path := filepath.Join(b.demo, "flows", name)
	require.NoError(b.t, os.WriteFile(path, []byte(script), 0o600))
	b.t.Cleanup(func() { assert.NoError(b.t, os.Remove(path)) })
	return []string{"flows/checkout.js", "flows/" + name}
}

func noChecks(b *bench) []string {
	return flow(b, "import http from 'k6/http';\nexport default function () { http.get('http://app:8080/'); }\n")
}

func alwaysGreen(b *bench) []string {
	return flow(b, "import http from 'k6/http';\nimport { check } from 'k6';\nexport default function () {\n"+
		"  check(http.get('http://app:8080/'), { 'no server error': (r) => r.status < 500 });\n}\n")
}

func badScript(b *bench) []string { return flow(b, "export default function () {\n") }

// The harness killed with SIGKILL at moments spread over the drill: its reaper undoes and removes everything.
func TestKilledHarness(t *testing.T) {
	t.Parallel()
	phases := []string{"restore", "rollback"}
	if os.Getenv("LIFEBOAT_KILL") == "all" { // the small variant of kill_test.go has them all every time
		phases = []string{"restore", "baseline", "upgrade", "fault", "detect", "rollback", "verify", "cleanup"}
	}
	for _, at := range phases {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			b := onBench(t, "demo")
			cmd := exec.Command(b.bin, "drill", "--json", "--home", b.home, b.variant("db-unreachable-after-upgrade", fast, "stable_for: 5s"))
			require.NoError(t, cmd.Start())
			journal := awaitPhase(t, b.home, at, 8*time.Minute)
			require.NoError(t, cmd.Process.Kill())
			died := time.Now()
			_ = cmd.Wait() // killed: the error says just that
			drill := filepath.Base(filepath.Dir(journal))
			for quiet := 0; quiet < 3; {
				if len(onEngine(t, drill)) == 0 {
					quiet++
				} else {
					quiet = 0
				}
				require.Less(t, time.Since(died), time.Minute, "still there: %v", onEngine(t, drill))
				time.Sleep(100 * time.Millisecond)
			}
			t.Logf("killed in %s: clean after %.1f s", at, time.Since(died).Seconds())
			out, err := exec.Command(b.bin, "history", "--json", "--home", b.home).CombinedOutput()
			require.NoError(t, err, string(out))
			var line struct{ Drill, Verdict, Error string }
			require.NoError(t, json.Unmarshal(out, &line), string(out))
			assert.Equal(t, drill, line.Drill)
			assert.Contains(t, []string{"aborted", "inconclusive"}, line.Verdict)
			assert.Empty(t, line.Error, "the journal of a killed drill is readable and chained")
		})
	}
}

// awaitPhase returns the journal once the phase has begun.
func awaitPhase(t *testing.T, home, phase string, within time.Duration) string {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		journals, err := filepath.Glob(filepath.Join(home, "drills", "*", "journal.ndjson"))
		require.NoError(t, err)
		if len(journals) == 0 {
			continue
		}
		raw, err := os.ReadFile(journals[0])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
		if bytes.Contains(raw, []byte(`{"phase":"`+phase+`"}`)) {
			return journals[0]
		}
	}
	require.Failf(t, "the phase did not come", "%s", phase)
	return ""
}
