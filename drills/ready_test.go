package drills

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
)

// serving is a machine whose every port leads to a decoy, whose certificate nobody issued.
type serving struct {
	instance.Machine
	kind decoy.Kind
}

func (serving) Name() string { return "app" }

func (s serving) Dial(context.Context, int) (net.Conn, error) {
	near, far := net.Pipe()
	go decoy.Serve(far, s.kind)
	return near, nil
}

// Readiness over HTTPS is an answer, whoever signed for it.
func TestReadyOverHTTPS(t *testing.T) {
	for _, url := range []string{"http://:8080/ready", "https://:8443/ready"} {
		require.NoError(t, httpAnswers(t.Context(), serving{kind: decoy.Empty}, url))
		var status *statusError
		assert.ErrorAs(t, httpAnswers(t.Context(), serving{kind: decoy.Failing}, url), &status)
	}
}

// listening is a machine that takes every question and answers none.
type listening struct{ instance.Machine }

func (listening) Dial(context.Context, int) (net.Conn, error) {
	near, far := net.Pipe()
	go io.Copy(io.Discard, far) //nolint:errcheck // until near is closed
	return near, nil
}

// A program that takes the question and says nothing is told in the operators' words, with the time that it had.
func TestNotReadyWithoutAnAnswer(t *testing.T) {
	w := wait{pace: pace{patience: 50 * time.Millisecond}, within: time.Minute}
	require.False(t, w.ask(t.Context(), 0, listening{}, &scenarios.Ready{HTTP: "http://:8080/ready"}))
	require.True(t, w.silent())
	assert.Equal(t, "not ready within 1m0s: no answer within 50ms", w.words(record.Overdue{Limit: time.Minute, To: time.Minute}))
}
