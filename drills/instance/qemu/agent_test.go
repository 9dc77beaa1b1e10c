package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saying is an agent that answers the first command with whatever say writes. written tells how many bytes of it went.
func saying(t *testing.T, say func(io.Writer)) (g *agent, written <-chan int64) {
	t.Helper()
	n := make(chan int64, 1)
	g = &agent{patience: time.Minute, dial: func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			lines := bufio.NewScanner(far)
			lines.Scan()
			var sync struct{ Arguments struct{ ID int64 } }
			_ = json.Unmarshal(lines.Bytes()[1:], &sync)
			_, _ = fmt.Fprintf(far, "\xff{\"return\": %d}\n", sync.Arguments.ID)
			lines.Scan()
			c := &tally{w: far}
			say(c)
			n <- c.n
		}()
		return near, nil
	}}
	t.Cleanup(g.close)
	return g, n
}

type tally struct {
	w io.Writer
	n int64
}

func (c *tally) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// The agent is part of what was restored: whatever it sends, this host keeps no more than an answer can have.
func TestAgentThatNeverEndsItsAnswer(t *testing.T) {
	t.Parallel()
	g, written := saying(t, func(w io.Writer) {
		piece := []byte(strings.Repeat("x", 1<<20))
		for err := error(nil); err == nil; {
			_, err = w.Write(piece)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := g.do(ctx, "guest-info", nil, nil)
	require.ErrorContains(t, err, "longer than")
	assert.Less(t, <-written, int64(agentLine+2<<20))
}

func TestAgentThatNeverSynchronises(t *testing.T) {
	t.Parallel()
	g := &agent{patience: time.Minute, dial: func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			piece := []byte("\xff" + strings.Repeat("x", 1<<20))
			for err := error(nil); err == nil; {
				_, err = far.Write(piece)
				piece[0] = 'x'
			}
		}()
		return near, nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.ErrorContains(t, g.do(ctx, "guest-info", nil, nil), "longer than")
}

// What it gives as the reason of a refusal goes into records and onto terminals.
func TestAgentWhoseRefusalIsLong(t *testing.T) {
	t.Parallel()
	g, _ := saying(t, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, `{"error": {"class": "GenericError", "desc": "no\u001b[2J\nway%s"}}`+"\n",
			strings.Repeat("!", 1<<20))
	})
	err := g.do(t.Context(), "guest-info", nil, nil)
	require.Error(t, err)
	require.Less(t, len(err.Error()), 1000)
	assert.Regexp(t, `^agent guest-info: no\P{C}* ?way!+…$`, err.Error())
}
