package ci

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// killBench is where harnesses are killed: a lifeboat that can die at a given
// event, and the database scenario over a backup of 200 orders.
type killBench struct {
	t    *testing.T
	bin  string
	root string
	env  []string // besides this process' own
}

// killBinary is built once for all tests.
var killBinary struct {
	sync.Once
	path string
	err  error
}

func onKillBench(t *testing.T) *killBench {
	t.Helper()
	b := onBench(t, "small")
	root := filepath.Dir(filepath.Dir(b.bin))
	killBinary.Do(func() {
		dir := filepath.Join(root, "build", "killtest") // beside its own k6; the same binary has the same image
		killBinary.path = filepath.Join(dir, "lifeboat")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "killtest", "-o", killBinary.path,
			"./cmd/lifeboat")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if killBinary.err = err; err != nil {
			killBinary.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, killBinary.err)
	return &killBench{t: t, bin: killBinary.path, root: root,
		env: []string{"LIFEBOAT_K6=" + filepath.Join(root, "bin", "lifeboat-k6")}}
}

// small writes the small scenario with its backups into a new folder. The
// application's image is one that the engine does not hold, so that it is loaded and removed.
func (b *killBench) small(pairs ...string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	require.NoError(b.t, os.CopyFS(filepath.Join(dir, "backups", "shop-db"),
		os.DirFS(filepath.Join(b.root, "build", "small", "backups", "shop-db"))))
	flows := os.DirFS(filepath.Join(b.root, "scenarios", "library", "flows"))
	require.NoError(b.t, os.CopyFS(filepath.Join(dir, "flows"), flows))
	app := filepath.Join(dir, "backups", "shop-app")
	require.NoError(b.t, os.MkdirAll(app, 0o700))
	archives, err := filepath.Glob(filepath.Join(b.root, "build", "small", "backups", "shop-app", "*.tar"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, archives)
	raw, err := os.ReadFile(archives[0])
	require.NoError(b.t, err)
	image := newImage(b.t, raw, dir)
	require.NoError(b.t, os.WriteFile(filepath.Join(app, "shop-app-1.tar"), image, 0o600))
	return b.scenario(dir, pairs...)
}

// scenario writes the shipped scenario with the waits of a small backup; every pair must be found.
func (b *killBench) scenario(dir string, pairs ...string) string {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.root, "scenarios", "library", "db-unreachable-after-upgrade.yaml"))
	require.NoError(b.t, err)
	text := string(raw)
	pairs = append([]string{"baseline: {stable_for: 5s}", "baseline: {stable_for: 1s}",
		"stable_for: 15s", "stable_for: 5s",
		"for 3s\"", "for 2s\"", "after: 2s", "after: 500ms", "at_least: 100000", "at_least: 200",
		"iterations: 10", "iterations: 2"}, pairs...)
	for i := 0; i+1 < len(pairs); i += 2 {
		require.Contains(b.t, text, pairs[i])
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	path := filepath.Join(dir, "small.yaml")
	require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// newImage makes an image of another id out of a docker-save archive: the same layers, one more label.
func newImage(t *testing.T, archive []byte, label string) []byte {
	t.Helper()
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	files := map[string][]byte{}
	for in := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		files[h.Name], err = io.ReadAll(in)
		require.NoError(t, err)
	}
	require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
	var config map[string]any
	require.NoError(t, json.Unmarshal(files[manifest[0].Config], &config))
	config["author"] = label
	changed, err := json.Marshal(config)
	require.NoError(t, err)
	sum := sha256.Sum256(changed)
	manifest[0].Config = hex.EncodeToString(sum[:]) + ".json"
	m, err := json.Marshal(manifest)
	require.NoError(t, err)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	write := func(name string, content []byte) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	write(manifest[0].Config, changed)
	for _, l := range manifest[0].Layers {
		write(l, files[l])
	}
	write("manifest.json", m)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// harness is one running lifeboat drill.
type harness struct {
	*killBench
	home, tmp string
	cmd       *exec.Cmd
	out, errs *bytes.Buffer
}

// start begins a drill in home; env is added to its environment.
func (b *killBench) start(home, scenario string, env ...string) *harness {
	b.t.Helper()
	h := &harness{killBench: b, home: home, tmp: b.t.TempDir(), out: &bytes.Buffer{}, errs: &bytes.Buffer{}}
	h.cmd = exec.Command(b.bin, "drill", "--json", "--home", home, scenario)
	h.cmd.Env = append(append(append(os.Environ(), b.env...), "TMPDIR="+h.tmp), env...)
	h.cmd.Stdout, h.cmd.Stderr = h.out, h.errs
	require.NoError(b.t, h.cmd.Start())
	return h
}

// end waits for the harness and returns its exit code, -1 when a signal ended it.
func (h *harness) end() int {
	_ = h.cmd.Wait() // the exit code says it
	return h.cmd.ProcessState.ExitCode()
}

// lifeboat runs another command on the same home.
func (b *killBench) lifeboat(home string, args ...string) (int, string) {
	b.t.Helper()
	cmd := exec.Command(b.bin, append(args, "--home", home)...)
	cmd.Env = append(os.Environ(), b.env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(b.t, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// newest is the id of the youngest drill of a home, "" while there is none.
func newest(home string) string {
	dirs, err := os.ReadDir(filepath.Join(home, "drills"))
	if err != nil || len(dirs) == 0 {
		return ""
	}
	return dirs[len(dirs)-1].Name()
}

// await waits until the newest journal of the home holds text, and returns its drill.
func (h *harness) await(text string, within time.Duration) string {
	h.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		id := newest(h.home)
		raw, err := os.ReadFile(filepath.Join(h.home, "drills", id, "journal.ndjson"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			require.NoError(h.t, err)
		}
		if id != "" && bytes.Contains(raw, []byte(text)) {
			return id
		}
	}
	_ = h.cmd.Process.Kill()
	require.Failf(h.t, "it did not come", "%s; %s", text, h.errs)
	return ""
}

// left is everything of a drill outside its folder: on the engine (loaded images also by the
// id in the ledger) and the processes whose command line names it.
func left(t *testing.T, home, drill string) []string {
	t.Helper()
	return append(append(onEngine(t, drill), loaded(t, home, drill)...), processes(t, drill)...)
}

// processes of a drill: its reaper, and whatever else names it.
func processes(t *testing.T, drill string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []string
	for _, path := range all {
		if raw, err := os.ReadFile(path); err == nil && bytes.Contains(raw, []byte(drill)) { // it may have ended
			found = append(found, "process "+strings.ReplaceAll(string(raw), "\x00", " "))
		}
	}
	return found
}

// loaded are the images of the ledger, by id, that the engine still holds.
func loaded(t *testing.T, home, drill string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, "drills", drill, "ledger.ndjson"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(raw)) {
		var l struct {
			Entry struct {
				What string
				Undo struct{ Data struct{ ID string } }
			}
		}
		if json.Unmarshal([]byte(line), &l) != nil || l.Entry.What != "image" { // the last line may be torn
			continue
		}
		id := l.Entry.Undo.Data.ID
		if _, err := engineOf(t).ImageInspect(t.Context(), id); err == nil {
			found = append(found, "image "+id)
		} else if !cerrdefs.IsNotFound(err) {
			require.NoError(t, err)
		}
	}
	return found
}

// gone waits for three listings in a row without anything of the drill, and returns how long after died the first of
// them ended: the others are there to see that nothing comes late, and cost seconds on a busy machine.
func gone(t *testing.T, home, drill string, died time.Time, within time.Duration) time.Duration {
	t.Helper()
	var took time.Duration
	for quiet := 0; quiet < 3; {
		if rest := left(t, home, drill); len(rest) == 0 {
			if quiet++; quiet == 1 {
				took = time.Since(died)
			}
		} else {
			quiet = 0
			require.Less(t, time.Since(died), within, "still there: %v", rest)
			time.Sleep(20 * time.Millisecond)
		}
	}
	return took
}

// journal reads a drill's journal through every check of the chain.
func journal(t *testing.T, home, drill string) []record.Event {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, "drills", drill, "journal.ndjson"))
	require.NoError(t, err)
	events, err := record.Read(bytes.NewReader(raw))
	require.NoError(t, err)
	return events
}
