package drills

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/decoy"
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
