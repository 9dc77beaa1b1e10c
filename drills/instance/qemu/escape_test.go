package qemu

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// escape lets a guest try to get out: to a listener of ours on every address of this host, to an address of
// documentation, to one of metadata, and to a name. Nothing answers, and all that left the guest is in the record.
func escape(t *testing.T, d *Driver, m *Machine) {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	defer l.Close()
	var reached atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_, _ = c.Write([]byte("!"))
			_ = c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	ways := []string{fmt.Sprintf("10.0.2.2/%d", port), "203.0.113.1/443", "169.254.169.254/80", "api.example.com/443"}
	own, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range own {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.To4() != nil && !ip.IsLoopback() {
			ways = append(ways, fmt.Sprintf("%s/%d", ip, port))
		}
	}
	const try = `for way; do
  got=$(timeout 5 bash -c "exec 3<>/dev/tcp/$way && head -c 1 <&3" 2>/dev/null)
  [ "$got" = "!" ] && echo "reached $way"
done
timeout 5 bash -c 'echo x >/dev/udp/203.0.113.1/514'
exit 0`
	r, err := m.Exec(t.Context(), instance.Command{Args: append([]string{"bash", "-c", try, "bash"}, ways...)})
	require.NoError(t, err)
	assert.Empty(t, r.Stdout)
	assert.Zero(t, reached.Load(), "a connection from the guest arrived on this host")

	facts, err := d.base.Egress(t.Context())
	require.NoError(t, err)
	var seen []string
	for _, f := range facts {
		seen = append(seen, f.Protocol+" "+f.Target+" "+f.Host)
	}
	record := strings.Join(seen, "\n")
	for _, want := range []string{"tcp 203.0.113.1:443", "tcp 169.254.169.254:80", "api.example.com", "udp 203.0.113.1:514"} {
		assert.Contains(t, record, want)
	}
	require.Greater(t, len(ways), 4, "this host has an address besides its loopback")
}
