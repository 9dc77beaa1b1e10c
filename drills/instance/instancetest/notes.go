package instancetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// Notes are a drill's journal and ledger, kept in memory.
type Notes struct {
	mu      sync.Mutex
	entries []ledger.Entry
	probes  []record.Probe
	network *record.Network
}

// NewSite makes the site of a drill of this process with notes for its journal and ledger.
func NewSite(t testing.TB, drill string, program *io.SectionReader) (instance.Site, *Notes) {
	n := &Notes{}
	return instance.Site{
		Scope:  ledger.Scope{Drill: drill, Owner: ledger.Self(), Deadline: time.Now().Add(time.Hour), Home: t.TempDir()},
		Ledger: n, Journal: n, Program: program, Base: time.Now(),
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, n
}

// Intend implements instance.Ledger.
func (n *Notes) Intend(e ledger.Entry) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.ID, e.State = len(n.entries)+1, ledger.Intended
	n.entries = append(n.entries, e)
	return e.ID, nil
}

// Append implements instance.Journal. Like the real one it refuses what is not JSON.
func (n *Notes) Append(_ record.Kind, _ record.Subject, data any) error {
	if _, err := json.Marshal(data); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch said := data.(type) {
	case record.Probe:
		n.probes = append(n.probes, said)
	case record.Network:
		n.network = &said
	}
	return nil
}

// Entries of the ledger so far.
func (n *Notes) Entries() []ledger.Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]ledger.Entry(nil), n.entries...)
}

// Probes written to the journal so far.
func (n *Notes) Probes() []record.Probe {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]record.Probe(nil), n.probes...)
}

// Network that the drill's machines are in; nil: none was made.
func (n *Notes) Network() *record.Network {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.network
}

// UndoAll undoes the ledger as the harness and the reaper do, and reports what could not be undone.
func (n *Notes) UndoAll(t testing.TB, s ledger.Scope, undoers map[string]ledger.Undoer) {
	for _, o := range ledger.Unwind(context.Background(), ledger.UnwindRequest{Scope: s, Entries: n.Entries(), Undoers: undoers}) {
		if o.State == ledger.Failed {
			t.Errorf("undo %s %s: %v", o.Entry.What, o.Entry.Name, o.Err)
		}
	}
}

// BuildProgram builds the program of sandboxes as it is in the sources, for back-ends that need one.
func BuildProgram() (*io.SectionReader, error) {
	dir, err := os.MkdirTemp("", "lifeboat-sandbox-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "lifeboat-sandbox")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "lifeboat/cmd/lifeboat-sandbox")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program of sandboxes: %w\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	return Executable(b), err
}

// Executable is how a back-end gets a program of these bytes.
func Executable(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// Program is BuildProgram in a test.
func Program(t testing.TB) *io.SectionReader {
	t.Helper()
	b, err := BuildProgram()
	require.NoError(t, err)
	return b
}
