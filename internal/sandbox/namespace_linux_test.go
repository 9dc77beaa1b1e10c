package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

const namespaceVariable = "LIFEBOAT_TEST_NAMESPACE"

// inNamespace runs the calling test once more, alone in a network namespace of its own, and returns true there.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceVariable) != "" {
		for _, words := range []string{"link set lo up", "addr add 198.18.0.2/26 dev lo"} {
			out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput()
			require.NoError(t, err, string(out))
		}
		require.NoError(t, os.WriteFile("/proc/sys/net/ipv4/tcp_fwmark_accept", []byte("1"), 0))
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		needs.Skipf(t, "network namespaces need root and ip (iproute2)")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return false
}

// Our own probes are nobody's attempts, however late they come in: here all of them do, after restored code might have
// started. What restored code tries in the same ways is counted, and says where it wanted to go, over Multipath TCP too.
func TestProbesAreNeverCounted(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	var out bytes.Buffer
	log := newEgress(io.Discard)
	require.NoError(t, start(Config{Subnet: netip.MustParsePrefix("198.18.0.0/26"), Answer: "x",
		Gateway: netip.MustParseAddr("198.18.0.1"), Address: netip.MustParseAddr("198.18.0.2")}, log))
	log.open()
	for _, p := range tryProbes([]Probe{
		{Target: "control", Address: "198.18.0.2:65018", Protocol: "tcp", Want: "x", Control: true},
		{Address: "203.0.113.1:443", Protocol: "tcp"}, {Address: "[2001:db8::1]:443", Protocol: "tcp"},
		{Address: "203.0.113.1:443", Protocol: "udp"}, {Address: "203.0.113.1", Protocol: "icmp"},
		{Address: "203.0.113.1!probe.example.com", Protocol: "dns"},
	}, log) {
		assert.Equal(t, p.Control, p.Reached || p.Recorded && p.Control, "%+v", p)
	}
	for _, multipath := range []bool{false, true} {
		d := net.Dialer{Timeout: 5 * time.Second}
		d.SetMultipathTCP(multipath)
		address := map[bool]string{false: "203.0.113.7:80", true: "203.0.113.8:80"}[multipath]
		c, err := d.Dial("tcp", address)
		require.NoError(t, err)
		_ = c.Close()
	}
	u, err := net.Dial("udp", "203.0.113.9:53")
	require.NoError(t, err)
	_, _ = u.Write([]byte("x"))
	v, err := net.Dial("udp", "203.0.113.10:123")
	require.NoError(t, err)
	_, _ = v.Write([]byte("x"))
	want := []string{"203.0.113.10:123", "203.0.113.7:80", "203.0.113.8:80", "port 53, no question"}
	var got []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && len(got) < len(want); time.Sleep(20 * time.Millisecond) {
		log.mu.Lock()
		got = nil
		for k := range log.groups {
			got = append(got, k[1])
		}
		log.mu.Unlock()
	}
	time.Sleep(100 * time.Millisecond) // whatever else there may be
	log.mu.Lock()
	defer log.mu.Unlock()
	require.NoError(t, json.NewEncoder(&out).Encode(log.groups[[2]string{"tcp", "203.0.113.1:443"}]))
	slices.Sort(got)
	assert.Equal(t, want, got)
	assert.Len(t, log.groups, len(want), "%s", out.String())
}

// A service that is reached over one connection is told of again while it answers, and no more when it only listens.
func TestReachGoesOn(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	out, err := exec.Command("ip", "addr", "add", "198.18.0.3/26", "dev", "lo").CombinedOutput()
	require.NoError(t, err, string(out))
	var said bytes.Buffer
	log := newEgress(&said)
	own := netip.MustParseAddr("198.18.0.2")
	require.NoError(t, reach(Config{Subnet: netip.MustParsePrefix("198.18.0.0/26"), Address: own}, log))
	log.open()
	began := time.Now()
	tcp, err := net.Listen("tcp", "198.18.0.3:7000")
	require.NoError(t, err)
	udp, err := net.ListenPacket("udp", "198.18.0.3:7000")
	require.NoError(t, err)
	const mute = 'm' // what is not answered
	go func() {
		c, err := tcp.Accept()
		for b := make([]byte, 1); err == nil; _, err = c.Read(b) {
			if b[0] == mute {
				continue
			}
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	go func() {
		for b := make([]byte, 1); ; {
			_, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			if b[0] != mute {
				_, _ = udp.WriteTo(b, from)
			}
		}
	}()
	var all []net.Conn
	for network, from := range map[string]net.Addr{"tcp": &net.TCPAddr{IP: own.AsSlice()}, "udp": &net.UDPAddr{IP: own.AsSlice()}} {
		c, err := (&net.Dialer{LocalAddr: from}).Dial(network, "198.18.0.3:7000")
		require.NoError(t, err)
		all = append(all, c)
	}
	talk := func(word byte, until time.Duration) {
		for time.Since(began) < until {
			for _, c := range all {
				_, err := c.Write([]byte{word})
				require.NoError(t, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	talk('a', 2500*time.Millisecond)
	talk(mute, 5*time.Second)
	log.flush()
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, protocol := range []string{"tcp", "udp"} {
		s := log.reached[Reached{Protocol: protocol, Service: netip.MustParseAddrPort("198.18.0.3:7000")}]
		require.NotNil(t, s, protocol)
		assert.Less(t, s.first, time.Second, protocol)
		assert.Greater(t, s.last, time.Second, protocol)
		assert.Less(t, s.last, 3*time.Second, protocol)
	}
	lines := strings.Count(said.String(), `"event":"reach"`)
	assert.True(t, lines >= 4 && lines <= 10, "%s", said.String())
}
