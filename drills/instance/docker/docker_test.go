package docker

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/instancetest"
	"lifeboat/internal/needs"
)

// built holds what the tests need and TestMain makes once.
var built struct {
	program     *io.SectionReader // of sandboxes
	self, guest string            // executables: that program, and the guest
	image       string            // of the guest; empty without an engine
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if os.Getenv(childVariable) != "" || os.Getenv(settingsVariable) != "" {
		return m.Run() // everything is made already, or not needed
	}
	dir, err := os.MkdirTemp("", "lifeboat-docker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built.self, built.guest = filepath.Join(dir, "self"), filepath.Join(dir, "guest")
	if built.program, err = instancetest.BuildProgram(); err == nil {
		var all []byte
		if all, err = io.ReadAll(built.program); err == nil {
			err = os.WriteFile(built.self, all, 0o600)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", built.guest, "./testdata/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the guest: %v\n%s", err, out)
		return 1
	}
	guest, err := os.ReadFile(built.guest)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	e, err := Open(slog.New(slog.DiscardHandler))
	if err == nil && e.ready(ctx) == nil {
		if built.image, err = e.tool(ctx, "lifeboat-test/guest", "/guest", bytes.NewReader(guest)); err != nil {
			fmt.Fprintln(os.Stderr, "make the guest's image:", err)
			return 1
		}
		// Tests side by side share it. The sandboxes' own image stays, as between drills: other packages' tests use it too.
		program, err := e.tool(ctx, programRepository, programPath, bytes.NewReader(guest))
		if err != nil {
			fmt.Fprintln(os.Stderr, "make the guest's image as a program:", err)
			return 1
		}
		defer func() {
			for _, ref := range []string{built.image, program} {
				_, _ = e.client.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
			}
		}()
	}
	// The tests wait for the engine more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

var drills atomic.Int32

// newBench makes a drill's site and a driver on it. When the test ends,
// everything is undone and the engine is asked what is left.
func newBench(t testing.TB) (*Driver, *instancetest.Notes) {
	t.Helper()
	return newBenchAt(t, defaultHost())
}

// newBenchAt is newBench with another engine.
func newBenchAt(t testing.TB, host string) (*Driver, *instancetest.Notes) {
	t.Helper()
	drill := fmt.Sprintf("test%d-%d", os.Getpid(), drills.Add(1))
	site, notes := instancetest.NewSite(t, drill, built.program)
	e, err := openHost(host, site.Log)
	require.NoError(t, err)
	d := on(e, site)
	if err := d.Ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	t.Cleanup(func() {
		notes.UndoAll(t, site.Scope, Undoers(site.Log))
		left, err := d.engine.Leftovers(context.Background(), drill)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	return d, notes
}

func TestSuite(t *testing.T) {
	instancetest.Run(t, instancetest.Subject{Image: built.image, Guest: []string{"/guest"},
		Break: instancetest.EndTunnel,
		Tear:  instancetest.EndSandbox,
		New: func(t *testing.T) instancetest.Bench {
			d, notes := newBench(t)
			return instancetest.Bench{Driver: d, Site: d.site, Notes: notes, Undoers: Undoers(d.log)}
		}})
}

// runGuest runs the guest on this host and returns what it prints.
func runGuest(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(built.guest, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
