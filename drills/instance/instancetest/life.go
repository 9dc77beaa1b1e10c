package instancetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// ask speaks to a serving guest; it dials until the guest listens.
func ask(t *testing.T, m instance.Machine, text string) string {
	t.Helper()
	var c net.Conn
	var err error
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if c, err = m.Dial(t.Context(), Port); err == nil || time.Now().After(end) {
			break
		}
	}
	require.NoError(t, err)
	defer c.Close()
	_, err = fmt.Fprintln(c, text)
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	return line
}

func (x suite) dial(t *testing.T) {
	_, m := x.boot(t)
	assert.Equal(t, "echo hello\n", ask(t, m, "hello"))
	c, err := m.Dial(t.Context(), Port)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "deadlines hold")
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() { assert.Equal(t, fmt.Sprintf("echo %d\n", i), ask(t, m, fmt.Sprint(i))) })
	}
	wg.Wait()
}

func (x suite) refused(t *testing.T) {
	_, m := x.boot(t)
	assert.Equal(t, "echo hello\n", ask(t, m, "hello"))
	_, err := m.Dial(t.Context(), Port+1)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func (x suite) stopAndStart(t *testing.T) {
	_, m := x.boot(t)
	ctx := t.Context()
	assert.Equal(t, "echo a\n", ask(t, m, "a"))
	x.exec(t, m, "write", "/data/kept", "still here")
	require.NoError(t, m.Stop(ctx))
	require.NoError(t, m.Stop(ctx), "stopping a stopped machine is a no-op")
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.False(t, s.Running)
	assert.Equal(t, 0, s.Exit)
	console, err := instance.Console(ctx, m)
	require.NoError(t, err)
	assert.Contains(t, console, "stopping in an orderly way")
	_, err = m.Dial(ctx, Port)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, m.Start(ctx))
	if x.Prepare != nil {
		x.Prepare(t, m)
	}
	assert.Equal(t, "echo b\n", ask(t, m, "b"))
	assert.Equal(t, "still here", x.exec(t, m, "read", "/data/kept").Stdout)
}

func (x suite) destroy(t *testing.T) {
	b, m := x.boot(t)
	ctx := t.Context()
	require.NoError(t, m.Destroy(ctx))
	require.NoError(t, m.Destroy(ctx), "destroying twice is a no-op")
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.False(t, s.Running)
	r := x.request(b, "db")
	r.Generation = 2
	m = x.start(t, b, r) // the same name boots again
	assert.Equal(t, "echo again\n", ask(t, m, "again"))
}

func (x suite) freshData(t *testing.T) {
	b, m := x.boot(t)
	x.exec(t, m, "write", "/data/old", "1")
	r := x.request(b, "db")
	r.Generation = 2
	second := x.start(t, b, r) // a boot replaces the machine of that name
	assert.NotEqual(t, 0, x.exec(t, second, "read", "/data/old").Exit)
}

func (x suite) keptData(t *testing.T) {
	b, m := x.boot(t)
	x.exec(t, m, "write", "/data/orders", "100")
	r := x.request(b, "db")
	r.Generation, r.KeepData = 2, true
	second := x.start(t, b, r)
	assert.Equal(t, "100", x.exec(t, second, "read", "/data/orders").Stdout)
	require.NoError(t, m.Destroy(t.Context()), "the first generation owns nothing any more")
	assert.Equal(t, "100", x.exec(t, second, "read", "/data/orders").Stdout)
}

func (x suite) droppedData(t *testing.T) {
	b, m := x.boot(t)
	x.exec(t, m, "write", "/data/orders", "100")
	r := x.request(b, "db")
	r.Generation, r.KeepData, r.DropData = 2, true, []string{"/elsewhere"}
	_, err := b.Driver.Boot(t.Context(), r)
	require.ErrorContains(t, err, "it is no volume")
	r.DropData = []string{"/data"}
	second := x.start(t, b, r)
	assert.NotEqual(t, 0, x.exec(t, second, "read", "/data/orders").Exit, "its volume went")
	x.exec(t, second, "write", "/data/orders", "1")
	assert.Equal(t, "1", x.exec(t, second, "read", "/data/orders").Stdout, "and another one came")
}

