package docker

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
)

// endTunnel kills the process that carries a sandbox's connections, as a mistake in it or a want of memory would.
func endTunnel(t *testing.T, d *Driver, sandboxID string) {
	t.Helper()
	top, err := d.engine.client.ContainerTop(t.Context(), sandboxID, client.ContainerTopOptions{})
	require.NoError(t, err)
	pid := 0
	for _, p := range top.Processes {
		if strings.HasSuffix(strings.Join(p, " "), programInside+" "+sandbox.CommandTunnel) {
			pid = processID(t, top.Titles, p)
		}
	}
	require.Positive(t, pid, "its tunnel runs: %v", top.Processes)
	require.NoError(t, d.killer(t.Context(), sandboxID, pid))
}

func processID(t *testing.T, titles, fields []string) (pid int) {
	t.Helper()
	for i, title := range titles {
		if title == "PID" {
			for _, r := range fields[i] {
				pid = pid*10 + int(r-'0')
			}
		}
	}
	return pid
}

// A tunnel that ends takes nobody's answer along: what it carried could not be asked, and the next dial has a new one.
func TestATunnelThatEnds(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	defer d.Close()
	m, err := d.Boot(t.Context(), serving("db"))
	require.NoError(t, err)
	c := dialled(t, m)
	sealed := d.slots["db"].sandbox
	first := sealed.way.latest
	endTunnel(t, d, sealed.id)
	_, err = io.ReadAll(c)
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
	_, err = c.Write([]byte("x"))
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
	dialled(t, m)
	assert.NotSame(t, first, sealed.way.latest)
	_, err = m.Dial(t.Context(), 7001)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)

	require.NoError(t, d.engine.client.Close())
	_, err = d.engine.client.ContainerKill(t.Context(), sealed.id, client.ContainerKillOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return sealed.way.latest.over() }, time.Minute, 5*time.Millisecond)
	_, err = m.Dial(t.Context(), 7000)
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "a sandbox that is gone says nothing of the machine: %v", err)
}

// A driver that is closed leaves no goroutine and no open file behind.
func TestClosedDriversLeaveNothing(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(list)
	}
	life := func() {
		ctx := t.Context()
		d, notes := newBench(t)
		m, err := d.Boot(ctx, serving("db"))
		require.NoError(t, err)
		for range 5 {
			dialled(t, m)
		}
		_, err = m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo", "x"}})
		require.NoError(t, err)
		late, cancel := context.WithTimeout(ctx, time.Second) // killed, by a container of its own
		_, err = m.Exec(late, instance.Command{Args: []string{"/guest", "serve", "7001"}})
		cancel()
		require.Error(t, err)
		input, told := io.Pipe()
		p, err := d.Run(ctx, instance.Program{Name: "p", Binary: built.guest, Args: []string{"echo", "x"}, Stdin: input})
		require.NoError(t, err)
		_, err = p.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, told.Close())
		_, err = d.Egress(ctx)
		require.NoError(t, err)
		_, err = d.Reached(ctx)
		require.NoError(t, err)
		_, err = d.Used(ctx)
		require.NoError(t, err)
		_, _, err = Capacity(ctx)
		require.NoError(t, err)
		require.NoError(t, m.Destroy(ctx))
		require.NoError(t, d.Close())
		require.True(t, d.Closed())
		notes.UndoAll(t, d.site.Scope, Undoers(d.log))
	}
	life() // what is made once
	goroutines, files := runtime.NumGoroutine(), open()
	life()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if runtime.NumGoroutine() <= goroutines && open() <= files {
			return
		}
	}
	b := make([]byte, 1<<20)
	t.Errorf("%d goroutines and %d files, before %d and %d\n%s", runtime.NumGoroutine(), open(), goroutines, files,
		b[:runtime.Stack(b, true)])
}
