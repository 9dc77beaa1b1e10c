package service

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

func TestPorts(t *testing.T) {
	open, slam, shut := listen(t, func(net.Conn) {}), listen(t, func(c net.Conn) { _ = c.Close() }), closed(t)
	for name, c := range map[string]struct {
		says   instance.ImageFacts
		to     map[int]string
		status record.CheckStatus
		want   string
		beside []record.Observation
	}{
		"one that answers": {instance.ImageFacts{TCP: []int{80}}, map[int]string{80: open}, "passed",
			"app takes connections on 80, which its image exposes", nil},
		"one of two, and UDP": {instance.ImageFacts{TCP: []int{80, 443}, UDP: []int{53}}, map[int]string{80: open, 443: shut}, "passed",
			"app takes connections on 80, which its image exposes", []record.Observation{
				{ID: "image.shut", Args: map[string]string{"instance": "app", "ports": "443"}},
				{ID: "image.udp", Args: map[string]string{"instance": "app", "ports": "53"}}}},
		"none":           {instance.ImageFacts{TCP: []int{80}}, map[int]string{80: shut}, "failed", "connection refused", nil},
		"closed at once": {instance.ImageFacts{TCP: []int{80}}, map[int]string{80: slam}, "failed", "within 300ms: 80: EOF", nil},
		"UDP alone": {instance.ImageFacts{UDP: []int{53}}, nil, "crashed", "exposes no TCP port", []record.Observation{
			{ID: "image.udp", Args: map[string]string{"instance": "app", "ports": "53"}}}},
		"exposes none": {instance.ImageFacts{}, nil, "crashed", "exposes no TCP port", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := verifiertest.Make(t, New, "ports", `{on: app, timeout: 300ms}`)
			target := verifiertest.Fake{Image: &verifier.Image{Says: &c.says},
				OnDial: func(ctx context.Context, _ string, port int) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", c.to[port])
				}}
			facts, err := check.Observe(t.Context(), target)
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.want)
			assert.Equal(t, c.beside, a.Beside)
		})
	}
	_, err := verifiertest.Make(t, New, "ports", `{on: app}`).Observe(t.Context(), verifiertest.Fake{Image: &verifier.Image{}})
	assert.ErrorContains(t, err, "not booted from an image archive")
}
