package storetest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
	"lifeboat/drills/store/dir"
	"lifeboat/drills/store/storetest"
	"lifeboat/internal/goroutines"
	"lifeboat/scenarios"
)

// catted is a folder whose files are read by a program, as a store does that is a command. It leaves a child behind.
type catted struct {
	store.Store
	at store.Site
}

const cat = `sleep 600 >/dev/null 2>&1 & exec cat "$0"`

func (c catted) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	path := filepath.Join(c.at.Folder, p.ID)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, store.ErrNoPoint)
	}
	cmd := exec.Command("sh", "-c", cat, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	program, err := c.at.Programs.Start(ctx, cmd)
	if err != nil {
		return nil, err
	}
	body := struct {
		io.Reader
		io.Closer
	}{out, program}
	return store.Verify(ctx, store.Opened{Body: body, Point: p, Store: "cat", Size: p.Size}), nil
}

func newCatted(t testing.TB, at store.Site) store.Store {
	settings, err := scenarios.ParseSettings("dir", "path: .")
	require.NoError(t, err)
	s, problems := dir.New(at, settings)
	require.Empty(t, problems)
	return catted{s, at}
}

func cattedAt(t *testing.T, at store.Site, backups ...storetest.Backup) store.Store {
	at.Folder = t.TempDir()
	for _, b := range backups {
		path := filepath.Join(at.Folder, b.ID)
		require.NoError(t, os.WriteFile(path, b.Content, 0o600))
		require.NoError(t, os.Chtimes(path, b.Written, b.Written))
		if b.Digest != "" {
			require.NoError(t, os.WriteFile(path+".sha256", []byte(b.Digest[len("sha256:"):]), 0o600))
		}
	}
	return newCatted(t, at)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{At: cattedAt, New: func(t *testing.T, backups ...storetest.Backup) store.Store {
		return cattedAt(t, store.Site{Programs: &store.Programs{}}, backups...)
	}})
}

// killed is the folder of a drill whose harness fetches and waits to be killed.
const killed = "LIFEBOAT_TEST_KILLED"

func TestMain(m *testing.M) {
	if folder := os.Getenv(killed); folder != "" {
		fetchUntilKilled(folder)
	}
	goroutines.Main(m)
}

func scopeOf(folder string) ledger.Scope {
	return ledger.Scope{Drill: "killed", Owner: ledger.Self(), Deadline: time.Now().Add(time.Hour), Home: folder}
}

func fetchUntilKilled(folder string) {
	scope := scopeOf(folder)
	l, err := ledger.Open(folder, scope)
	if err != nil {
		panic(err)
	}
	at := store.Site{Folder: filepath.Join(folder, "store"), Programs: &store.Programs{}}
	at.Programs.Enter(scope, l, slog.New(slog.DiscardHandler))
	stream, err := catted{at: at}.Fetch(context.Background(), store.Point{ID: "x.dump", Size: -1})
	if err == nil {
		_, err = stream.Read(make([]byte, 10))
	}
	if err != nil {
		panic(err)
	}
	fmt.Println("fetching")
	select {}
}

// What a store's program leaves when its harness is killed is found in the ledger, by another process.
func TestKilledHarness(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "store"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "store", "x.dump"), make([]byte, 1<<20), 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	harness := exec.Command(self)
	harness.Env = append(os.Environ(), killed+"="+folder)
	out, err := harness.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, harness.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "fetching\n", line)
	require.NoError(t, harness.Process.Signal(syscall.SIGKILL))
	_ = harness.Wait() // it was killed

	scope, err := ledger.LoadScope(folder)
	require.NoError(t, err)
	require.Equal(t, ledger.Dead, scope.Owner.Alive())
	entries, err := ledger.Load(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	undo := ledger.Undoers()[entries[0].Undo.Kind]
	assert.NoError(t, undo(t.Context(), scope, entries[0]), "it outlived its harness, and is ended")
	assert.ErrorIs(t, undo(t.Context(), scope, entries[0]), ledger.ErrGone)
}