func (x suite) nothingToKeep(t *testing.T) {
	b := x.New(t)
	r := x.request(b, "db")
	r.KeepData = true
	_, err := b.Driver.Boot(t.Context(), r)
	require.Error(t, err)
	assert.False(t, errors.As(err, new(*instance.BootError)), "nobody's image is to blame: %v", err)
}

func (x suite) doesNotComeUp(t *testing.T) {
	b := x.New(t)
	r := x.request(b, "db")
	r.Entrypoint = x.guest("exit", "3")
	m, err := b.Driver.Boot(t.Context(), r)
	if err == nil { // on a busy host it may end after the driver has looked: then its state tells
		require.Eventually(t, func() bool {
			s, err := m.State(t.Context())
			return err == nil && !s.Running && s.Exit == 3 && s.Reason != ""
		}, patience, 50*time.Millisecond)
		return
	}
	var bad *instance.BootError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, "db", bad.Instance)
	assert.Contains(t, bad.Reason, "3")
	assert.Contains(t, bad.Console, "giving up")
}

func (x suite) noSuchImage(t *testing.T) {
	b := x.New(t)
	r := x.request(b, "db")
	r.Image = "lifeboat-test/no-such-image:1"
	_, err := b.Driver.Boot(t.Context(), r)
	require.ErrorContains(t, err, r.Image)
	assert.False(t, errors.As(err, new(*instance.BootError)), "a missing image is no bad backup: %v", err)
}

func (x suite) writtenFirst(t *testing.T) {
	b, m := x.boot(t)
	entries := b.Notes.Entries()
	require.NotEmpty(t, entries)
	for _, e := range entries {
		assert.NotEmpty(t, e.What)
		assert.NotEmpty(t, e.Name)
		assert.NotEmpty(t, e.Fix)
		assert.Contains(t, b.Undoers, e.Undo.Kind)
	}
	require.NoError(t, m.Destroy(t.Context()))
}

func (x suite) proved(t *testing.T) {
	b, _ := x.boot(t)
	controls := 0
	for _, p := range b.Notes.Probes() {
		assert.Equal(t, p.Control, p.Reached, "%+v", p)
		if p.Control {
			controls++
		}
	}
	assert.Positive(t, controls, "without a positive control the probes prove nothing")
	assert.Greater(t, len(b.Notes.Probes()), controls)
}

func (x suite) undone(t *testing.T) {
	b, m := x.boot(t)
	b.Notes.UndoAll(t, b.Site.Scope, b.Undoers)
	// Undone by another hand than the driver's: a back-end may say that in an error, and never that it runs.
	s, _ := m.State(t.Context())
	assert.False(t, s.Running)
	for _, e := range b.Notes.Entries() {
		assert.ErrorIs(t, b.Undoers[e.Undo.Kind](t.Context(), b.Site.Scope, e), ledger.ErrGone, "%s %s", e.What, e.Name)
	}
}

func (x suite) sideBySide(t *testing.T) {
	b := x.New(t)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			m, err := b.Driver.Boot(t.Context(), x.request(b, fmt.Sprint("web", i)))
			if assert.NoError(t, err) {
				assert.Equal(t, "echo x\n", ask(t, m, "x"))
			}
		})
	}
	wg.Wait()
}

func (x suite) companion(t *testing.T, args []string) (instance.Process, *bytes.Buffer) {
	t.Helper()
	b := x.New(t)
	c, ok := instance.As[instance.Companion](b.Driver)
	if !ok {
		t.Skip("the driver has no place for programs beside its machines")
	}
	var out bytes.Buffer
	p, err := c.Run(t.Context(), instance.Program{Name: "script", Image: x.Image, Args: args, Stdout: &out,
		Files: map[string][]byte{"/flows/a.js": []byte("content")}})
	require.NoError(t, err)
	return p, &out
}

func (x suite) program(t *testing.T) {
	p, out := x.companion(t, x.guest("read", "/flows/a.js"))
	exit, err := p.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 0, exit)
	assert.Equal(t, "content", out.String())
	require.NoError(t, p.Stop(t.Context(), time.Second), "stopping an ended program is a no-op")
}

func (x suite) programStopped(t *testing.T) {
	p, _ := x.companion(t, x.guest("serve", "7000"))
	time.Sleep(300 * time.Millisecond) // let it come up: a program that was never there has nothing to end
	require.NoError(t, p.Stop(t.Context(), 5*time.Second))
	exit, err := p.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 0, exit, "it ended in an orderly way")
}
