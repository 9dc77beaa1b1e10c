package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// speakQMP is the other end of a monitor.
func speakQMP(far net.Conn, say func(command string) string) {
	_, _ = fmt.Fprintln(far, `{"QMP": {}}`)
	for lines := bufio.NewScanner(far); lines.Scan(); {
		var asked struct {
			Execute string `json:"execute"`
			ID      int    `json:"id"`
		}
		_ = json.Unmarshal(lines.Bytes(), &asked)
		if why := say(asked.Execute); why != "" {
			_, _ = fmt.Fprintf(far, `{"id": %d, "error": {"class": "GenericError", "desc": %q}}`+"\n", asked.ID, why)
			continue
		}
		_, _ = fmt.Fprintf(far, `{"id": %d, "return": {}}`+"\n", asked.ID)
	}
}

// answering is a monitor of a QEMU that answers each command with what say returns: "" for success, or why not.
func answering(t *testing.T, say func(command string) string) *monitor {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close() })
	go speakQMP(far, say)
	q, err := newMonitor(t.Context(), near)
	require.NoError(t, err)
	return q
}

// freezing is an agent that freezes the guest and then answers no more.
func freezing(t *testing.T) *agent {
	t.Helper()
	calls := 0
	return &agent{patience: time.Second, dial: func(context.Context) (net.Conn, error) {
		if calls++; calls > 1 {
			return nil, errors.New("it is gone")
		}
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			lines := bufio.NewScanner(far)
			lines.Scan()
			var sync struct{ Arguments struct{ ID int64 } }
			_ = json.Unmarshal(lines.Bytes()[1:], &sync)
			_, _ = fmt.Fprintf(far, "\xff{\"return\": %d}\n", sync.Arguments.ID)
			lines.Scan()
			_, _ = fmt.Fprintln(far, `{"return": 2}`)
		}()
		return near, nil
	}}
}

// What a snapshot that failed may have left behind is never taken for the empty overlay of a later revert.
func TestSnapshotThatFails(t *testing.T) {
	t.Parallel()
	silent := func() *agent {
		return &agent{dial: func(context.Context) (net.Conn, error) { return nil, errors.New("there is none") }}
	}
	for name, tc := range map[string]struct {
		agent *agent
		says  string
		top   int // number of the overlay that QEMU writes to
	}{
		"QEMU refuses":        {silent(), "Device is busy", 1},
		"the guest stays ice": {freezing(t), "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &Machine{request: instance.Request{Name: "pos"}, agent: tc.agent, drives: []*drive{{}, {index: 1}}}
			m.monitor = answering(t, func(command string) string {
				if command == "transaction" {
					return tc.says
				}
				return ""
			})
			m.layers = []layer{m.fresh()}
			require.Error(t, m.Snapshot(t.Context(), "before"))
			assert.Equal(t, tc.top, m.layers[len(m.layers)-1].number)
			assert.Equal(t, 3, m.fresh().number, "2 may hold what was written since")
		})
	}
}
