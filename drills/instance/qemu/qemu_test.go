package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
)

// built is the program of sandboxes, which these tests make once.
var built *io.SectionReader

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	var err error
	if built, err = instancetest.BuildProgram(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

var tests atomic.Int32

// newBench makes a drill's site and a driver on it. When the test ends everything is undone, and the
// engine is asked what is left.
func newBench(t testing.TB) *Driver {
	t.Helper()
	d, _ := newDriver(t)
	return d
}

func newDriver(t testing.TB) (*Driver, *instancetest.Notes) {
	t.Helper()
	needs.VM(t)
	drill := fmt.Sprintf("vm%d-%d", os.Getpid(), tests.Add(1))
	site, notes := instancetest.NewSite(t, drill, built)
	base, err := docker.New(site)
	require.NoError(t, err)
	d := New(site, base)
	if err := d.Ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	t.Cleanup(func() {
		undoers := docker.Undoers(site.Log)
		for kind, undo := range Undoers() {
			undoers[kind] = undo
		}
		notes.UndoAll(t, site.Scope, undoers)
		e, err := docker.Open(slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		left, err := e.Leftovers(context.Background(), drill)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	return d, notes
}

// file is a disk that is a file of this host; remote hides that from the driver.
type file struct {
	*os.File
	size    int64
	remote  bool
	changed error
	blocks  sync.Map // that were read
	read    atomic.Int64
}

const block = 16 << 10

func (f *file) Size() int64    { return f.size }
func (f *file) Fetched() int64 { return f.read.Load() }
func (f *file) Same() error    { return f.changed }

func (f *file) Path() string {
	if f.remote {
		return ""
	}
	return f.Name()
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	for b := off / block; b*block < min(off+int64(len(p)), f.size); b++ {
		if _, again := f.blocks.LoadOrStore(b, true); !again {
			f.read.Add(block)
		}
	}
	return f.File.ReadAt(p, off)
}

func openFile(t testing.TB, path string) *file {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	s, err := f.Stat()
	require.NoError(t, err)
	return &file{File: f, size: s.Size()}
}

// guestImage is the customer's machine that ci/vm builds.
func guestImage(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("../../../build/vm/shop-pos.qcow2")
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		needs.Skip(t, "make vm-images builds the guest:", err)
	}
	return path
}

const servicePort = 8080

func (d *Driver) bootGuest(t testing.TB, disk instance.Disk, vm VM, more ...string) *Machine {
	t.Helper()
	ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: "qcow2", Disk: disk})
	require.NoError(t, err)
	vm.Ports = []int{servicePort}
	m, err := d.Boot(t.Context(), instance.Request{Name: "pos", Generation: 1, Image: ref, Own: &vm, Disks: more})
	require.NoError(t, err)
	return m.(*Machine)
}

// awaitHTTP waits until the guest's service answers, and returns what it says.
func awaitHTTP(t testing.TB, m *Machine, path string, within time.Duration) int {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, servicePort) }}}
	for end := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		r, err := client.Get("http://guest" + path)
		if err == nil {
			_ = r.Body.Close()
			return r.StatusCode
		}
		if time.Now().After(end) {
			console, _ := m.Console(context.Background())
			t.Fatalf("%v; console: %s", err, instance.LastLines(console, 20))
		}
	}
}

// One guest is booted and asked everything that a machine can be asked: a boot costs 20 s under emulation.
func TestVMLife(t *testing.T) {
	image := guestImage(t)
	before := digest(t, image)
	d := newBench(t)
	disk := openFile(t, image)
	began := time.Now()
	m := d.bootGuest(t, disk, VM{})
	t.Logf("QEMU runs after %s", time.Since(began))
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", 3*time.Minute))
	t.Logf("the service answers after %s", time.Since(began))
	ctx := t.Context()
	facts := m.Describe(ctx)
	t.Log(facts)
	assert.Contains(t, facts["control"], "guest agent")

	r, err := m.Exec(ctx, instance.Command{Args: []string{"sh", "-c", "cat; echo $COLOUR >&2; exit 3"},
		Stdin: strings.NewReader("hello"), Env: map[string]string{"COLOUR": "orange"}})
	require.NoError(t, err)
	assert.Equal(t, instance.Result{Exit: 3, Stdout: "hello", Stderr: "orange\n"}, r)
	r, err = m.Exec(ctx, instance.Command{Args: []string{"id", "-un"}, User: "operator", Dir: "/tmp"})
	require.NoError(t, err)
	assert.Equal(t, "operator\n", r.Stdout)
	r, err = m.Exec(ctx, instance.Command{Args: []string{"/no/such/program"}})
	require.NoError(t, err)
	assert.Equal(t, exitNotFound, r.Exit)
	_, err = m.Get(ctx, "/no/such/file")
	require.ErrorIs(t, err, fs.ErrNotExist)

	escape(t, d, m)

	for _, size := range []int{1000, 3 << 20} {
		content := bytes.Repeat([]byte("lifeboat"), size/8)
		require.NoError(t, instance.Put(ctx, m, "/var/tmp/put", tarOf(t, "it", content)))
		got, err := m.Get(ctx, "/var/tmp/put/it")
		require.NoError(t, err)
		assert.Equal(t, content, got)
	}

	require.NoError(t, m.Snapshot(ctx, "before"))
	require.Error(t, m.Snapshot(ctx, "before"))
	require.NoError(t, m.guestScript(ctx, "rm /etc/shop-pos/shop-pos.conf && sync"))
	require.Error(t, m.Revert(ctx, "never taken"))
	began = time.Now()
	require.NoError(t, m.Revert(ctx, "before"))
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", 3*time.Minute))
	t.Logf("back at the snapshot after %s", time.Since(began))
	_, err = m.Get(ctx, "/etc/shop-pos/shop-pos.conf")
	require.NoError(t, err)

	undo := m.UndoCommand(instance.Command{Args: []string{"touch", "/var/tmp/recalled"}})
	require.NoError(t, Undoers()[undo.Kind](ctx, d.site.Scope, ledger.Entry{Name: "x", Undo: undo}))
	_, err = m.Get(ctx, "/var/tmp/recalled")
	require.NoError(t, err)

	began = time.Now()
	require.NoError(t, m.Stop(ctx))
	t.Logf("powered off after %s", time.Since(began))
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.False(t, s.Running)
	require.Error(t, Undoers()[undo.Kind](ctx, d.site.Scope, ledger.Entry{Name: "x", Undo: undo}))
	disk.changed = errors.New("it was replaced")
	require.ErrorIs(t, m.Start(ctx), disk.changed, "nothing but what was verified is booted")
	require.ErrorIs(t, m.Revert(ctx, "before"), disk.changed)
	require.NoError(t, m.Destroy(ctx))
	assert.Equal(t, before, digest(t, image), "the backup was written to")
}

func digest(t testing.TB, path string) string {
	t.Helper()
	out, err := exec.Command("sha256sum", path).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))[0]
}
