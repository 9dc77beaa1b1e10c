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
