package hostnet

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every route is one that the kernel shows, and the loopback is among them.
func TestRoutes(t *testing.T) {
	table, err := os.ReadFile("/proc/net/fib_trie")
	if err != nil {
		t.Skip(err)
	}
	routes, err := Routes()
	require.NoError(t, err)
	require.NotEmpty(t, routes)
	for _, r := range routes {
		assert.Contains(t, string(table), r.Addr().String())
	}
	assert.Contains(t, routes, netip.MustParsePrefix("127.0.0.0/8"))
}
