package docker

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// A restored image that tries to get out from its first instruction: nothing
// succeeds, and what can be seen as an attempt is reported.
func TestEscapes(t *testing.T) {
	t.Parallel()
	host, err := listenOnHost()
	require.NoError(t, err)
	defer host.Close()
	require.NotEmpty(t, host.addresses())
	port := fmt.Sprint(host.port)
	own := net.JoinHostPort(host.addresses()[0].String(), port)

	other, _ := newBench(t)
	_, err = other.Boot(t.Context(), instance.Request{Name: "neighbour", Generation: 1, Image: built.image,
		Entrypoint: []string{"/guest", "serve", "7000"}})
	require.NoError(t, err)
	neighbour := net.JoinHostPort(other.slots["neighbour"].sandbox.address.String(), "7000")

	d, notes := newBench(t)
	n, err := d.network(t.Context())
	require.NoError(t, err)
	gate := n.gateway.String()
	ways := []struct {
		name     string
		args     []string
		protocol string // of the report; empty: there is no packet, the proof is the capability or the mount
		target   string // its beginning
	}{
		{"tcp to the host", []string{"dial", "tcp", own}, "tcp", own},
		{"udp to the host", []string{"dial", "udp", own, host.secret}, "udp", own},
		{"tcp to the gateway", []string{"dial", "tcp", net.JoinHostPort(gate, port)}, "tcp", gate},
		{"another drill's machine", []string{"dial", "tcp", neighbour}, "tcp", neighbour},
		{"metadata", []string{"http", "169.254.169.254:80", "metadata.internal"}, "tcp", "169.254.169.254:80"},
		{"production by address", []string{"http", "203.0.113.7:80", "api.prod.example.com"}, "tcp", "203.0.113.7:80"},
		{"production by TLS", []string{"tls", "203.0.113.8:443", "pay.prod.example.com"}, "tcp", "203.0.113.8:443"},
		{"production by name", []string{"dial", "tcp", "db.prod.example.com:5432"}, "dns", "db.prod.example.com"},
		{"tunnel in DNS", []string{"txt", "203.0.113.9:53", "secret.evil.example"}, "dns", "secret.evil.example"},
		{"tcp over IPv6", []string{"dial", "tcp", "[2001:db8::7]:443"}, "tcp", "[2001:db8::7]:443"},
		{"udp over IPv6", []string{"dial", "udp", "[2001:db8::7]:443", "x"}, "udp", "[2001:db8::7]:443"},
		{"ping", []string{"ping", "203.0.113.10"}, "icmp", "203.0.113.10"},
		{"raw socket", []string{"raw"}, "", ""},
		{"the hypervisor's sockets", []string{"vsock"}, "", ""},
		{"proxy variable", []string{"proxy", "http://203.0.113.11:3128"}, "tcp", "203.0.113.11:3128"},
		{"engine's socket", []string{"dial", "unix", "/var/run/docker.sock"}, "", ""},
		{"own routes", []string{"route"}, "", ""},
		{"broadcast", []string{"dial", "udp", "255.255.255.255:" + port, host.secret}, "", ""},
	}
	words := []string{"/guest", "first"}
	for i, w := range ways {
		if i > 0 {
			words = append(words, "--")
		}
		words = append(words, w.args...)
	}
	m, err := d.Boot(t.Context(), instance.Request{Name: "app", Generation: 1, Image: built.image, Entrypoint: words})
	require.NoError(t, err)
	var console string
	require.Eventually(t, func() bool {
		console, err = instance.Console(t.Context(), m)
		return err == nil && strings.Contains(console, "all tried")
	}, time.Minute, 200*time.Millisecond)
	time.Sleep(time.Second) // the recorder waits for the first bytes of silent connections
	facts, err := d.Egress(t.Context())
	require.NoError(t, err)
	for _, f := range facts {
		t.Logf("%-5s %-30s %-22s %d× first %v", f.Protocol, f.Target, f.Host, f.Count, f.First.Round(time.Millisecond))
	}
	lines := strings.Split(console, "\n")
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			assert.Contains(t, lines[i], "shut", "the guest's own words")
			if w.protocol == "" {
				return
			}
			assert.True(t, slices.ContainsFunc(facts, func(f record.EgressFact) bool {
				return f.Protocol == w.protocol && strings.HasPrefix(f.Target, w.target) && f.Subject.Instance == "app" &&
					f.Count > 0
			}), "in the report")
		})
	}
	assert.False(t, host.heard(own, "udp"), "nothing arrived on the host")
	names := map[string]string{"203.0.113.7:80": "api.prod.example.com", "203.0.113.8:443": "pay.prod.example.com",
		"169.254.169.254:80": "metadata.internal"}
	for _, f := range facts {
		if want := names[f.Target]; want != "" {
			assert.Equal(t, want, f.Host, "the first host name seen")
		}
	}
	for _, what := range []string{"capability", "mount", "namespace", "seccomp", "vsock"} {
		assert.True(t, slices.ContainsFunc(notes.Probes(), func(p record.Probe) bool {
			return p.Protocol == what &&
				!p.Reached
		}), what)
	}
}

// The escape test proves nothing if the guest could not get out anywhere: on
// this host, outside a sandbox, the same words are "open".
func TestTheGuestCanReachWhatIsOpen(t *testing.T) {
	t.Parallel()
	host, err := listenOnHost()
	require.NoError(t, err)
	defer host.Close()
	own := net.JoinHostPort(host.addresses()[0].String(), fmt.Sprint(host.port))
	for _, args := range [][]string{{"dial", "tcp", own}, {"dial", "udp", own, host.secret}} {
		out := runGuest(t, append([]string{"first"}, args...)...)
		assert.Contains(t, out, "open", args)
	}
	assert.True(t, host.heard(own, "udp"))
	if _, err := os.Stat("/var/run/docker.sock"); err == nil {
		assert.Contains(t, runGuest(t, "first", "dial", "unix", "/var/run/docker.sock"), "open")
	}
}
