package instancetest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// standing is a connection over which the guest has answered once.
func standing(t *testing.T, m instance.Machine) net.Conn {
	t.Helper()
	ask(t, m, "are you there?")
	c, err := m.Dial(t.Context(), Port)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "hello\n")
	require.NoError(t, err)
	b := make([]byte, len("echo hello\n"))
	_, err = io.ReadFull(c, b)
	require.NoError(t, err)
	require.Equal(t, "echo hello\n", string(b))
	return c
}

// What the caller says may end before the answer.
func (x suite) halfClose(t *testing.T) {
	_, m := x.boot(t)
	c := standing(t, m)
	_, err := io.WriteString(c, "last words\n")
	require.NoError(t, err)
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
	b, err := io.ReadAll(c)
	require.NoError(t, err, "an end in order")
	assert.Equal(t, "echo last words\n", string(b))
}

// A way that breaks gives no answer in the machine's name, neither an end nor a refusal, and there is another one.
func (x suite) brokenInMidFlow(t *testing.T) {
	b, m := x.boot(t)
	c := standing(t, m)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	x.Break(t, b, m)
	_, err := c.Read(make([]byte, 1))
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
	_, err = c.Write([]byte("x"))
	assert.True(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
	again, err := m.Dial(t.Context(), Port)
	require.NoError(t, err, "the next dial has a way of its own")
	require.NoError(t, again.Close())
	assert.Equal(t, "echo hello\n", ask(t, m, "hello"))
}

// EndTunnel kills the process that carries a sandbox's connections, on an engine of this host.
func EndTunnel(t *testing.T, b Bench, m instance.Machine) {
	t.Helper()
	box := "lifeboat-" + b.Site.Scope.Drill + "-" + m.Name() + "-sandbox"
	out, err := exec.Command("docker", "top", box, "-eo", "pid,args").CombinedOutput()
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "tunnel" {
			pid, err := strconv.Atoi(f[0])
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			return
		}
	}
	require.Fail(t, "no tunnel", fmt.Sprint(string(out)))
}

// ahead seals the sandboxes of instances before they are booted, and waits until that is done.
func (x suite) ahead(t *testing.T, names ...string) Bench {
	t.Helper()
	b := x.New(t)
	a, ok := instance.As[instance.Ahead](b.Driver)
	if !ok {
		t.Skip("the driver seals nothing ahead")
	}
	var places []instance.Place
	for _, name := range names {
		places = append(places, instance.Place{Instance: name})
	}
	a.SealAhead(t.Context(), places)()
	return b
}

// controls are the probes that got through, as they must: one for each sandbox that was sealed.
func controls(b Bench) (count int) {
	for _, p := range b.Notes.Probes() {
		if p.Control && p.Reached {
			count++
		}
	}
	return count
}

// What was sealed ahead is proved and written down before it is wanted, and is not sealed again.
func (x suite) sealedAhead(t *testing.T) {
	b := x.ahead(t, "db", "app")
	first := controls(b)
	require.Positive(t, first, "it is proved before anybody boots in it")
	for _, e := range b.Notes.Entries() {
		assert.Contains(t, b.Undoers, e.Undo.Kind)
	}
	for _, name := range []string{"db", "app"} {
		assert.Equal(t, "echo x\n", ask(t, x.start(t, b, x.request(b, name)), "x"))
	}
	assert.Equal(t, first, controls(b), "and was not sealed once more")
}

// A sandbox that ended before it was wanted is thrown away, and another one is sealed.
func (x suite) aheadAndTorn(t *testing.T) {
	b := x.ahead(t, "db")
	first := controls(b)
	x.Tear(t, b, "db")
	m := x.start(t, b, x.request(b, "db"))
	assert.Equal(t, "echo x\n", ask(t, m, "x"))
	assert.Equal(t, 2*first, controls(b), "another one, with its own proof")
	w, ok := instance.As[instance.Awaiting](m)
	require.True(t, ok)
	assert.Positive(t, w.SealWait(), "for which the boot waited")
}

// A sandbox that nobody wanted is nobody's: it reached nothing, and that it is gone says nothing of the drill.
func (x suite) aheadAndUnwanted(t *testing.T) {
	b := x.ahead(t, "db", "spare")
	x.Tear(t, b, "spare")
	ask(t, x.start(t, b, x.request(b, "db")), "x")
	if g, ok := instance.As[instance.Guard](b.Driver); ok {
		require.NoError(t, g.Intact(t.Context()))
	}
	if r, ok := instance.As[instance.ReachReporter](b.Driver); ok {
		links, err := r.Reached(t.Context())
		require.NoError(t, err)
		for _, l := range links {
			assert.NotEqual(t, "spare", l.To)
		}
	}
	if e, ok := instance.As[instance.EgressReporter](b.Driver); ok {
		_, err := e.Egress(t.Context())
		require.NoError(t, err)
	}
}

// EndSandbox kills the sandbox of a name, on an engine of this host.
func EndSandbox(t *testing.T, b Bench, name string) {
	t.Helper()
	out, err := exec.Command("docker", "kill", fmt.Sprintf("lifeboat-%s-%s-sandbox", b.Site.Scope.Drill, name)).CombinedOutput()
	require.NoError(t, err, string(out))
}
