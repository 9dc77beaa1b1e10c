package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"lifeboat/scenarios"
)

func question(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	require.NoError(t, err)
	return b
}

func TestRespond(t *testing.T) {
	allow := []Allow{{Host: "api.partner.example", Address: netip.MustParseAddr("203.0.113.20"), Port: 443}}
	for name, c := range map[string]struct {
		ask     string
		kind    dnsmessage.Type
		known   bool
		code    dnsmessage.RCode
		answers int
	}{
		"unknown":              {"db.prod.example.com.", dnsmessage.TypeA, false, dnsmessage.RCodeNameError, 0},
		"allowed":              {"API.partner.example.", dnsmessage.TypeA, true, dnsmessage.RCodeSuccess, 1},
		"allowed, over IPv6":   {"api.partner.example.", dnsmessage.TypeAAAA, true, dnsmessage.RCodeSuccess, 0},
		"below an allowed one": {"x.api.partner.example.", dnsmessage.TypeA, false, dnsmessage.RCodeNameError, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := respond(question(t, c.ask, c.kind), allow)
			var m dnsmessage.Message
			require.NoError(t, m.Unpack(r.reply))
			assert.EqualValues(t, 7, m.ID)
			assert.Equal(t, c.code, m.RCode)
			assert.Len(t, m.Answers, c.answers)
			assert.Equal(t, c.known, r.known)
			assert.Equal(t, strings.ToLower(strings.TrimSuffix(c.ask, ".")), r.name)
		})
	}
}

func FuzzRespond(f *testing.F) {
	f.Add(question(f, "a.example.", dnsmessage.TypeTXT))
	f.Add([]byte{0, 1, 0x80, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := respond(b, nil)
		assert.False(t, r.known)
		if r.reply == nil {
			return
		}
		var m dnsmessage.Message
		require.NoError(t, m.Unpack(r.reply))
		assert.True(t, m.Response)
		assert.Empty(t, m.Answers)
	})
}

func TestEgressGroups(t *testing.T) {
	var out bytes.Buffer
	e := newEgress(&out)
	e.saw(attempt{protocol: "tcp", target: "192.0.2.2:80", mark: "127.0.0.1:5"})
	assert.True(t, e.caughtProbe("127.0.0.1:5"))
	e.open()
	for range 3 {
		e.saw(attempt{protocol: "tcp", target: "203.0.113.7:443"})
	}
	e.named("tcp", "203.0.113.7:443", "api\x1b.prod.example.com")
	e.named("tcp", "203.0.113.7:443", "second.example.com")
	for _, twin := range []bool{true, false, false, true, false} {
		e.saw(attempt{protocol: "dns", target: "pay.example.com", twin: twin})
	}
	for i := range 2 * groupLimit {
		e.saw(attempt{protocol: "dns", target: fmt.Sprintf("%d.example", i)})
	}
	e.flush()
	groups := map[string]Group{}
	for d := json.NewDecoder(&out); d.More(); {
		var l Line
		require.NoError(t, d.Decode(&l))
		groups[l.Egress.Target] = *l.Egress
	}
	assert.Len(t, groups, groupLimit+1, "random names are counted together")
	assert.NotContains(t, groups, "192.0.2.2:80", "our own probes are not restored code's")
	g := groups["203.0.113.7:443"]
	assert.Equal(t, 3, g.Count)
	assert.Equal(t, "api.prod.example.com", g.Host, "the first name holds, without signs that a terminal obeys")
	assert.GreaterOrEqual(t, g.Last, g.First)
	assert.Equal(t, groupLimit+2, groups["(further targets)"].Count)
	assert.Equal(t, 3, groups["pay.example.com"].Count, "a question for IPv4 and one for IPv6 are one attempt")
}

// The engine keeps the last 20 MB of a sandbox's output, in which every character may take two. Whoever makes noise
// must not push out of it what was tried before.
func TestEgressOutlastsNoise(t *testing.T) {
	const kept = 10_000_000
	var out bytes.Buffer
	e := newEgress(&out)
	e.open()
	e.saw(attempt{protocol: "tcp", target: "10.1.2.3:5432"})
	for i := 0; out.Len() < 3*kept; i++ {
		for n := range groupLimit {
			target := fmt.Sprintf("203.0.113.7:%d", n)
			e.saw(attempt{protocol: "tcp", target: target})
			e.named("tcp", target, strings.Repeat("x", 16<<10))
		}
		e.flush()
	}
	assert.True(t, bytes.Contains(out.Bytes()[out.Len()-kept:], []byte(`"10.1.2.3:5432"`)))
}

// Outside a sandbox the probes must find that things are open: a probe that
// cannot fail proves nothing.
func TestProbesSeeWhatIsOpen(t *testing.T) {
	secret := "only the target knows"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go answer(l, secret)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer u.Close()
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(b[:n], from)
		}
	}()
	probes := []Probe{
		{Target: "host", Address: l.Addr().String(), Protocol: "tcp", Want: secret},
		{Target: "host", Address: u.LocalAddr().String(), Protocol: "udp", Want: secret},
		{Target: "host", Address: silent.Addr().String(), Protocol: "tcp", Want: secret},
		{Target: "host", Address: "127.0.0.1:1", Protocol: "tcp", Want: secret},
		{Target: "control", Address: "127.0.0.1:1", Protocol: "tcp", Want: secret, Control: true},
		{Target: "nonsense", Address: "127.0.0.1:1", Protocol: "smoke", Want: secret},
		{Target: "outside", Address: "203.0.113.1:443", Protocol: "tcp", Outside: true},
	}
	got := tryProbes(probes, newEgress(&bytes.Buffer{}))
	assert.True(t, got[0].Reached)
	assert.True(t, got[1].Reached)
	assert.True(t, got[2].Reached, "what accepts and is not our recorder is reached: %s", got[2].Detail)
	assert.False(t, got[3].Reached, "nobody listens")
	assert.False(t, got[4].Reached, "a control that nobody answers fails")
	assert.True(t, got[5].Reached, "fail closed")
	assert.True(t, got[6].Untried, "no packet may leave while something nearer is open")
}

// What goes to port 53 wants out, whether it is a question or not.
func TestStubMissesNothing(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	log := newEgress(io.Discard)
	log.probing = false
	done := make(chan struct{})
	go func() { defer close(done); stub(server, nil, log) }()
	c, err := net.Dial("udp", server.LocalAddr().String())
	require.NoError(t, err)
	defer c.Close()
	for _, b := range [][]byte{[]byte("x\n"), question(t, ".", dnsmessage.TypeNS), question(t, "a.example.", dnsmessage.TypeA)} {
		_, err := c.Write(b)
		require.NoError(t, err)
	}
	assert.Eventually(t, func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.groups[[2]string{"udp", "port 53, no question"}] != nil && log.groups[[2]string{"dns", "."}] != nil &&
			log.groups[[2]string{"dns", "a.example"}] != nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, server.Close())
	<-done
}

func TestOwnPortsAreKnownToValidate(t *testing.T) {
	assert.ElementsMatch(t, []int{AnswerPort, recorderPort, dnsPort}, scenarios.OwnPorts())
}
